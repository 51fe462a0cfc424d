"""The gateway beside a command: its views and its log, for an account that can read its data folder."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

from rich.text import Text

from gateway.bootstrap.parts import build_federation
from gateway.cli.console import ERR, CommandError
from gateway.cli.operator_context import log_here, settings_here
from gateway.errors import LogUnavailableError
from gateway.federation import Federation
from gateway.runtime.lock import is_locked
from schemas.rulebook import Language
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "beside")


@asynccontextmanager
async def gateway_here(language: Language = "en") -> AsyncIterator[Federation]:
    """The federation of the settings, to be read, with the views as a worker follows them (ADR 0027); says on stderr if
    its gateway does not run. Raises CommandError, also where there is no view yet, or one of another version.
    """
    settings, words = settings_here(), _WORDS[language]
    async with log_here() as log:
        try:
            async with AsyncExitStack() as stack:
                federation = await build_federation(settings, stack, follow=True, log=log)
                await federation.positions.catch_up()
                if not is_locked(settings.data):
                    ERR.print(Text(words.stopped.format(settings.data.absolute())))
                yield federation
        except LogUnavailableError as error:
            raise CommandError(words.no_view.format(error=error), step=words.start, language=language) from error
