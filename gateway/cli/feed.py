"""``passerelle pause`` and ``resume``: whether a platform's feed is pulled."""

from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import OUT, CommandError, asynchronous
from gateway.cli.desk import By, Why, desk_here
from gateway.cli.operator_context import active_partner, command_errors
from gateway.clock import now
from gateway.operate.feeds import has_feed, read_pauses, set_paused
from gateway.protocol.record import utc
from gateway.protocol.source_run import Pause

Slug = Annotated[str, typer.Argument(metavar="PLATFORM", help="The platform's slug, such as bretagne.")]


@asynchronous
async def pause(platform: Slug, *, by: By = None, why: Why = None) -> None:
    """Stop pulling a platform's feed, on every replica and over restarts, until it is resumed. Its offers stay.

    A run that is under way ends. While it is paused, no order runs it.
    """
    since = await _set(Pause(platform=platform, paused=True, at=now()), by, why)
    said = "is paused" if since is None else f"is paused already, since {utc(since)}: nothing was changed"
    OUT.print(Text(f"{platform} {said}."), soft_wrap=True)


@asynchronous
async def resume(platform: Slug, *, by: By = None, why: Why = None) -> None:
    """Pull a platform's feed again, at once if a run is due."""
    since = await _set(Pause(platform=platform, paused=False, at=now()), by, why)
    said = "is pulled again" if since is None else "is not paused: nothing was changed"
    OUT.print(Text(f"{platform} {said}."), soft_wrap=True)


async def _set(wanted: Pause, by: str | None, why: str | None) -> int | None:
    """Pause or resume; None if that is new, else since when it is paused (0 if it is not). Raises CommandError."""
    platform = wanted.platform
    async with desk_here(by, why) as desk:
        if not has_feed(active_partner(desk.partners.get(platform), platform)):
            step = "passerelle platform list shows the platforms that have one"
            raise CommandError(f"{platform} has no feed to pull.", step=step)
        with command_errors():
            known = await read_pauses(desk.log)
            if await set_paused(desk.log, desk.journal, wanted, known=known, actor=desk.actor, why=desk.why):
                return None
    return known[platform].at if platform in known else 0
