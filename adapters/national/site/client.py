"""HTTP client of the national site: rate slots, token renewal, and errors of the transport."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Self, TypeAlias
from urllib.parse import quote

import aiohttp
import orjson
import structlog

from adapters.national.mapping.body import is_reachable
from adapters.national.site.accounts import Account
from adapters.national.site.answer import (
    AlreadyDeleted,
    DoneAnswer,
    Missing,
    Outcome,
    SiteAnswer,
    is_login_refusal,
    is_rate_refusal,
    is_token_refusal,
    login_token,
    outcome_about,
    unrecognized,
)
from adapters.national.site.page_json import read_json
from adapters.national.site.site import LoginRefusedError, OutcomeUnknownError, SiteUnavailableError
from adapters.national.site.timing import Rate
from gateway.clock import Clock

MAX_BYTES = 8 * 1024 * 1024
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
TRIES = 5
"""Maximum of tries, a minute apart, for a call that the site refuses for its rate."""
_MAX_ROWS = 5
_TEXT_CHARACTERS = 500
_REDIRECT_STEP = "the site may be under maintenance; else check the url of the accounts file and the proxy on the way"
_LOGINS_STEP = "look for other programs that use the site from the gateway's address; it counts them by the minute"
RENEWED_AFTER = 23 * 3_600_000
"""Milliseconds after which a token is renewed; at the site it expires after 24 hours."""

Login: TypeAlias = Callable[[], Awaitable[str]]
"""Logs in once and returns the token. Raises SiteError."""

_log = structlog.get_logger()


class SiteToken:
    """The account's current token: requested when needed, renewed early, dropped when the site refuses it."""

    def __init__(self, login: Login, *, clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: str | None = None
        self._born = 0

    async def get(self) -> str:
        """A token that has not expired, as far as is known. One login serves all waiting callers."""
        async with self._lock:
            if self._value is None or not 0 <= self._clock() - self._born < RENEWED_AFTER:
                self._born = self._clock()
                self._value = await self._login()
            return self._value

    def forget(self, value: str) -> None:
        """Drop a token that the site refused, unless it was replaced meanwhile."""
        if self._value == value:
            self._value = None


class HttpSite:
    """One account at the real site, or at its simulator, over HTTP; use it as a context manager.

    Each call waits for a rate slot. A call that is refused for the rate is retried in the next clock minute; a refused
    token is replaced once. Every other answer is returned unchanged.
    """

    def __init__(
        self,
        account: Account,
        *,
        rate: Rate,
        clock: Clock,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._account = account
        self._rate = rate
        self._token = SiteToken(self._login, clock=clock)
        self._timeout = aiohttp.ClientTimeout(
            total=answer_seconds, connect=connect_seconds, sock_connect=connect_seconds
        )
        self._open: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._open = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json"},
            timeout=self._timeout,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._open is not None:
            await self._open.close()

    async def create(self, body: Mapping[str, Any]) -> SiteAnswer:
        """Create an offer; the body holds its remote id. A body with ``period`` goes through the old interface."""
        return await self._write("POST", "/internship_offers", body)

    async def update(self, remote_id: str, body: Mapping[str, Any]) -> SiteAnswer:
        """Replace an offer by a complete body. A body with ``period`` goes through the old interface."""
        return await self._write("PATCH", _path(remote_id), body)

    async def delete(self, remote_id: str) -> SiteAnswer:
        """Delete an offer permanently: its remote id is dead from then on."""
        return await self._call("DELETE", f"/api/v2{_path(remote_id)}")

    async def delete_rows(self, remote_id: str) -> Outcome:
        """Delete every row of a remote id. The site checks that a remote id is free and then inserts, without a unique
        index, so that two concurrent creations leave two rows.

        Returns the outcome of the first deletion once the site answers that no row is left, else the outcome that
        stopped the loop. Raises SiteError.
        """
        first = outcome = outcome_about(remote_id, await self.delete(remote_id))
        for _ in range(_MAX_ROWS):
            match outcome:
                case DoneAnswer():
                    outcome = outcome_about(remote_id, await self.delete(remote_id))
                case AlreadyDeleted() | Missing():
                    return first
                case _:
                    break
        return outcome

    async def index(self, page: int) -> SiteAnswer:
        """One page, counted from 1, of the account's own offers, 30 a page, newest first."""
        return await self._call("GET", "/api/v2/internship_offers", query={"page": str(page)})

    async def search(self, page: int, **filters: str) -> SiteAnswer:
        """One page of the offers of all partners; needs the right ``api_full_access``."""
        return await self._call("GET", "/api/v2/internship_offers/search", query={**filters, "page": str(page)})

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> SiteAnswer:
        content = orjson.dumps({"internship_offer": dict(body)})
        if "period" not in body:
            return await self._call(method, f"/api/v2{path}", content=content)
        if self._account.v1_token is None:
            raise ValueError("a body with a period needs an account with a token of the old interface")
        return await self._call(method, f"/api/v1{path}", content=content, fixed=self._account.v1_token)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        fixed: str | None = None,
    ) -> SiteAnswer:
        """One call with a token and a rate slot; retried when either is refused. Raises SiteError."""
        renewed = False
        for _ in range(TRIES):
            token = fixed or await self._token.get()
            await self._rate.wait_for_slot()
            answer = await self._send(method, path, content=content, query=query, token=token)
            if is_rate_refusal(answer):
                self._rate.spend()
                _log.warning("national.rate_exceeded", account=self._account.name)
            elif is_token_refusal(answer):
                if fixed is not None or renewed:
                    raise _token_refused(self._account.name, old=fixed is not None)
                self._token.forget(token)
                renewed = True
            else:
                return answer
        raise SiteUnavailableError(f"the site refused {method} by its rate limit in {TRIES} consecutive minutes")

    async def _login(self) -> str:
        content = orjson.dumps({"email": self._account.email, "password": self._account.password})
        try:
            answer = await self._send("POST", "/api/v2/auth/login", content=content)
        except OutcomeUnknownError as error:
            raise SiteUnavailableError(f"the site did not answer the login: {error}", step=error.step) from error
        if is_rate_refusal(answer):
            raise SiteUnavailableError("the site counts too many logins from this address", step=_LOGINS_STEP)
        if is_login_refusal(answer):
            raise LoginRefusedError(
                f"the national site refuses the e-mail or the password of the account {self._account.name}",
                step="set the account's e-mail and password again; production and pre-production have different ones",
            )
        token = login_token(answer)
        if token is None:
            strange = unrecognized(answer)
            raise SiteUnavailableError(f"the login was answered by {strange.description}", step=strange.step)
        _log.info("national.logged_in", account=self._account.name)
        return token

    async def _send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> SiteAnswer:
        """One HTTP request. A failed read has changed nothing; a failed write may have happened once it was sent."""
        if self._open is None:
            raise RuntimeError("use the site as a context manager")
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self._account.url.rstrip('/')}{path}"
        failure = SiteUnavailableError if method == "GET" else OutcomeUnknownError
        try:
            async with self._open.request(
                method, url, params=query, data=content, headers=headers, allow_redirects=False
            ) as response:
                if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
                    raise failure(f"{method} was answered by a redirect, which is not followed", step=_REDIRECT_STEP)
                return SiteAnswer(response.status, await _read(response, page=method == "GET"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise SiteUnavailableError(f"the site cannot be reached: {error}") from error
        except (aiohttp.ClientError, _TooLargeError, TimeoutError, OSError) as error:
            raise failure(f"no whole answer to {method}: {str(error) or type(error).__name__}") from error


class _TooLargeError(Exception):
    """An answer of more than ``MAX_BYTES``."""


async def _read(response: aiohttp.ClientResponse, *, page: bool) -> Any:
    """The body as JSON, else the beginning of its text. In a ``page``, unreadable values are faults of their items."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_BYTES:
            raise _TooLargeError(f"more than {MAX_BYTES} bytes")
    try:
        return read_json(raw) if page else orjson.loads(raw)
    except ValueError:
        return raw[: 4 * _TEXT_CHARACTERS].decode(errors="replace")[:_TEXT_CHARACTERS]


def _path(remote_id: str) -> str:
    if not is_reachable(remote_id):
        raise ValueError("the site's addresses do not reach this remote id")
    return f"/internship_offers/{quote(remote_id, safe='~:-_')}"


def _token_refused(name: str, *, old: bool) -> LoginRefusedError:
    if old:
        return LoginRefusedError(
            f"the national site refuses the old interface's token of the account {name}",
            step="copy the token again from the account's page there, or remove it "
            "(one-week offers are then not delivered)",
        )
    return LoginRefusedError(
        f"the national site gives the account {name} a token and then refuses it",
        step="write to the national site's support: the account may not be one of a partner",
    )
