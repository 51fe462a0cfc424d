"""HTTP client for one account at the partner's system: tokens, a masked journal of every exchange, and polling."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import orjson
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from conformance.model.result import Exchange
from conformance.target.record import record
from conformance.target.setup import SetupError, TargetAccount
from conformance.version import KIT_VERSION
from conformance.words import Texts, both, say
from schemas.bilingual import certificate_reason, system_reason

_SECONDS = 60.0
_MAX_BYTES = 64 * 1024 * 1024
_LIFE_SECONDS = 300.0
"""Assumed lifetime of a token without ``expires_in``."""
_EARLY_SECONDS = 30.0
"""Margin between the renewal of a token and its end."""
_FAILED = 500
_LIMITED = 429
_MAX_WAIT_SECONDS = 60
_ATTEMPTS = 3
"""Sends of one request: a kept connection may be closed at the moment at which it is used (RFC 9112, 9.3.1)."""
_AGENT = f"passerelle-conformance/{KIT_VERSION}"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Reply:
    """An answer; ``headers`` are case-insensitive. Status 0: no answer, for the reason in ``failure``; ``late``:
    timeout; ``untrusted``: no TLS, or a certificate that this machine does not trust; ``closed``: the connection ended
    before an answer.
    """

    status: int
    headers: CIMultiDict[str] | CIMultiDictProxy[str]
    body: bytes
    failure: Texts | None = None
    late: bool = False
    untrusted: bool = False
    closed: bool = False

    @cached_property
    def json(self) -> Any:
        """The body's JSON value; None where the body is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def summary(self) -> Texts:
        """The status, with the code of a problem document; or the reason for no answer."""
        code = self.json.get("code") if isinstance(self.json, dict) else None
        return self.failure or say("answered", status=f"{self.status} {code}" if code else self.status)


@dataclass(slots=True)
class Throttle:
    """The effect of the target's rate on a run: the seconds that its clients waited after 429, and their requests since
    the first of these answers.
    """

    seconds: float = 0.0
    requests: int = 0
    since: float = 0.0


_Seen = TypeVar("_Seen")
_GROWTH, _LONGER = 1.2, 4


async def poll(
    look: Callable[[], Awaitable[_Seen]], done: Callable[[_Seen], bool], *, seconds: float, pause: float
) -> _Seen:
    """Repeat ``look`` until ``done`` holds for its result or ``seconds`` have passed; returns the last result. Each
    pause is a fifth longer than the one before, up to four times the first.
    """
    loop = asyncio.get_running_loop()
    deadline, longest = loop.time() + seconds, _LONGER * pause
    while True:
        seen = await look()
        left = deadline - loop.time()
        if done(seen) or left <= 0:
            return seen
        await asyncio.sleep(min(pause, left))
        pause = min(_GROWTH * pause, longest)


