"""Keys: ``passerelle keys`` lists and rotates those of this gateway; a JWKS (RFC 7517) holds those of others."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import typer
from rich.text import Text

from gateway.bootstrap.log import signing_key_of
from gateway.cli.console import OUT, AsJson, CommandError, print_json, print_rows
from gateway.cli.desk import acting
from gateway.cli.operator_context import command_errors, keys_here, settings_here
from gateway.cli.os_error import command_error
from gateway.clock import now
from gateway.oauth.keys import KeyRing, rotate_signing_key
from gateway.oauth.token import signer_of
from gateway.operate.desk import Desk
from gateway.runtime.listening import is_loopback

app = typer.Typer(help="List and rotate the keys that sign tokens and certificates.", no_args_is_help=True)
_MAX_BYTES = 64 * 1024
_SECONDS = 20.0
_STEP = "give a file that holds the public keys as a JWKS (RFC 7517)"


@app.command(name="list")
def list_all(*, as_json: AsJson = False) -> None:
    """List the keys by their id in the JWKS: the one that signs, and those that only verify."""
    _print_keys(keys_here(), as_json=as_json)


@app.command()
@acting()
async def rotate(desk: Desk, *, as_json: AsJson = False) -> None:
    """Sign with a new key from the next start on.

    An older key still verifies for a day, and until its certificates expire; a later rotation drops it.
    """
    keys_here()
    path = signing_key_of(settings_here())
    issued = [one for partner in desk.partners.all() for one in partner.certificates]
    needed = frozenset(signer_of(one) for one in issued if one.certificate.expires_at > now())
    async with desk.acting("keys.rotate", "signing key"):
        with command_errors():
            ring = rotate_signing_key(path, now=now(), needed=needed)
    _print_keys(ring, as_json=as_json)
    if not as_json:
        OUT.print("[green]✓[/] There is a new key. Restart the gateway within a day, all its replicas at once.")


def _print_keys(ring: KeyRing, *, as_json: bool) -> None:
    keys = [(str(key.kid), "signs" if key is ring.signer else "verifies") for key in ring.verifiers]
    if as_json:
        print_json([{"kid": kid, "signs": use == "signs"} for kid, use in keys])
        return
    print_rows(OUT, ("Key", "Use"), [[Text(kid), Text(use)] for kid, use in keys], left=2)


def read_start(path: Path, most: int, *, step: str) -> bytes:
    """The first ``most`` bytes of a file. Raises CommandError."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise CommandError(str(command_error(error)), step=step) from error


def read_key_set(path: Path) -> Mapping[str, object]:
    """The JSON object of a file; the caller validates its keys. Raises CommandError."""
    return _read_object(read_start(path, _MAX_BYTES, step=_STEP), str(path), _STEP)


async def fetch_key_set(url: str) -> Mapping[str, object]:
    """The JSON object at a URL, which must be https or on this machine, since its keys are trusted.

    Raises CommandError.
    """
    import aiohttp  # noqa: PLC0415 - slow to import, and needed for a URL only

    step = "give the gateway's address of its keys, https://…/oauth/jwks.json, or a file that holds them"
    if not _is_safe(url):
        raise CommandError(f"{url} is no https address.", step=step)
    try:
        async with (
            asyncio.timeout(_SECONDS),
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False) as response,
        ):
            status, raw = response.status, b""
            while len(raw) < _MAX_BYTES and (more := await response.content.read(_MAX_BYTES - len(raw))):
                raw += more
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise CommandError(f"{url} cannot be reached: {str(error) or type(error).__name__}.", step=step) from error
    if status != HTTPStatus.OK:
        raise CommandError(f"{url} answered {status}.", step=step)
    return _read_object(raw, url, step)


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) if parts.scheme == "https" else parts.scheme == "http" and is_loopback(host)


def _read_object(raw: bytes, name: str, step: str) -> Mapping[str, object]:
    try:
        document = orjson.loads(raw)
        orjson.dumps(document)  # deep nesting may parse and still not serialise
    except (ValueError, TypeError) as error:
        raise CommandError(f"{name} is not JSON.", step=step) from error
    if not isinstance(document, dict):
        raise CommandError(f"{name} is not a JSON object.", step=step)
    return document
