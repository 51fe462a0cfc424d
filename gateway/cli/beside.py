"""The gateway beside a command: its views and its log, for an account that can read its data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from rich.text import Text

from gateway.bootstrap.local import federation_beside
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
    """The federation of the settings, to be read; says on stderr if its gateway does not run. Raises CommandError."""
    settings, words = settings_here(), _WORDS[language]
    async with log_here() as log:
        try:
            async with federation_beside(settings, log) as federation:
                if not is_locked(settings.data):
                    ERR.print(Text(words.stopped.format(settings.data.absolute())), soft_wrap=True)
                yield federation
        except LogUnavailableError as error:
            raise CommandError(words.no_view.format(error=error), step=words.start, language=language) from error
