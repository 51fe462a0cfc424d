"""``passerelle pause`` and ``resume``: whether a platform's feed is pulled."""

from rich.text import Text

from gateway.cli.console import OUT
from gateway.cli.desk import Slug, acting
from gateway.operate.desk import Desk
from gateway.operate.feeds import read_pauses, set_paused
from gateway.protocol.record import utc


@acting()
async def pause(desk: Desk, platform: Slug) -> None:
    """Stop pulling a platform's feed, on every replica and over restarts, until it is resumed. Its offers stay.

    A run that is under way ends. While it is paused, no order runs it.
    """
    changed, pause = await set_paused(desk, platform, paused=True, known=await read_pauses(desk.log))
    outcome = "is paused" if changed else f"is paused already, since {utc(pause.at)}: nothing was changed"
    OUT.print(Text(f"{platform} {outcome}."))


@acting()
async def resume(desk: Desk, platform: Slug) -> None:
    """Pull a platform's feed again, at once if a run is due."""
    changed, _ = await set_paused(desk, platform, paused=False, known=await read_pauses(desk.log))
    outcome = "is pulled again" if changed else "is not paused: nothing was changed"
    OUT.print(Text(f"{platform} {outcome}."))
