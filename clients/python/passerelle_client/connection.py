"""The one transport: HTTP calls as one partner, with a token, resent until they are answered.

A call is sent again after 429, 5xx, time-outs, lost and cut answers, with the same content: a revision is accepted
once, and a snapshot has an ``Idempotency-Key``. ``Retry-After`` is honoured up to five minutes.
"""

import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeAlias
from urllib.parse import quote, urlsplit

import httpx

from passerelle_client import clock
from passerelle_client.errors import ClientError, ClockError, Language, RefusedError, UnavailableError, say

Body: TypeAlias = bytes | Callable[[], Iterator[bytes]]
"""A request body: bytes, or a function that returns the stream of bytes for each attempt."""

_FIRST_PAUSE, _MAX_PAUSE, _MAX_RETRY_AFTER = 0.25, 10.0, 300.0
_EARLY = 60.0
"""A token is renewed this many seconds before it ends."""
_CONNECT_SECONDS = 10.0
_MAX_SKEW = 10 * 60_000
_WRONG_CREDENTIALS = frozenset({400, 401, 403})
_RUNNING = "idempotency-running"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its JSON. ``resent``: an earlier attempt may have taken effect."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    resent: bool = False

    @property
    def ok(self) -> bool:
        """Whether the call succeeded, at least in part (207)."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The code of a problem document; empty without one."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    def explain(self, language: Language) -> str:
        """The message of a problem document, on one line."""
        body = self.body if isinstance(self.body, dict) else {}
        texts = body.get("message")
        text = texts.get(language) if isinstance(texts, dict) else texts
        text = text or body.get("detail") or body.get("error_description") or body.get("title")
        message = f"{text or ''} {body.get('fix') or ''}".strip()
        return say("explained", language, status=self.status, text=message) if message else f"HTTP {self.status}"


class _NoAnswerError(Exception):
    """An attempt without a usable answer. The message is the code of its reason, ``text`` what it names."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.text = text


