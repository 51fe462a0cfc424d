"""A push over HTTPS: one POST to a public address, without redirects, within its time, its answer barely read."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import AddrInfoType, hdrs
from yarl import URL

from gateway.clock import Clock
from gateway.protocol.push import PushOutcome
from gateway.runtime.daemon_thread import DaemonThread, ThreadBusyError
from gateway.runtime.public_host import (
    AddressRefusedError,
    HostUnknownError,
    PublicResolver,
    check_literal,
    resolve,
    url_fault,
)
from schemas.bilingual import Bilingual

CONNECT_SECONDS = 5.0
MAX_URL = 2_000
_PORT = 443
_ANSWER_BYTES, _BODY_SECONDS, _RECEIVED_BYTES = 1_024, 1.0, 4_096
_KEPT_SECONDS = 1.0
"""Servers close idle connections after 2 to 5 s: a push that meets a closing one fails, and waits for 5 s."""
_AGENT = "Passerelle"
_WAIT_DIGITS = 9


def endpoint_fault(text: str, *, loopback: bool) -> Bilingual | None:
    """The reason for which a text is no url of an endpoint: https on port 443, without user, password or fragment."""
    if len(text) > MAX_URL or not text.isascii() or any(one <= " " for one in text):
        return Bilingual("it has spaces, accents or is too long", "elle a des espaces, des accents ou est trop longue")
    try:
        url = URL(text, encoded=True)
        port, fault = url.port, url_fault(url, loopback=loopback)
    except ValueError:
        return Bilingual("it is no URL", "ce n’est pas une URL")
    if fault is not None:
        return fault
    if port != _PORT and not loopback:
        return Bilingual(f"its port is {port}, not {_PORT}", f"son port est {port}, et non {_PORT}")
    if url.fragment:
        return Bilingual("it has a fragment (#)", "elle a un fragment (#)")
    try:
        check_literal(url.host or "", loopback=loopback)
    except AddressRefusedError:
        return Bilingual("its address is not public", "son adresse n’est pas publique")
    return None


def _narrow(address: AddrInfoType) -> socket.socket:
    """A socket that takes little at a time: the event loop handles at once whatever has come before the head of an
    answer, and 10,000 interim answers (1xx) of an endpoint would stop it for half a second.
    """
    family, kind, protocol, *_ = address
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_BYTES)
    return found


class Poster:
    """Posts to one endpoint at a time, on connections that are kept while pushes follow one another. Every address is
    checked when it is connected to. ``loopback`` allows this machine and http, for tests.
    """

    def __init__(self, *, clock: Clock, loopback: bool) -> None:
        self._clock = clock
        self._loopback = loopback
        self._session: aiohttp.ClientSession | None = None
        self._worker = DaemonThread()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> PushOutcome:
        """Post once. The reason of a failure without a status is a word, never a text of the endpoint."""
        at = self._clock()
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(url, body, headers)
        except TimeoutError:  # aiohttp's time-outs are subclasses
            reason = "timeout"
        except (HostUnknownError, aiohttp.InvalidURL):
            reason = "host-unknown"
        except AddressRefusedError:
            reason = "address-private"
        except ThreadBusyError:
            reason = "timeout"
        except aiohttp.ClientSSLError:
            reason = "tls"
        except aiohttp.ClientResponseError:
            reason = "answer-malformed"
        except (aiohttp.ClientError, OSError, ValueError):
            reason = "unreachable"
        else:
            with suppress(aiohttp.ClientError, OSError):  # the status is the outcome; TimeoutError is an OSError
                async with asyncio.timeout(_BODY_SECONDS), answer:  # the connection is kept where the body ends
                    await answer.content.read(_ANSWER_BYTES)
            return PushOutcome(at=at, status=answer.status, wait=self._wait(answer.headers.get(hdrs.RETRY_AFTER)))
        return PushOutcome(at=at, reason=reason)

    async def _send(self, text: str, body: bytes, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """The answer as far as its head, which has a status."""
        if endpoint_fault(text, loopback=self._loopback) is not None:
            raise AddressRefusedError("", "")
        if self._session is None:
            self._session = self._open()
        sent = {hdrs.CONTENT_TYPE: "application/json", hdrs.USER_AGENT: _AGENT, **headers}
        url = URL(text, encoded=True)
        return await self._session.post(url, data=body, headers=sent, allow_redirects=False)

    def _open(self) -> aiohttp.ClientSession:
        """A session without cookies, proxies of the environment and automatic decompression."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=PublicResolver(partial(resolve, loopback=self._loopback, worker=self._worker)),
                use_dns_cache=False,
                limit=1,
                keepalive_timeout=_KEPT_SECONDS,
                socket_factory=_narrow,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    def _wait(self, text: str | None) -> int | None:
        """Retry-After in ms: seconds, or a date (RFC 9110, 10.2.3)."""
        if text is None or (text.isascii() and text.isdigit()):
            return None if text is None else int(text[:_WAIT_DIGITS]) * 1_000
        try:
            return max(0, round(parsedate_to_datetime(text).timestamp() * 1_000) - self._clock())
        except (ValueError, OverflowError):
            return None
