"""The site: every page, its routes, the pages of refusals. ``PagePorts`` is what the pages need of the gateway."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import urlencode, urlsplit

from aiohttp import hdrs, web

from gateway.errors import LogError
from gateway.federation import Federation
from gateway.federation.checks import Checked
from gateway.federation.figures import Figures
from gateway.federation.national import NationalSite
from gateway.operate.moderation import DECISION_SECONDS
from gateway.pages.base import negotiation, static
from gateway.pages.base.door import FORGET, SESSION, Door
from gateway.pages.base.kept import Aside, KeptPages, in_a_thread
from gateway.pages.base.page import Answer, Download, Handler, Page, PageError, Redirect, Role, views_behind
from gateway.pages.base.refusal import PageRefusedError, sentence_of
from gateway.pages.base.respond import (
    PRIVATE,
    Rendered,
    download_response,
    html_response,
    redirect_response,
    static_response,
)
from gateway.pages.base.templates import Templates
from gateway.pages.base.visit import Visitors
from gateway.pages.check import form_view as check_form
from gateway.pages.check import view as check
from gateway.pages.check.port import KnownProfile
from gateway.pages.connect import view as connect
from gateway.pages.connect.request import RequestDoor
from gateway.pages.connect.state import PURPOSE
from gateway.pages.evolution import view as evolution
from gateway.pages.help import view as help_
from gateway.pages.home import view as home
from gateway.pages.journal import view as journal
from gateway.pages.legal import view as legal
from gateway.pages.legal.view import Imprint
from gateway.pages.moderation import view as moderation
from gateway.pages.national import view as national
from gateway.pages.notices import view as notices
from gateway.pages.offers import view as offers
from gateway.pages.partner import view as partner
from gateway.pages.partners import view as partners
from gateway.pages.pushes import view as pushes
from gateway.pages.reference import view as reference
from gateway.pages.refusals import view as refusals
from gateway.pages.requests import view as requests
from gateway.pages.selection import view as selection
from gateway.pages.session import view as session
from gateway.pages.systems import view as systems
from gateway.partners.partners import ChangeConflictError
from gateway.partners.session import SignInError
from gateway.partners.sign_in import Signed
from gateway.protocol.seal import Seal
from gateway.runtime.cached import Cached
from gateway.runtime.loop import Wait
from schemas.rulebook import LANGUAGES, Language

HOMES: Mapping[Role, str] = {"platform": "today", "operator": "systems"}
"""The page where a session of each role begins."""
_CHALLENGE = 'Link realm="passerelle"'
"""HTTP wants each 401 to name a way in; browsers do not know this one, and display the page."""

MOVED: Mapping[str, tuple[str, Language]] = {
    "/plateforme/envois": ("pushes", "fr"),
    "/en/platform/pushes": ("pushes", "en"),
    "/exploitation/envois": ("partners_pushes", "fr"),
    "/en/operate/pushes": ("partners_pushes", "en"),
}
"""Former addresses of pages, which lead to the present ones."""

Route = tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]
"""Method, path, handler."""


@dataclass(frozen=True, kw_only=True)
class PagePorts:
    """The dependencies of the pages: the federation, and what only the composition root knows. ``map_bounds``: the
    operator's classes of the map; ``visitors``: limits and sandbox that pages share; ``profiles``: those by which a
    feed can be read; ``reading``: reads for a visitor; ``wait``: for the decision of a request's act; ``mails``:
    whether the gateway sends notices.
    """

    federation: Federation
    figures: Figures
    map_bounds: Sequence[int] | None
    imprint: Imprint
    visitors: Visitors
    reading: offers.Reading
    profiles: Sequence[KnownProfile]
    door: Door
    wait: Callable[[web.Request], Wait]
    judging: Callable[[web.Request, str], AbstractContextManager[object]]
    decision_seconds: float = DECISION_SECONDS
    trial_seconds: float = requests.TRIAL_SECONDS
    national: NationalSite
    checks: Cached[Checked]
    mails: bool = False


def all_pages(ports: PagePorts) -> Sequence[Page]:
    """Every page of the site, those behind a session included."""
    federation, clock = ports.federation, ports.federation.clock

    def days() -> Mapping[str, str]:
        return {release: day.isoformat() for release, day in federation.releases.activations.items()}

    return [
        *home.pages(ports.figures, federation.terms, map_bounds=ports.map_bounds),
        *offers.pages(federation, ports.imprint, ports.reading, ports.figures),
        *check.pages(ports.visitors, ports.profiles, clock, days),
        *check_form.pages(ports.visitors, clock, days),
        *connect.pages(ports.visitors, Seal(federation.secret, purpose=PURPOSE), clock, days, _requests(ports)),
        *reference.pages(clock),
        *help_.pages(ports.imprint),
        *legal.pages(ports.imprint),
        *session.pages(ports.door, homes=HOMES, begun=_note_seen(ports) if ports.mails else None),
        *partner.pages(federation, ports.door),
        *pushes.pages(federation),
        *systems.pages(federation),
        *refusals.pages(federation),
        *evolution.pages(federation, ports.judging),
        *moderation.pages(federation, ports.wait, seconds=ports.decision_seconds),
        *selection.pages(federation, ports.wait, seconds=ports.decision_seconds),
        *partners.pages(federation, ports.door),
        *national.pages(federation, ports.national),
        *journal.pages(federation, ports.checks),
        *(notices.pages(federation, ports.door) if ports.mails else ()),
        *(requests.pages(federation, ports.door, trial_seconds=ports.trial_seconds) if ports.mails else ()),
    ]


def _requests(ports: PagePorts) -> RequestDoor | None:
    """The door of requests to join; None where no mail can confirm them."""
    if not ports.mails:
        return None
    book, door = ports.federation.contacts.requests, ports.door
    return RequestDoor(book, door, door.address, loopback=ports.federation.subscriptions.loopback)


def _note_seen(ports: PagePorts) -> Callable[[Signed], Awaitable[None]]:
    """Note the sign-in of a person with the contact of its name; the session does not depend on that."""

    async def note(signed: Signed) -> None:
        with suppress(LogError):
            await ports.federation.contacts.note_seen(signed.partner.platform, signed.ticket.person)

    return note


class PageSite:
    """These pages at this public URL, and the routes that serve them. ``door``: of the pages behind a session;
    ``source``: the URL of the source code; ``aside``: runs what takes long for a visitor's request.
    """

    def __init__(
        self,
        pages: Sequence[Page],
        *,
        public_url: str,
        door: Door | None = None,
        source: str | None = None,
        aside: Aside = in_a_thread,
    ) -> None:
        for page in pages:
            if page.role and not page.private:
                raise ValueError(f"{page.name} has a role, so it must be private")
            if page.private and door is None:
                raise ValueError(f"{page.name} needs a door")
        self.pages = pages
        self._door = door
        self._paths: Mapping[str, Language] = {
            path: language for page in self.pages for language, path in page.paths.items()
        }
        self._aside = aside
        self._kept = KeptPages(aside)
        self._errors: dict[tuple[str, Language], Rendered] = {}
        about = {"version": version("passerelle"), "source": source}
        self._templates = Templates(self.pages, prefix=urlsplit(public_url).path.rstrip("/"), about=about)

    def routes(self) -> Sequence[Route]:
        """The routes of all pages in both languages, and of the static files."""
        found: list[Route] = [
            (hdrs.METH_GET, "/static/{name}", _static),
            (hdrs.METH_GET, "/en", _redirect(self._templates.url("home", "en"))),
        ]
        names = {page.name for page in self.pages}
        for path, (name, language) in MOVED.items():
            if name in names:
                moved = _redirect(self._templates.url(name, language))
                found += [(hdrs.METH_GET, path, moved), (hdrs.METH_POST, path, moved)]
        for page in self.pages:
            for language in LANGUAGES:
                for method, handler in ((hdrs.METH_GET, page.get), (hdrs.METH_POST, page.post)):
                    if handler is not None:
                        found.append((method, page.paths[language], self._serving(page, handler, language)))
        return found

    def refusal(self, request: web.Request, status: int, headers: Mapping[str, str]) -> web.Response | None:
        """The page of a refusal; None for a client that gets a problem document instead."""
        if not negotiation.wants_page(request):
            return None
        return self._refusal(request, PageError(status, headers), negotiation.language_of(request, self._paths))

    def _refusal(self, request: web.Request, error: PageError, language: Language) -> web.Response:
        known = (error.kind, language)
        if known not in self._errors:
            sentence = sentence_of(error.kind, language)
            values = {"sentence": sentence, "status": error.status, "kind": error.kind, "again": None}
            self._errors[known] = Rendered(self._templates.render("base/refused.html", values, language))
        return html_response(request, self._errors[known], language, status=error.status, headers=error.headers)

    def _serving(
        self, page: Page, handler: Handler, language: Language
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                if self._door is not None:
                    await self._door.admit(request, page)
                answer = await handler(request, language)
            except PageError as error:
                return self._refusal(request, error, language)
            except PageRefusedError as error:
                return self._refused(request, page, error, language)
            except SignInError as error:
                return self._refused(request, page, PageRefusedError(error.code), language)
            except ChangeConflictError:
                return self._refusal(request, views_behind(), language)
            return await self._answer(request, page, answer, language)

        return serve

    async def _answer(
        self, request: web.Request, page: Page, answer: Answer | Download | Redirect, language: Language
    ) -> web.Response:
        """The response; within a session it carries the cookie on, and is stored nowhere."""
        headers: dict[str, str] = dict(PRIVATE) if page.private else {}
        signed = request.get(SESSION)
        if signed is not None and self._door is not None and not _is_renewal(request):
            headers[hdrs.SET_COOKIE] = self._door.set_cookie(signed)
        if isinstance(answer, Download):
            return download_response(answer, headers)
        headers |= answer.headers
        if isinstance(answer, Redirect):
            query = f"?{urlencode(answer.query)}" if answer.query else ""
            return redirect_response(self._templates.url(answer.page, language) + query, headers)
        rendered = await self._rendered(request, page, answer, language)
        return html_response(request, rendered, language, status=answer.status, headers=headers)

    async def _rendered(self, request: web.Request, page: Page, answer: Answer, language: Language) -> Rendered:
        """The page of an answer. Nothing of a visitor's address is on a public page but what the page has read."""

        def render(query: str) -> Rendered:
            values = {**answer.computed(), **self._session(request, page)}
            html = self._templates.render(
                answer.template, values, language, page=page.name, query=query, part=_part(request)
            )
            return Rendered(html)

        if page.private:
            kept = request.rel_url.raw_query_string if request.method == hdrs.METH_GET else urlencode(answer.query)
            return render(kept)
        query = urlencode(answer.query)
        if answer.made_of is None:
            return await self._aside(request, lambda: render(query).complete())
        return await self._kept.get(
            request, (page.name, language, query, _part(request)), answer.made_of, lambda: render(query)
        )

    def _session(self, request: web.Request, page: Page) -> Mapping[str, object]:
        """The session as the layout names it; the person's name is for that person alone."""
        signed = request.get(SESSION)
        if signed is None or self._door is None:
            return {}
        ticket = signed.ticket
        area: Role = "operator" if page.role == "operator" else "platform"
        other = _other_area(area, signed.partner.scopes)
        view = {
            "platform": signed.partner.name,
            "person": ticket.person,
            "idle_at": ticket.idle_at,
            "ends_at": ticket.ends_at,
            "seconds": (ticket.idle_at - ticket.seen_at) // 1_000,
            "token": self._door.sign_ins.form_token(signed),
            "area": area,
            "other": other,
            "other_home": None if other is None else HOMES[other],
            "pages": self._templates.area(area),
        }
        return {"session": view}

    def _refused(self, request: web.Request, page: Page, error: PageRefusedError, language: Language) -> web.Response:
        """A refusal in words. After a link in a message the browser sends no cookie: the page offers its own link."""
        again = None
        if error.code == "session-missing":
            query = f"?{request.rel_url.raw_query_string}" if request.method == hdrs.METH_GET else ""
            again = self._templates.url(page.name, language, part=_part(request)) + query
        values = {"sentence": error.sentence(language), "status": error.status, "kind": error.code, "again": again}
        headers = {**(PRIVATE if page.private else {}), **error.headers}
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers[hdrs.WWW_AUTHENTICATE] = _CHALLENGE
            if again is None:
                headers[hdrs.SET_COOKIE] = FORGET
        text = self._templates.render("base/refused.html", values, language, page=page.name, part=_part(request))
        return html_response(request, Rendered(text), language, status=error.status, headers=headers)


def _other_area(area: Role, scopes: frozenset[str]) -> Role | None:
    """The other area of a person whose partner has both: a platform's, which publishes or reads, and an operator's."""
    if area == "platform":
        return "operator" if "operate" in scopes else None
    return None if scopes.isdisjoint({"offers:publish", "offers:read"}) else "platform"


def _part(request: web.Request) -> str:
    """The variable part of a page's path; empty where it has none."""
    return request.match_info.get("part", "")


def _is_renewal(request: web.Request) -> bool:
    """Whether the script renews a live page, without a person: that does not prolong a session. Browsers name what they
    do themselves (Fetch Metadata, 2.2).
    """
    return request.method == hdrs.METH_GET and request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


async def _static(request: web.Request) -> web.Response:
    asset = static.find(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    return static_response(request, asset)


def _redirect(url: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=308, headers={hdrs.LOCATION: url})

    return redirect
