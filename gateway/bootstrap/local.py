"""A gateway from beside it: its views as a worker follows them, for commands on its machine (ADR 0027)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.bootstrap.parts import Parts, build_parts
from gateway.log.port import EventLog
from gateway.settings import Settings


@asynccontextmanager
async def parts_beside(settings: Settings, log: EventLog) -> AsyncIterator[Parts]:
    """The parts of a further process, to be read: views that the gateway updates, partners and positions caught up.

    Raises SettingsError, LogError; LogUnavailableError where there is no view yet, or one of another version.
    """
    async with AsyncExitStack() as stack:
        parts = await build_parts(settings, stack, follow=True, log=log)
        await parts.positions.catch_up()
        yield parts
