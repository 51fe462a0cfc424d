"""Partner context of commands: the client from PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from rich.text import Text

from gateway.cli.console import ERR, CommandError
from passerelle_client import ClientError, Connection
from schemas.rulebook import Language
from schemas.texts import load_words

_FIRST_RETRY_SECONDS, _RETRY_SECONDS = 5.0, 120.0

_WORDS = load_words(SimpleNamespace, "gateway", "partner_context")


@contextmanager
def as_partner(language: Language) -> Iterator[Connection]:
    """A connection to the gateway named by the environment. Raises CommandError where it cannot be used, or refuses."""
    words = _WORDS[language]

    def print_retry(reason: str, seconds: float) -> None:
        ERR.print(Text(words.again.format(reason=reason, seconds=seconds)))

    try:
        with Connection.from_environment(language=language, retrying=print_retry) as connection:
            # A wrong URL or secret fails within 5 s; calls after the first token are retried for longer.
            connection.patience = _FIRST_RETRY_SECONDS
            with ERR.status(words.asking.format(url=connection.url)):
                connection.token()
            connection.patience = _RETRY_SECONDS
            yield connection
    except ClientError as error:
        raise CommandError(error.message, step=error.step, language=language) from error


def client_id() -> str:
    """The client id; empty if it is not set."""
    return os.environ.get("PASSERELLE_CLIENT_ID", "")