class Wire:
    """Client of one target for one account; without an account, unauthenticated. It follows no redirect, and sends a
    request again only where the connection was closed before an answer, where a 401 asks for a new token, and where a
    429 says when. ``seconds`` is the timeout of an answer, multiplied by ``patience``.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        target: str,
        account: TargetAccount | None,
        journal: list[Exchange],
        *,
        seconds: float = _SECONDS,
        patience: float = 1.0,
        throttle: Throttle | None = None,
    ) -> None:
        self._throttle = throttle or Throttle()
        self._session = session
        self._target = target
        self._account = account
        self._journal = journal
        self._timeout = aiohttp.ClientTimeout(total=seconds * patience)
        self._token: str | None = None
        self._ends = 0.0
        self._asking = asyncio.Lock()

    def elsewhere(self, target: str) -> "Wire":
        """A client of another target with the same deadlines, unauthenticated."""
        other = Wire(self._session, target, None, self._journal)
        other._timeout = self._timeout
        return other

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        waits: bool = True,
    ) -> Reply:
        """One request with the account's token, unless ``headers`` hold an Authorization; with ``waits`` it is sent
        again after the Retry-After of a 429. A failure of the token endpoint (429, 5xx, timeout) is returned as the
        reply. Raises SetupError where the target gives this account no token.
        """
        while True:
            reply = await self._call(method, path, headers, body)
            self._throttle.requests += bool(self._throttle.since)
            seconds = _seconds_to_wait(reply) if waits else None
            if seconds is None:
                return reply
            self._throttle.since = self._throttle.since or asyncio.get_running_loop().time()
            self._throttle.seconds += seconds
            await asyncio.sleep(seconds)

    async def _call(self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None) -> Reply:
        given = dict(headers or {})
        if self._account is None or any(name.lower() == "authorization" for name in given):
            return await self.send(method, path, given, body)
        token, fresh = self._token, False
        if token is None or self._is_over():
            failure = await self._renew(self._account, token)
            if failure is not None:
                return failure
            fresh = True
        reply = await self._send_with_token(method, path, given, body)
        if reply.status != 401 or fresh:
            return reply
        try:
            failure = await self._renew(self._account, token)
        except SetupError:
            return reply
        return reply if failure is not None else await self._send_with_token(method, path, given, body)

    async def token(self, scope: str | None) -> tuple[Reply, str, str]:
        """The answer to a request for a new token, with this scope alone where one is given; the token, empty where
        there is none; and the scope that the target returns. Raises SetupError where the account has never had a token.
        """
        if self._account is None:
            raise SetupError(say("account-missing", role="nobody"), step=say("account-missing-step", role="nobody"))
        if self._token is None:
            failure = await self._renew(self._account, None)
            if failure is not None:
                return failure, "", ""
        reply, token, _ = await self._ask_token(self._account, scope)
        found = reply.json.get("scope", scope) if isinstance(reply.json, dict) else None
        return reply, token if isinstance(token, str) else "", found if isinstance(found, str) else ""

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """One request as given, without a token; recorded in the journal."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        sent = {"User-Agent": _AGENT, **headers}
        reply = await self._exchange(method, path, sent, body)
        for _ in range(1, _ATTEMPTS):
            if not reply.closed:
                break
            reply = await self._exchange(method, path, sent, body)
        self._journal.append(
            record(
                method=method,
                url=self._target + path,
                headers=sent,
                body=body or b"",
                status=reply.status,
                answer_headers=reply.headers,
                answer=reply.body if reply.failure is None else both(reply.failure).encode(),
                milliseconds=round((loop.time() - began) * 1000),
            )
        )
        return reply

    async def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        try:
            async with self._session.request(
                method,
                URL(self._target + path, encoded=True),
                headers=headers,
                data=body,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                content = bytearray()
                async for piece in response.content.iter_chunked(65_536):
                    content += piece
                    if len(content) > _MAX_BYTES:
                        return _unanswered(say("answer-too-large", most=_MAX_BYTES))
                return Reply(response.status, response.headers, bytes(content))
        except TimeoutError:
            return _unanswered(say("late"), late=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reset = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
            closed = reset and not isinstance(error, aiohttp.ClientConnectorError)
            return _unanswered(_lost(error), untrusted=isinstance(error, aiohttp.ClientSSLError), closed=closed)

    async def _send_with_token(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        return await self.send(method, path, {"Authorization": f"Bearer {self._token}", **headers}, body)

    def _is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self._ends

    async def _renew(self, account: TargetAccount, worn: str | None) -> Reply | None:
        """Replace the token ``worn``; returns the reply where the target fails. Concurrent calls share one renewal."""
        async with self._asking:
            if self._token is not None and self._token != worn:
                return None
            reply, token, life = await self._ask_token(account)
            if reply.status >= _FAILED or reply.status == _LIMITED or reply.late:
                return reply
            if not isinstance(token, str) or not token:
                raise SetupError(
                    say("no-token", client=account.client_id, text=reply.summary), step=say("no-token-step")
                )
            self._token = token
            self._ends = asyncio.get_running_loop().time() + max(life - _EARLY_SECONDS, life / 2)
            return None

    async def _ask_token(self, account: TargetAccount, scope: str | None = None) -> tuple[Reply, Any, float]:
        """The target's answer, its token, and the token's lifetime in seconds."""
        proof = {"grant_type": "client_credentials", "client_id": account.client_id, "client_secret": account.secret}
        proof |= {"scope": scope} if scope is not None else {}
        reply = await self.send("POST", "/oauth/token", _FORM, urlencode(proof).encode())
        body = reply.json if isinstance(reply.json, dict) else {}
        life = body.get("expires_in")
        return reply, body.get("access_token"), float(life) if isinstance(life, int | float) else _LIFE_SECONDS


def _seconds_to_wait(reply: Reply) -> int | None:
    """The Retry-After of a 429, in seconds; None where there is none, or one beyond a minute."""
    if reply.status != _LIMITED:
        return None
    after = reply.headers.get("Retry-After", "")
    return max(1, int(after)) if after.isdecimal() and int(after) <= _MAX_WAIT_SECONDS else None


def _unanswered(failure: Texts, **more: bool) -> Reply:
    return Reply(0, CIMultiDict(), b"", failure, **more)


def _lost(error: Exception) -> Texts:
    """The reason for no answer."""
    if isinstance(error, aiohttp.ClientSSLError):
        return certificate_reason(error).texts
    return system_reason(getattr(error, "os_error", error)).texts
