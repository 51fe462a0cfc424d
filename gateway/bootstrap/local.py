"""A gateway from beside it: its views as a worker follows them, for commands on its machine (ADR 0027)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.bootstrap.parts import build_federation
from gateway.federation import Federation
from gateway.log.port import EventLog
from gateway.settings import Settings


@asynccontextmanager
async def federation_beside(settings: Settings, log: EventLog) -> AsyncIterator[Federation]:
    """The federation in a further process, to be read: the gateway updates its views; partners and positions are caught
    up.

    Raises SettingsError, LogError; LogUnavailableError where there is no view yet, or one of another version.
    """
    async with AsyncExitStack() as stack:
        federation = await build_federation(settings, stack, follow=True, log=log)
        await federation.positions.catch_up()
        yield federation