class Connection:
    """Calls one gateway as one partner. ``language`` is that of answers and errors; a call is resent for ``patience``
    seconds. ``retrying`` is called before each pause, with the reason and the seconds. Threads may share a connection.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        language: Language = "fr",
        patience: float = 600.0,
        retrying: Callable[[str, float], None] = lambda _reason, _seconds: None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.language: Language = language
        self.patience = patience
        self._retrying = retrying
        self._proof = httpx.BasicAuth(quote(client_id, safe=""), quote(client_secret, safe=""))
        self._token, self._renew_at, self._renewing = "", 0.0, threading.Lock()
        self._skew = 0
        if not _is_address(self.url):
            raise ClientError("address", language, url=repr(url.rpartition("@")[2]))
        self._http = httpx.Client(
            headers={"Accept-Language": language, **(headers or {})}, verify=ssl.create_default_context()
        )

    @classmethod
    def from_environment(cls, *, language: Language = "fr", **options: Any) -> Self:
        """A connection as PASSERELLE_URL (default: this machine's port 8080), PASSERELLE_CLIENT_ID and
        PASSERELLE_CLIENT_SECRET say. Raises ClientError where they are missing.
        """
        identity, secret = (os.environ.get(f"PASSERELLE_CLIENT_{name}") for name in ("ID", "SECRET"))
        if not identity or not secret:
            raise ClientError("unnamed", language)
        url = os.environ.get("PASSERELLE_URL") or "http://127.0.0.1:8080"
        return cls(url, client_id=identity, client_secret=secret, language=language, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def token(self) -> str:
        """A bearer token, renewed before it ends. Raises ClientError."""
        with self._renewing:
            if clock.monotonic() >= self._renew_at:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                began = clock.monotonic()
                answer = self._resend("POST", "/oauth/token", body=b"grant_type=client_credentials", headers=form)
                if not answer.ok or not isinstance(answer.body, dict) or "access_token" not in answer.body:
                    code = "credentials" if answer.status in _WRONG_CREDENTIALS else ""
                    raise RefusedError(answer, say("doing-token", self.language), self.language, code=code)
                life = float(answer.body.get("expires_in", 0))
                self._token, self._renew_at = answer.body["access_token"], began + max(life - _EARLY, life / 2)
            return self._token

    def check_clock(self) -> None:
        """Raise ClockError if this machine's clock is more than ten minutes from the gateway's last ``Date``."""
        self.token()
        if abs(self._skew) > _MAX_SKEW:
            raise ClockError("clock", self.language, minutes=abs(self._skew) // 60_000)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 60.0,
    ) -> Answer:
        """Make one call, and send it again until it is answered; an answer may take ``seconds``. A refusal is returned.
        Raises ClientError.
        """
        for last in (False, True):
            sent = {"Authorization": f"Bearer {self.token()}", **(headers or {})}
            answer = self._resend(method, path, params=params, body=body, headers=sent, seconds=seconds)
            if answer.status != httpx.codes.UNAUTHORIZED or last:
                break
            self._renew_at = 0.0
        return answer

    def _resend(self, method: str, path: str, **arguments: Any) -> Answer:
        began, pause, resent = clock.monotonic(), _FIRST_PAUSE, False
        while True:
            try:
                answer = replace(self._send(method, path, **arguments), resent=resent)
            except _NoAnswerError as error:
                reason, wait, resent = say(str(error), self.language, text=error.text), None, True
            else:
                wait = _retry_after(answer.headers)
                again = answer.status == httpx.codes.TOO_MANY_REQUESTS or answer.code == _RUNNING
                if answer.status < 500 and not again:
                    return answer
                reason, resent = answer.explain(self.language), resent or not again
            wait = pause if wait is None else wait
            pause = min(pause * 2, _MAX_PAUSE)
            if clock.monotonic() + wait - began > self.patience:
                where = {"url": self.url, "method": method, "path": path, "seconds": self.patience}
                raise UnavailableError("unavailable", self.language, text=reason, **where)
            self._retrying(reason, wait)
            clock.sleep(wait)

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str],
        seconds: float = 60.0,
    ) -> Answer:
        """One attempt. Raises _NoAnswerError."""
        auth = None if "Authorization" in headers else self._proof
        try:
            response = self._http.request(
                method,
                self.url + path,
                params=params,
                content=body() if callable(body) else body,
                headers=headers,
                auth=auth,
                timeout=httpx.Timeout(seconds, connect=_CONNECT_SECONDS),
            )
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _failure(error) from error
        self._note_date(response.headers)
        try:
            decoded = json.loads(response.content) if response.content else None
        except ValueError:
            if response.is_success:  # a proxy's page, or an answer that was cut
                raise _NoAnswerError("unreadable") from None
            decoded = None
        return Answer(response.status_code, decoded, response.headers)

    def _note_date(self, headers: Mapping[str, str]) -> None:
        date = _instant(headers.get("Date", ""))
        if date is not None:
            self._skew = clock.now() - date


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _failure(error: Exception) -> _NoAnswerError:
    """The reason for which there is no answer."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _NoAnswerError("untrusted", getattr(cause, "verify_message", "") or cause.reason or "")
        if isinstance(cause, socket.gaierror):
            return _NoAnswerError("no-host")
    if isinstance(error, httpx.TimeoutException):
        return _NoAnswerError("late")
    return _NoAnswerError("unreachable" if isinstance(error, httpx.ConnectError) else "broken-off")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of ``Retry-After``, five minutes at most; its date is compared with the answer's own."""
    text = headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _MAX_RETRY_AFTER)
    then, sent = _instant(text), _instant(headers.get("Date", ""))
    if then is None:
        return None
    return min(max(then - (clock.now() if sent is None else sent), 0) / 1000, _MAX_RETRY_AFTER)


def _instant(text: str) -> int | None:
    """Milliseconds of an HTTP date; None if it is none."""
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
