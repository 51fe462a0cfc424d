"""The gateway beside a command: its views and its log, for an account that can read its data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.text import Text

from gateway.bootstrap.local import parts_beside
from gateway.bootstrap.parts import Parts
from gateway.cli.console import ERR, CommandError
from gateway.cli.operator_context import log_here, settings_here
from gateway.errors import LogUnavailableError
from gateway.runtime.lock import is_locked


@asynccontextmanager
async def gateway_here() -> AsyncIterator[Parts]:
    """The parts of the gateway of the settings, to be read; says on stderr if it does not run. Raises CommandError."""
    settings = settings_here()
    async with log_here() as log:
        try:
            async with parts_beside(settings, log) as parts:
                if not is_locked(settings.data):
                    ERR.print(Text(_STOPPED.format(settings.data.absolute())), soft_wrap=True)
                yield parts
        except LogUnavailableError as error:
            raise CommandError(str(error), step=_START) from error


_STOPPED = (
    "No gateway works in {}: these are its figures as it ended. Next step: start it (systemctl start passerelle); "
    "passerelle doctor names what prevents that."
)
_START = (
    "start the gateway of these settings, which fills its views (passerelle doctor names what prevents that), and give "
    "the command the settings of that gateway and its version"
)
