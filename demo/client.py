"""Asynchronous HTTP client for one partner of the demo, of tests and benches; partners have ``passerelle_client``."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, TypeAlias
from urllib.parse import quote

import aiohttp
import orjson
import stamina

NDJSON = "application/x-ndjson"
Body: TypeAlias = bytes | Callable[[], AsyncIterator[bytes]]
"""A request body: bytes, or a function that returns a new stream of bytes for each attempt."""

_RETRIED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_KEY = "Idempotency-Key"
_KEY_BYTES = 18
_NEEDS_KEY = ("POST", "/v1/snapshots")
"""The call that needs an idempotency key: a retried snapshot would find its mark used. Other calls are idempotent."""
_FIRST_PAUSE, _MAX_PAUSE = 0.25, 10.0
_EARLY = 60.0
"""A token is renewed this many seconds before it expires."""


class ClientError(Exception):
    """The gateway could not be used at all."""


class _NotTakenError(Exception):
    """A later attempt may succeed. ``wait``: seconds requested by the gateway, or None."""

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class ClientAnswer:
    """An HTTP response with its JSON body (None if there is none)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the call succeeded, at least in part (207)."""
        return self.status < HTTPStatus.BAD_REQUEST

    def explain(self) -> str:
        """The message of a problem document or of a token endpoint error, on one line."""
        if not isinstance(self.body, dict):
            return f"HTTP {self.status}"
        message = self.body.get("detail") or self.body.get("error_description") or self.body.get("title") or ""
        return f"HTTP {self.status}: {message} {self.body.get('fix', '')}".strip()


class Client:
    """Calls one gateway as one partner. A call is retried for at most ``patience`` seconds after 429, 503 and lost
    connections. Retries are safe: a revision is accepted once, and a snapshot has an
    idempotency key.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        patience: float = 120.0,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._basic = b64encode(f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}".encode()).decode()
        self.patience = patience
        self._token = ""
        self._renew_at = 0.0
        self._renewing = asyncio.Lock()

    async def token(self) -> str:
        """A bearer token, renewed before it expires. Raises ClientError."""
        async with self._renewing:
            if asyncio.get_running_loop().time() >= self._renew_at:
                await self._renew()
            return self._token

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Body | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> ClientAnswer:
        """Make one call, with retries. Raises ClientError if the gateway cannot be reached or does not recover in time;
        any other response is returned.
        """
        renewed = False
        key = {_KEY: token_urlsafe(_KEY_BYTES)} if (method, path) == _NEEDS_KEY else {}
        while True:
            sent = {"Authorization": f"Bearer {await self.token()}", **key, **(headers or {})}
            if body is not None:
                sent["Content-Type"] = media_type
            answer = await self._with_retries(method, path, params=params, data=body, headers=sent)
            if answer.status != HTTPStatus.UNAUTHORIZED or renewed:
                return answer
            renewed = True
            self._renew_at = 0.0

    async def _renew(self) -> None:
        answer = await self._with_retries(
            "POST",
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {self._basic}"},
        )
        if answer.status != HTTPStatus.OK:
            raise ClientError(f"No token from {self._url}: {answer.explain()}")
        life = float(answer.body.get("expires_in", 0))
        self._token = answer.body["access_token"]
        self._renew_at = asyncio.get_running_loop().time() + max(life - _EARLY, life / 2)

    async def _with_retries(self, method: str, path: str, **arguments: Any) -> ClientAnswer:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.patience

        def pause(error: Exception) -> bool | float:
            """Seconds to wait; True for stamina's backoff; False if the deadline comes first."""
            if not isinstance(error, _NotTakenError) or clock() + (error.wait or 0.0) >= deadline:
                return False
            return error.wait or True

        try:
            async for attempt in stamina.retry_context(
                pause,
                attempts=None,
                timeout=None,
                wait_initial=_FIRST_PAUSE,
                wait_max=_MAX_PAUSE,
                wait_jitter=_FIRST_PAUSE,
            ):
                with attempt:
                    return await self._attempt(method, path, **arguments)
        except _NotTakenError as error:
            raise ClientError(f"{self._url} did not accept {method} {path} ({error})") from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, method: str, path: str, **arguments: Any) -> ClientAnswer:
        """One attempt. Raises _NotTakenError for a transient failure."""
        try:
            answer = await self._request(method, path, **arguments)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise _NotTakenError(repr(error)) from error
        if answer.status in _RETRIED or _still_runs(answer):
            raise _NotTakenError(answer.explain(), wait=_retry_after(answer))
        return answer

    async def _request(
        self, method: str, path: str, *, headers: Mapping[str, str], data: Any = None, **arguments: Any
    ) -> ClientAnswer:
        body = data() if callable(data) else data
        async with self._session.request(
            method, self._url + path, headers=headers, data=body, allow_redirects=False, **arguments
        ) as response:
            return ClientAnswer(response.status, _decoded(await response.read()), response.headers)


def _decoded(content: bytes) -> Any:
    """The JSON value of a body; a body that is not JSON (a proxy's page) counts as absent."""
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _still_runs(answer: ClientAnswer) -> bool:
    """Whether an earlier attempt of the same request is still in progress; a later attempt receives its response."""
    return isinstance(answer.body, dict) and answer.body.get("code") == "idempotency-running"


def _retry_after(answer: ClientAnswer) -> float | None:
    """The seconds in ``Retry-After``; its date form is ignored."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
