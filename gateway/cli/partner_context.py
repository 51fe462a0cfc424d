"""Partner context of commands: the client from PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

import aiohttp
from rich.text import Text
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from gateway.cli.console import ERR, CommandError
from gateway.client import Client, ClientAnswer, ClientError
from schemas.rulebook import Language
from schemas.texts import load_words

_DEFAULT_URL = "http://127.0.0.1:8080"
_UPLOAD_SECONDS = 900.0
_FIRST_RETRY_SECONDS, _RETRY_SECONDS = 5.0, 120.0

_WORDS = load_words(SimpleNamespace, "gateway", "partner_context")


@asynccontextmanager
async def as_partner(language: Language) -> AsyncIterator[Client]:
    """A client of the gateway named by the environment. Raises CommandError if credentials are missing or refused."""
    words = _WORDS[language]
    identity = os.environ.get("PASSERELLE_CLIENT_ID")
    secret = os.environ.get("PASSERELLE_CLIENT_SECRET")
    if not identity or not secret:
        raise CommandError(words.unnamed, step=words.name, language=language)
    set_on_retry_hooks([partial(_print_retry, words.again)])
    timeout = aiohttp.ClientTimeout(total=_UPLOAD_SECONDS, sock_connect=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            client = Client(session, gateway_url(), client_id=identity, client_secret=secret, language=language)
            # A wrong URL or secret fails within 5 s; calls after the first token are retried for longer.
            client.patience = _FIRST_RETRY_SECONDS
            with ERR.status(words.asking.format(url=gateway_url())):
                await client.token()
            client.patience = _RETRY_SECONDS
            yield client
    except ClientError as error:
        raise CommandError(str(error), step=error.step, language=language) from error


def _print_retry(text: str, retry: RetryDetails) -> None:
    """One line for each retry, in place of stamina's, which is a record for a log."""
    ERR.print(Text(text.format(reason=retry.caused_by, seconds=retry.wait_for)))


def gateway_url() -> str:
    """The URL of the gateway."""
    return os.environ.get("PASSERELLE_URL") or _DEFAULT_URL


def refused(answer: ClientAnswer, doing: str, *, step: str = "") -> CommandError:
    """The error of a call that was refused as a whole; ``doing`` and ``step`` are in the answer's language."""
    words = _WORDS[answer.language]
    message = words.refused.format(doing=doing, text=answer.explain())
    step = step or words.steps.get(str(answer.status), words.other_step)
    return CommandError(message, step=step, language=answer.language)


def client_id() -> str:
    """The client id; empty if it is not set."""
    return os.environ.get("PASSERELLE_CLIENT_ID", "")
