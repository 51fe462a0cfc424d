"""The door of the pages behind a session: origin of a request, its session, and the session of its form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from gateway.pages.base.page import Page, Role
from gateway.pages.base.reading import Forms
from gateway.pages.base.refusal import PageRefusedError
from gateway.pages.base.upload import Form
from gateway.partners.session import SignInError
from gateway.partners.sign_in import Signed, SignIns

COOKIE = "__Host-session"
"""Browsers take a cookie of this prefix only with ``Secure``, for the whole host and for no other; they count a host of
the machine itself as secure.
"""
TOKEN = "token"  # noqa: S105  # the name of a form's field
_FORM_BYTES = 64 * 1024
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict"
FORGET = f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"
"""The header ``Set-Cookie`` by which the browser forgets the session."""
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_PORTS: Mapping[str, int] = {"http": 80, "https": 443}

SESSION: web.RequestKey[Signed] = web.RequestKey("session", Signed)
FORM: web.RequestKey[Form] = web.RequestKey("form", Form)


@dataclass(frozen=True, slots=True)
class Door:
    """Sessions of this process. ``url``: the public URL of the gateway; ``address``: of a request's client; ``forms``
    receives what persons send; ``count_refused`` counts a refused link of an address and returns the seconds until
    another one is answered, 0 if this one is.
    """

    sign_ins: SignIns
    count_refused: Callable[[str], int]
    address: Callable[[web.Request], str]
    url: str
    forms: Forms

    async def admit(self, request: web.Request, page: Page) -> None:
        """Let a request of a page in: with its session, and a POST with its form. Raises PageRefusedError,
        SignInError, LogError.
        """
        posted = request.method == hdrs.METH_POST
        if posted and page.private:
            self._check_origin(request)
        if page.role is None:
            return
        signed = await self._session(request)
        self._check_role(signed, page.role)
        request[SESSION] = signed
        if posted:
            request[FORM] = await self._form(request, signed)

    async def read_form(self, request: web.Request, *, most_bytes: int) -> Form:
        """The form of a request of one of these pages, as long as the session is not known. Raises PageRefusedError."""
        body = await self.forms.receive(request, most_bytes=most_bytes, other_bytes=most_bytes)
        return await self.forms.parse(request, body)

    def set_cookie(self, signed: Signed) -> str:
        """The header ``Set-Cookie`` of an answer within a session. The browser keeps the cookie to the last end of the
        session, so that one that ended idle is still known, and the page can say so.
        """
        seconds = max(0, signed.ticket.ends_at - signed.ticket.seen_at) // 1_000
        return f"{COOKIE}={self.sign_ins.cookie(signed)}; Max-Age={seconds}; {_ATTRIBUTES}"

    def _check_origin(self, request: web.Request) -> None:
        """Browsers name the origin of every form that they send, and a page cannot forge it (Fetch, 3.2). Raises
        PageRefusedError.
        """
        origin, site = request.headers.get(hdrs.ORIGIN), request.headers.get("Sec-Fetch-Site")
        known = site == "same-origin" if origin is None else origin.lower() in origins(self.url)
        if not known or site not in (None, "same-origin"):
            raise PageRefusedError("form-foreign", origin=self.url)

    async def open_role(self, request: web.Request) -> Role | None:
        """The role of the session of a request; None without one that is open. Raises LogError."""
        try:
            return role_of(await self._session(request))
        except (PageRefusedError, SignInError):
            return None

    async def _session(self, request: web.Request) -> Signed:
        cookie = cookie_of(request.headers.get(hdrs.COOKIE, ""))
        if not cookie:
            raise PageRefusedError("session-missing")
        return await self.sign_ins.check(cookie)

    def _check_role(self, signed: Signed, role: Role) -> None:
        if role == "operator" and "operate" not in signed.partner.scopes:
            raise PageRefusedError("role-missing")

    async def _form(self, request: web.Request, signed: Signed) -> Form:
        form = await self.read_form(request, most_bytes=_FORM_BYTES)
        if not self.sign_ins.is_form_token(signed, form.text(TOKEN)):
            raise PageRefusedError("form-token")
        return form


def cookie_of(value: str) -> str:
    """The session's cookie in a value of ``Cookie`` (RFC 6265, 4.2.1); empty without one. Thousands of others, which
    anybody can send, cost less than a millisecond.
    """
    for pair in value.split(";"):
        name, _, text = pair.partition("=")
        if name.strip() == COOKIE:
            return text.strip()
    return ""


def session_of(request: web.Request) -> Signed:
    """The session of a request of a page with a role."""
    return request[SESSION]


def form_of(request: web.Request) -> Form:
    """The form of a POST of a page with a role: its session has sent it."""
    return request[FORM]


def role_of(signed: Signed) -> Role:
    """The role whose pages a session begins with."""
    return "operator" if "operate" in signed.partner.scopes else "platform"


def origins(url: str) -> frozenset[str]:
    """The origins of a public URL, as browsers spell them: one, or for a host of the machine itself all its names."""
    parts = urlsplit(url.lower())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return frozenset(f"{parts.scheme}://{name}{port}" for name in (_LOOPBACK if host in _LOOPBACK else (host,)))


def keeps_sessions(url: str) -> bool:
    """Whether browsers keep the cookie of a gateway at this URL: over HTTPS, or on the machine itself."""
    parts = urlsplit(url.lower())
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")
