"""The pages of a gateway: what they need of it, and their routes on its application."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar

from aiohttp import hdrs, web

from adapters.national.site.timing import PER_MINUTE
from gateway.api.auth import public
from gateway.api.context import client_of
from gateway.api.impact import IMPACTS
from gateway.api.problem import REFUSAL_PAGE
from gateway.api.work import work_of
from gateway.bootstrap.doctor import examine_running
from gateway.bootstrap.national_plan import NationalPlans
from gateway.bootstrap.page_work import known_profiles
from gateway.clock import steady
from gateway.federation import Federation
from gateway.federation.checks import CHECKED_MS, run_checks
from gateway.federation.figures import Figures
from gateway.federation.national import NationalSite
from gateway.oauth.failed_attempts import FailedAttempts
from gateway.pages.base.anonymous import MAX_SLOTS, AddressSlots
from gateway.pages.base.door import Door
from gateway.pages.base.reading import Forms
from gateway.pages.base.visit import Visitors
from gateway.pages.legal.view import Imprint
from gateway.pages.site import PagePorts, PageSite, all_pages
from gateway.runtime.cached import Cached
from gateway.runtime.sandbox import Sandbox
from gateway.settings import Settings

Result = TypeVar("Result")
_WORK = "gateway.bootstrap.page_work"
_SLOTS_FILE = "visitors.lock"
_LINKS = "links"
_SEARCHED = 1_000
"""Items that a search of a visitor is charged for as one long read."""


def add_pages(app: web.Application, settings: Settings, federation: Federation, url: str) -> None:
    """Add every page to the application at this public URL. Refusals of a browser's requests become pages."""
    ports = page_ports(settings, federation, url)

    async def close(_: web.Application) -> AsyncIterator[None]:
        yield
        await ports.visitors.close()

    app.cleanup_ctx.append(close)
    site = PageSite(all_pages(ports), public_url=url, door=ports.door, source=settings.source_url, aside=in_a_slice)
    add_site(app, site)


def in_a_slice(request: web.Request, work: Callable[[], Result]) -> Coroutine[Any, Any, Result]:
    """Run work of a visitor's request in a thread, within a slice of its network address."""
    return work_of(request).in_thread(work)


def add_site(app: web.Application, site: PageSite) -> None:
    """Add the routes of a site to an application."""
    for method, path, handler in site.routes():
        add = app.router.add_get if method == hdrs.METH_GET else app.router.add_post
        add(path, public(handler))
    app[REFUSAL_PAGE] = site.refusal


def page_ports(settings: Settings, federation: Federation, url: str) -> PagePorts:
    """The ports of the pages for this federation at this public URL. The caller closes the visitors."""
    forms = Forms(client_of, in_a_slice)
    return PagePorts(
        federation=federation,
        figures=Figures(federation),
        map_bounds=settings.map_bounds,
        imprint=Imprint(**{one.name: getattr(settings, f"legal_{one.name}") for one in fields(Imprint)}),
        visitors=_visitors(settings, forms),
        reading=lambda request, search: work_of(request).read(search, items=_SEARCHED),
        profiles=known_profiles(),
        door=Door(
            sign_ins=federation.sign_ins,
            count_refused=partial(_refused_links, FailedAttempts(processes=max(1, settings.workers))),
            address=client_of,
            url=url,
            forms=forms,
        ),
        wait=lambda request: work_of(request).wait,
        judging=lambda request, platform: request.app[IMPACTS].one(platform),
        national=NationalSite(
            connected=settings.national is not None, per_minute=PER_MINUTE, plan=NationalPlans(settings).get
        ),
        mails=settings.smtp is not None,
        checks=Cached(
            partial(run_checks, federation, partial(examine_running, settings, federation)), milliseconds=CHECKED_MS
        ),
    )


def _refused_links(guard: FailedAttempts, address: str) -> int:
    """Count a refused link of an address, as the token endpoint does; the seconds to wait, 0 if it is answered."""
    if wait := guard.wait(_LINKS, address, now=steady()):
        return wait
    guard.failed(_LINKS, address, now=steady())
    return 0


def _visitors(settings: Settings, forms: Forms) -> Visitors:
    """The limits of visitors, shared by the worker processes, and the sandbox of this process."""
    share = max(1, settings.workers)
    slots = AddressSlots(most=-(-MAX_SLOTS // share), shared=settings.data / _SLOTS_FILE if share > 1 else None)
    return Visitors(slots, Sandbox(_WORK), client_of, forms)
