"""Keys of external issuers: fetched by HTTPS from public addresses, cached, bounded in size and time.

An operator names an issuer, but its server returns further URLs, and its name may resolve to any address. Therefore:
HTTPS only, host names only (no IP literals), every address that a name resolves to must be public, the connection goes
to the very address that was checked, redirects are refused, answers are bounded in size and time, and proxies of the
environment are not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.clock import Clock
from gateway.errors import TokenError
from gateway.oauth.jws import PublicKey, import_keys
from gateway.runtime.address import Address, is_public, literal

MAX_BYTES = 64 * 1024
TIMEOUT_SECONDS = 5.0
RETRY_MS = 60_000
FRESH_MS = 3_600_000
STALE_MS = 24 * 3_600_000
_log = structlog.get_logger()


@dataclass(slots=True)
class _CachedKeys:
    """The cached keys of one issuer; times in milliseconds of the monotonic clock."""

    keys: Sequence[PublicKey] = ()
    fetched_at: int = -STALE_MS
    tried_at: int = -RETRY_MS
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RemoteKeys:
    """The keys of external issuers. Fetches from an issuer at most once a minute, regardless of the tokens.

    ``clock`` is monotonic, in milliseconds. ``allow`` checks addresses, ``tls`` certificates, ``timeout`` is in
    seconds; tests pass their own.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        allow: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._allow = allow
        self._tls = tls
        self._cached: dict[str, _CachedKeys] = {}

    async def keys(self, issuer: str, kid: str | None) -> Sequence[PublicKey]:
        """The issuer's keys, fetched again if they are an hour old or lack ``kid``; kept for a day while its server
        fails. Raises TokenError if there are none. Only valid for issuers that an operator named.
        """
        cached = self._cached.setdefault(issuer, _CachedKeys())
        async with cached.lock:
            now = self._clock()
            fresh = now - cached.fetched_at < FRESH_MS and (kid is None or any(key.kid == kid for key in cached.keys))
            if not fresh and now - cached.tried_at >= RETRY_MS:
                cached.tried_at = now
                await self._refresh(issuer, cached)
            if not cached.keys or now - cached.fetched_at >= STALE_MS:
                raise TokenError("the keys of the token's issuer cannot be had at present")
            return cached.keys

    async def _refresh(self, issuer: str, cached: _CachedKeys) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                keys = await self._fetch_keys(issuer)
        except (RemoteError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            _log.warning("oauth.issuer_failed", issuer=issuer, reason=str(error) or type(error).__name__)
            return
        cached.keys, cached.fetched_at = keys, cached.tried_at
        _log.info("oauth.issuer_keys_read", issuer=issuer, keys=len(keys))

    async def _fetch_keys(self, issuer: str) -> Sequence[PublicKey]:
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(self._allow), ssl=True if self._tls is None else self._tls, use_dns_cache=False
        )
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            keys = import_keys(await _fetch(session, await _discover(session, issuer)))
        if not keys:
            raise RemoteError("its JWKS holds no usable key")
        return keys


class RemoteError(Exception):
    """A URL of an issuer is not allowed, or its server did not answer as required."""


class _GuardedResolver(AbstractResolver):
    """Resolves names; refuses a name with an address that is not allowed."""

    def __init__(self, allow: Callable[[Address], bool]) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._allow = allow

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not self._allow(ip_address(one["host"])):
                raise RemoteError(f"{host} leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()


async def _discover(session: aiohttp.ClientSession, issuer: str) -> str:
    """The issuer's ``jwks_uri``, from its metadata (RFC 8414, else OpenID Connect Discovery)."""
    failure: RemoteError | None = None
    for url in metadata_urls(issuer):
        try:
            metadata = await _fetch(session, url)
        except RemoteError as error:
            failure = error
            continue
        if metadata.get("issuer") != issuer:
            raise RemoteError(f"{url} speaks for another issuer")
        return str(metadata.get("jwks_uri"))
    raise failure or RemoteError("no metadata")


def metadata_urls(issuer: str) -> tuple[str, str]:
    """The URLs of an issuer's metadata: RFC 8414 puts its path after the well-known one, OpenID Connect before."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )


async def _fetch(session: aiohttp.ClientSession, url: str) -> Mapping[str, Any]:
    address = URL(url)  # as parsed by the client: a host with other digits or dots may be an IP address to it
    host = address.host or ""
    if address.scheme != "https" or not host or literal(host) is not None or host.replace(".", "").isdigit():
        raise RemoteError(f"{url} is not an https address with a host name")
    async with session.get(address, allow_redirects=False, headers={"Accept": "application/json"}) as response:
        if response.status != 200:
            raise RemoteError(f"{url} answered {response.status}")
        body = await response.content.read(MAX_BYTES + 1)
        while len(body) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES + 1 - len(body))):
            body += more
    if len(body) > MAX_BYTES:
        raise RemoteError(f"{url} answered more than {MAX_BYTES} bytes")
    try:
        document = orjson.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RemoteError(f"{url} did not answer with a JSON object")
    return document
