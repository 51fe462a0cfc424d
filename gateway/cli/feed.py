"""``passerelle pause`` and ``resume``: whether a platform's feed is pulled."""

from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import OUT, asynchronous
from gateway.cli.desk import By, Why, desk_here, explained
from gateway.cli.operator_context import command_errors
from gateway.operate.feeds import read_pauses, set_paused
from gateway.protocol.record import utc
from gateway.protocol.source_run import Pause

Slug = Annotated[str, typer.Argument(metavar="PLATFORM", help="The platform's slug, such as bretagne.")]


@asynchronous
async def pause(platform: Slug, *, by: By = None, why: Why = None) -> None:
    """Stop pulling a platform's feed, on every replica and over restarts, until it is resumed. Its offers stay.

    A run that is under way ends. While it is paused, no order runs it.
    """
    changed, pause = await _set(platform, by, why, paused=True)
    said = "is paused" if changed else f"is paused already, since {utc(pause.at)}: nothing was changed"
    OUT.print(Text(f"{platform} {said}."), soft_wrap=True)


@asynchronous
async def resume(platform: Slug, *, by: By = None, why: Why = None) -> None:
    """Pull a platform's feed again, at once if a run is due."""
    changed, _ = await _set(platform, by, why, paused=False)
    said = "is pulled again" if changed else "is not paused: nothing was changed"
    OUT.print(Text(f"{platform} {said}."), soft_wrap=True)


async def _set(platform: str, by: str | None, why: str | None, *, paused: bool) -> tuple[bool, Pause]:
    """As ``set_paused``. Raises CommandError."""
    async with desk_here(by, why) as desk, explained(platform):
        with command_errors():
            return await set_paused(desk, platform, paused=paused, known=await read_pauses(desk.log))
