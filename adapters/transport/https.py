"""HTTPS pull: fetch a feed from a URL, with conditional requests; only a complete body is accepted."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs
from yarl import URL

from adapters.transport.address import check_literal, resolve
from adapters.transport.feed import Feed, FeedError, FetchLimits, Unchanged, Validators
from adapters.transport.landing import Landing, too_large
from adapters.transport.limit import PlatformThread, within
from gateway.runtime.public_host import PublicResolver, url_fault
from schemas.bilingual import Bilingual, system_reason

MAX_REDIRECTS = 5
_CONNECT_SECONDS = 30.0
_READ_SECONDS = 60.0
_HEAD_SECONDS = 60.0
"""Time limit for the head of a response."""
_AGENT = "Passerelle"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_CONDITIONS = {"etag": hdrs.IF_NONE_MATCH, "last_modified": hdrs.IF_MODIFIED_SINCE}
_VALIDATORS = {"etag": hdrs.ETAG, "last_modified": hdrs.LAST_MODIFIED}
_TOTALS = ("X-Total-Count", "X-WP-Total", "X-WP-TotalPages", "X-Total-Pages")
_PLAIN_PORT, _MAX_URL = 80, 2_000
_CERTIFICATES = {
    9: "feed-certificate-expired",  # X509_V_ERR_CERT_NOT_YET_VALID
    10: "feed-certificate-expired",  # X509_V_ERR_CERT_HAS_EXPIRED
    62: "feed-certificate-misnamed",  # X509_V_ERR_HOSTNAME_MISMATCH
    64: "feed-certificate-misnamed",  # X509_V_ERR_IP_ADDRESS_MISMATCH
}


class HttpsPull:
    """Fetches one URL. ``authorization`` is sent to its own origin only. ``loopback`` allows http and this machine, for
    tests and the demo.
    """

    def __init__(
        self,
        url: str,
        *,
        authorization: str | None = None,
        loopback: bool = False,
        worker: PlatformThread | None = None,
    ) -> None:
        self._url = URL(url)
        self._authorization = authorization
        self._loopback = loopback
        self._worker = worker or PlatformThread()

    async def fetch(self, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        """See ``Transport``."""
        return await within(limits.seconds, lambda _: self._fetch(known, limits))

    def following(self, url: str, reference: str) -> "HttpsPull | None":
        """The transport of the page at ``reference``, as the page at ``url`` names it; None if it is on another origin.

        An address by http on the same host is one of a server behind a proxy: it is taken by https.
        """
        try:
            base = URL(url)
            found = base.join(URL(reference))
            if found.host == base.host and (found.scheme, found.port, base.scheme) == ("http", _PLAIN_PORT, "https"):
                found = found.with_scheme("https").with_port(base.explicit_port)
            own = _origin(found) in (_origin(base), _origin(self._url))
        except ValueError:
            return None
        if not own or len(str(found)) > _MAX_URL or url_fault(found, loopback=self._loopback) is not None:
            return None
        return HttpsPull(
            str(found.with_fragment(None)),
            authorization=self._authorization if _origin(found) == _origin(self._url) else None,
            loopback=self._loopback,
            worker=self._worker,
        )

    @property
    def url(self) -> str:
        """The address."""
        return str(self._url)

    async def _fetch(self, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        host = self._url.host or ""
        try:
            async with self._session() as session:
                return await self._follow(session, known, limits)
        except TimeoutError:  # aiohttp's time-outs are subclasses
            raise FeedError("feed-too-slow", seconds=round(limits.seconds)) from None
        except aiohttp.ClientPayloadError:
            raise FeedError("feed-cut") from None
        except aiohttp.InvalidURL:
            raise FeedError("feed-address-unusable", reason="URL") from None
        except aiohttp.ClientConnectorCertificateError as error:
            verify_code = getattr(error.certificate_error, "verify_code", 0)  # of OpenSSL
            raise FeedError(_CERTIFICATES.get(verify_code, "feed-certificate-untrusted"), host=error.host) from None
        except (aiohttp.ClientError, OSError) as error:
            raise FeedError("feed-unreachable", host=host, reason=_reason(error)) from None

    def _session(self) -> aiohttp.ClientSession:
        """A session without cookies, proxies of the environment and automatic decompression."""
        connector = aiohttp.TCPConnector(
            resolver=PublicResolver(partial(resolve, loopback=self._loopback, worker=self._worker)),
            use_dns_cache=False,
            force_close=True,
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def _follow(self, session: aiohttp.ClientSession, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        """The result after at most five redirects; each URL is checked like the first."""
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            self._check(url)
            async with asyncio.timeout(_HEAD_SECONDS):
                request = await session.get(url, headers=self._headers(url, known), allow_redirects=False)
            async with request as answer:
                if answer.status not in _REDIRECTS:
                    return await self._take(answer, known, limits)
                url = _next_address(url, answer)
        raise FeedError("feed-redirected-too-often", host=self._url.host, most=MAX_REDIRECTS)

    def _check(self, url: URL) -> None:
        """Check the scheme, credentials and IP address of a URL. Raises FeedError.

        Host names are checked when they are resolved.
        """
        check_literal(url.host or "", loopback=self._loopback)
        if (fault := url_fault(url, loopback=self._loopback)) is not None:
            raise FeedError("feed-address-unusable", reason=fault if url == self._url else _redirected(url, fault))

    def _headers(self, url: URL, known: Validators) -> dict[str, str]:
        headers: dict[str, str] = {hdrs.USER_AGENT: _AGENT, hdrs.ACCEPT_ENCODING: "gzip"}
        headers |= {header: known[name] for name, header in _CONDITIONS.items() if name in known}
        if self._authorization is not None and url.origin() == self._url.origin():
            headers[hdrs.AUTHORIZATION] = self._authorization
        return headers

    async def _take(self, answer: aiohttp.ClientResponse, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        if answer.status == HTTPStatus.NOT_MODIFIED and known:
            return Unchanged()
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer)
        encoding = answer.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip"}:
            raise FeedError("feed-encoding-unknown", encoding=encoding)
        if (answer.content_length or 0) > limits.most_bytes:
            raise too_large(limits)
        async with Landing(limits, gzip=encoding != "identity") as landing:
            async for block in answer.content.iter_any():
                await landing.take(block)
            feed = await landing.finish(
                {name: answer.headers[header] for name, header in _VALIDATORS.items() if header in answer.headers}
            )
        feed = replace(feed, url=str(answer.url), stated=_stated(answer))
        if not feed.gzipped and not _ends_by_itself(answer):
            feed.close()
            raise FeedError("feed-length-unknown", host=answer.url.host)
        return feed


def _stated(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The statements of the headers about further pages: the link ``next`` (RFC 8288), numbers of items and pages."""
    found = {name: answer.headers[name][:20] for name in _TOTALS if name in answer.headers}
    with suppress(ValueError):
        if (link := answer.links.get("next")) is not None:
            found["next"] = str(link["url"])
    return found


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _next_address(url: URL, answer: aiohttp.ClientResponse) -> URL:
    location = answer.headers.get(hdrs.LOCATION, "")
    with suppress(ValueError):
        if location:
            return url.join(URL(location))
    raise FeedError("feed-status", host=url.host, status=answer.status)


