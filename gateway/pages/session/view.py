"""Two pages. ``enter``: GET shows what a link is for, since mail scanners follow links, and POST begins its session;
without a link GET leads to the area of an open session, or to the page that asks for a link.
``session``: until when it lasts, and the button that ends it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlencode

import structlog
from aiohttp import hdrs, web

from gateway.pages.base.door import FORGET, SESSION, Door, role_of, session_of
from gateway.pages.base.page import Answer, Language, Page, Redirect, Role
from gateway.pages.base.refusal import PageRefusedError
from gateway.partners.session import SignInError
from gateway.partners.sign_in import Signed

ENTER: Mapping[Language, str] = {"fr": "/connexion", "en": "/en/enter"}
LINK = "link"
"""The parameter of the address, and the field of the form, that has the sealed text."""
_SESSION: Mapping[Language, str] = {"fr": "/session", "en": "/en/session"}
_MAX_BYTES = 4 * 1024


def link_url(base: str, text: str, language: Language) -> str:
    """The address of a link with this sealed text, on the pages of the gateway at ``base``."""
    return f"{base.rstrip('/')}{ENTER[language]}?{urlencode({LINK: text})}"


log = structlog.get_logger()


def pages(
    door: Door, *, homes: Mapping[Role, str], begun: Callable[[Signed], Awaitable[None]] | None = None
) -> Sequence[Page]:
    """Both pages. ``homes``: the page where a session of each role begins; ``begun`` is called with each session, and
    given where the gateway sends mails.
    """
    shell = _SessionPages(door, homes, begun)
    return [
        Page("enter", ENTER, shell.look, shell.begin, private=True),
        Page("session", _SESSION, shell.show, shell.close, role="platform", private=True),
    ]


class _SessionPages:
    def __init__(
        self, door: Door, homes: Mapping[Role, str], begun: Callable[[Signed], Awaitable[None]] | None
    ) -> None:
        self._door = door
        self._begun = begun
        self._homes = homes

    async def look(self, request: web.Request, _language: Language) -> Answer | Redirect:
        text = request.query.get(LINK)
        if not text:
            closed = "closed" in request.query
            role = None if closed else await self._door.open_role(request)
            if role is not None:
                return Redirect(self._homes[role])
            if self._begun is not None and not closed:
                return Redirect("ask_link")
            return Answer("session/enter.html", {"link": None, "closed": closed})
        try:
            link, partner = await self._door.sign_ins.look(text)
        except SignInError as error:
            raise self._refused(request, error) from None
        values = {"link": text, "person": link.person, "platform": partner.name, "until": link.until, "closed": False}
        return Answer("session/enter.html", values)

    async def begin(self, request: web.Request, _language: Language) -> Redirect:
        form = await self._door.read_form(request, most_bytes=_MAX_BYTES)
        try:
            signed = await self._door.sign_ins.begin(form.text(LINK))
        except SignInError as error:
            raise self._refused(request, error) from None
        request[SESSION] = signed
        log.info("pages.session_begun", platform=signed.partner.platform)
        if self._begun is not None:
            await self._begun(signed)
        return Redirect(self._homes[role_of(signed)])

    async def show(self, _request: web.Request, _language: Language) -> Answer:
        return Answer("session/session.html")

    async def close(self, request: web.Request, _language: Language) -> Redirect:
        signed = session_of(request)
        await self._door.sign_ins.end(signed)
        del request[SESSION]
        log.info("pages.session_closed", platform=signed.partner.platform)
        return Redirect("enter", {"closed": "1"}, {hdrs.SET_COOKIE: FORGET})

    def _refused(self, request: web.Request, error: SignInError) -> PageRefusedError:
        """A right link is never kept waiting: only refused ones are counted, and answered late."""
        address = self._door.address(request)
        log.info("pages.link_refused", code=error.code)
        wait = self._door.count_refused(address)
        if wait > 0:
            return PageRefusedError("too-many-attempts", retry_after=wait, seconds=wait)
        return PageRefusedError(error.code)
