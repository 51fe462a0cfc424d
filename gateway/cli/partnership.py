"""Being a partner: the client that PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET make."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from gateway.cli.console import ERR, CommandError
from gateway.client import Answer, Client, ClientError
from schemas.rulebook import Language

DEFAULT_URL = "http://127.0.0.1:8080"
_UPLOAD_SECONDS = 900.0
_FIRST_PATIENCE, _PATIENCE = 5.0, 120.0


@asynccontextmanager
async def as_partner(language: Language) -> AsyncIterator[Client]:
    """A client of the gateway that the environment names. Raises CommandError when it is not told who it is."""
    identity = os.environ.get("PASSERELLE_CLIENT_ID")
    secret = os.environ.get("PASSERELLE_CLIENT_SECRET")
    if not identity or not secret:
        raise CommandError(
            "PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET are not both set.",
            step="set them to what the gateway's operator gave you (passerelle partner add shows them once)",
        )
    timeout = aiohttp.ClientTimeout(total=_UPLOAD_SECONDS, sock_connect=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            client = Client(session, gateway_url(), client_id=identity, client_secret=secret, language=language)
            # Whoever mistyped the address or the secret is told soon; whoever is in the middle of it waits.
            client.patience = _FIRST_PATIENCE
            with ERR.status(f"Asking {gateway_url()} for a token"):
                await client.token()
            client.patience = _PATIENCE
            yield client
    except ClientError as error:
        raise CommandError(str(error), step=error.step) from error


def gateway_url() -> str:
    """Where the gateway is."""
    return os.environ.get("PASSERELLE_URL") or DEFAULT_URL


def refused(answer: Answer, doing: str) -> CommandError:
    """The error of a call that the gateway refused as a whole."""
    steps = {
        401: "check the client's id and secret",
        403: "ask the operator for the scope offers:publish",
        404: "check PASSERELLE_URL: this address is no gateway",
        413: "send smaller files",
    }
    step = steps.get(answer.status, "mend what the message names, then run the same command again")
    return CommandError(f"The gateway refused {doing}. {answer.explain()}", step=step)


def client_id() -> str:
    """As whom; empty when that is not set."""
    return os.environ.get("PASSERELLE_CLIENT_ID", "")
