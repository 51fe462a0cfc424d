"""Load a JWKS (RFC 7517) from a file or a URL that an operator or a partner names."""

import asyncio
import ipaddress
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson

from gateway.cli.console import CommandError

_MAX_BYTES = 64 * 1024
_SECONDS = 20.0
_STEP = "give a file that holds the public keys as a JWKS (RFC 7517)"


def read_key_set(path: Path) -> Mapping[str, object]:
    """The JSON object of a file; the caller validates its keys. Raises CommandError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", step=_STEP) from error
    return _read_object(raw, str(path), _STEP)


async def fetch_key_set(url: str) -> Mapping[str, object]:
    """The JSON object at a URL, which must be https or on this machine, since its keys are trusted.

    Raises CommandError.
    """
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
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _read_object(raw: bytes, name: str, step: str) -> Mapping[str, object]:
    try:
        document = orjson.loads(raw)
        orjson.dumps(document)  # deep nesting may parse and still not serialise
    except (ValueError, TypeError) as error:
        raise CommandError(f"{name} is not JSON.", step=step) from error
    if not isinstance(document, dict):
        raise CommandError(f"{name} is not a JSON object.", step=step)
    return document
