"""One partner's calls, without retries and unaltered: the history must hold every request that was sent."""

import asyncio
import io
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

_TIMEOUT = aiohttp.ClientTimeout(total=25, sock_connect=2)
_TOKEN_SECONDS = 1_800.0


class NotSentError(Exception):
    """The request was certainly never sent: the connection was refused, or no token was available."""


class NoAnswerError(Exception):
    """The request may have been accepted; no answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and decoded JSON body."""

    status: int
    body: Any


class Line:
    """Calls any of the replicas that are up, as one partner. A call is made once, whatever its outcome."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        urls: Callable[[], Sequence[str]],
        *,
        slug: str,
        secret: str,
        random: Random,
    ) -> None:
        self._session = session
        self._urls = urls
        self._basic = b64encode(f"{quote(slug)}:{quote(secret)}".encode()).decode()
        self._random = random
        self._token = ""
        self._renew_at = 0.0

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        media: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Raises NotSentError, NoAnswerError."""
        sent = {"Authorization": f"Bearer {await self.bearer()}", "Accept-Language": "en", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = media
        return await self._once(method, path, data=None if body is None else io.BytesIO(body), headers=sent)

    async def bearer(self) -> str:
        """A token with some life left. Raises NotSentError."""
        now = asyncio.get_running_loop().time()
        if now >= self._renew_at:
            try:
                answer = await self._once(
                    "POST",
                    "/oauth/token",
                    data={"grant_type": "client_credentials"},
                    headers={"Authorization": f"Basic {self._basic}"},
                )
            except NoAnswerError as error:
                raise NotSentError(str(error)) from error
            if answer.status != 200:
                raise NotSentError(f"no token: {answer.status} {answer.body}")
            self._token, self._renew_at = answer.body["access_token"], now + _TOKEN_SECONDS
        return self._token

    async def _once(self, method: str, path: str, **arguments: Any) -> Answer:
        urls = self._urls()
        if not urls:
            raise NotSentError("no replica is up")
        try:
            async with self._session.request(
                method, self._random.choice(urls) + path, timeout=_TIMEOUT, **arguments
            ) as response:
                content = await response.read()
                return Answer(response.status, orjson.loads(content) if content else None)
        except aiohttp.ClientConnectorError as error:
            raise NotSentError(str(error)) from error
        except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError) as error:
            raise NoAnswerError(f"{type(error).__name__} {error}") from error


def open_session() -> aiohttp.ClientSession:
    """A session that sends each request once: aiohttp would silently send some again after a lost connection."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    session._retry_connection = False
    return session