def _redirected(url: URL, fault: Bilingual) -> Bilingual:
    """The reason for a refused redirect, with scheme and host of its URL only."""
    to = f"{url.scheme}://{url.host or ''}"
    return Bilingual(f"it redirects to {to}: {fault}", f"elle redirige vers {to} : {fault.fr}")


def _refusal(answer: aiohttp.ClientResponse) -> FeedError:
    host = answer.url.host
    if answer.status in _DENIED:
        return FeedError("feed-denied", host=host)
    if answer.status in _GONE:
        return FeedError("feed-missing", name=f"{host}{answer.url.path}")
    return FeedError("feed-status", host=host, status=answer.status)


def _ends_by_itself(answer: aiohttp.ClientResponse) -> bool:
    """Whether HTTP detects a cut body: by its length, or by its last chunk."""
    chunked = "chunked" in answer.headers.get(hdrs.TRANSFER_ENCODING, "").lower()
    return chunked or answer.content_length is not None


def _reason(error: Exception) -> Bilingual:
    """A short reason from the system, never a URL with its path."""
    if isinstance(error, aiohttp.ClientSSLError):
        return Bilingual("TLS", "TLS")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Bilingual("server disconnected", "connexion coupée par le serveur")
    return system_reason(getattr(error, "os_error", error))
