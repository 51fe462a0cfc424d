"""The home page over HTTP without any kept facts, against one offer read from the API by the same client; and a text
that no offer has, searched in all of them.

The views are filled directly; page, API and client share one process and event loop.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import hdrs, web

import schemas
from bench.row import Row, times
from bench.views import PARTITIONS, PLATFORMS, in_chunks, offers, timed
from demo.client import Client
from gateway import clock
from gateway.bootstrap.log import with_signing_key
from gateway.bootstrap.pages import add_site, page_ports
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.serving import AddPages, build_api, listen, serve
from gateway.federation import Federation
from gateway.federation.figures import Figures, public_figures
from gateway.federation.open_history import open_history
from gateway.federation.public_offers import find_public_offers
from gateway.log.port import Chunk
from gateway.pages.map.outlines import drawn_departments
from gateway.pages.offers.territory import departments, regions
from gateway.pages.site import PageSite, all_pages
from gateway.partners.credential import mint_secret
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner, PublicAgreement
from gateway.protocol.record import OfferState, StoredRecord
from gateway.protocol.statistics import CountRecord, count_record
from gateway.protocol.topic import STATISTICS
from gateway.protocol.visibility import Filter
from gateway.runtime.logs import configure_logs
from gateway.runtime.loop import bound_collections
from gateway.settings import Settings
from gateway.store.offer_search import OfferSearch
from gateway.store.statistics import KEPT_DAYS

OFFERS = 100_000
_BAR_MS = 100
_PLATFORM = "bretagne"
_TIMES = 60
_PAUSE_BAR_MS = 50
_LOOK_SECONDS = 0.001


def spread(count: int) -> Iterator[OfferState]:
    """Offers in all 101 departments."""
    regions = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    chance, departments = Random(5), sorted(drawn_departments())
    for state in offers(count):
        department = chance.choice(departments)
        territory = {"department": department, "region": regions[department], "academie": "x"}
        yield replace(state, territory=territory)


async def measure(count: int) -> AsyncIterator[Row]:
    """The page in French with all its facts, and its compressed size; the search, and how long it stops the loop."""
    async with AsyncExitStack() as stack:
        settings, federation = await new_federation(stack)
        secret = mint_secret(now=clock.now(), entropy=os.urandom)
        scopes = frozenset({"offers:publish", "offers:read"})
        await federation.partners.save(Partner(platform=_PLATFORM, name="x", scopes=scopes, secrets=(secret.kept,)))
        one = await fill(federation, count)
        bound_collections()
        session, url = await serve_here(stack, settings, federation, _add_pages)
        client = Client(session, url, client_id=_PLATFORM, client_secret=secret.text)
        size = await page_size(session, url)
        read = await timed(lambda: client.call("GET", f"/v1/offers/{one}"), _TIMES)
        taken = await timed(lambda: page_size(session, url), _TIMES)
        facts = await timed(lambda: public_figures(federation), _TIMES)
        yield Row(
            f"home page, nothing kept, {count:,} offers",
            f"{taken:.1f} ms",
            f"{times(taken, read)} one offer read ({read:.1f} ms)",
            f"≤ {_BAR_MS} ms",
            taken <= _BAR_MS,
            f"facts {facts:.1f} ms; {size / 1_000:.1f} kB compressed",
        )
        searched, pause = await _search(federation)
        yield Row(
            f"list of {count:,} offers by two words, in the order of titles",
            f"{searched:.0f} ms",
            "",
            f"≤ {_BAR_MS} ms, loop stopped ≤ {_PAUSE_BAR_MS} ms",
            searched <= _BAR_MS and pause <= _PAUSE_BAR_MS,
            f"the event loop is stopped for at most {pause:.0f} ms",
        )
        taken, number = await _territory(federation)
        yield Row(
            f"numbers and history of the page of a Region, {count:,} offers",
            f"{taken:.0f} ms",
            "",
            f"≤ {_BAR_MS} ms",
            taken <= _BAR_MS,
            f"of {number:,} offers of 13 departments, over {KEPT_DAYS} days",
        )


async def _territory(federation: Federation) -> tuple[float, int]:
    """The median time in which the numbers of the page of the largest Region are found once the texts are known, with
    thirteen months of history (ms); and how many offers it counts.
    """
    agreement = PublicAgreement(since="2020-01-01", agreement="1")
    for slug in PLATFORMS:
        partner = federation.partners.get(slug) or Partner(platform=slug, name=slug, scopes=frozenset())
        await federation.partners.save(replace(partner, public=agreement))
    today = date.fromisoformat(paris_date(federation.clock()))
    days = [(today - timedelta(days=number)).isoformat() for number in range(KEPT_DAYS)]
    opened = {day: dict.fromkeys(departments(), 1_000) for day in days}
    value = count_record(CountRecord("history", 1, {}, open=opened))
    record = StoredRecord(key=value.key, value=value.value, offset=0, appended_at=federation.clock())
    await federation.statistics.apply([Chunk(STATISTICS, 0, [record], 1)])
    largest = max(regions().values(), key=lambda one: len(one.departments)).departments
    search = OfferSearch(criteria=Filter(department=frozenset(largest)), limit=5)

    async def at_once(part: Coroutine[Any, Any, Any]) -> Any:
        return await part

    async def read() -> None:
        await find_public_offers(federation, search, at_once)
        await open_history(federation, largest, today)

    found = await find_public_offers(federation, search, at_once)
    if not found.total:
        raise AssertionError("the Region has no public offer")
    return await timed(read, times=9), found.total


async def _search(federation: Federation) -> tuple[float, float]:
    """The median time of a search of all offers once their texts are known, and the longest time for which the event
    loop is stopped (ms), also while they are read.
    """
    clock, pauses = asyncio.get_running_loop().time, [0.0]

    async def look() -> None:
        while True:
            begun = clock()
            await asyncio.sleep(_LOOK_SECONDS)
            pauses.append(clock() - begun - _LOOK_SECONDS)

    polling = asyncio.create_task(look())
    everywhere = Filter(platform=frozenset(PLATFORMS))
    search = OfferSearch(criteria=everywhere, words=("a", "e"), order="title", hidden=True)
    found = await federation.offers.search(search)
    if not found.total:
        raise AssertionError("the words are in no offer")
    searched = await timed(lambda: federation.offers.search(search), times=9)
    polling.cancel()
    return searched, max(pauses) * 1_000


async def new_federation(stack: AsyncExitStack) -> tuple[Settings, Federation]:
    """A federation on a fresh embedded log, removed with the stack."""
    configure_logs("error")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-bench-")))
    settings = with_signing_key(Settings(data=folder, partitions=PARTITIONS, requests_per_minute=100_000_000))
    return settings, await build_federation(settings, stack)


async def serve_here(
    stack: AsyncExitStack, settings: Settings, federation: Federation, pages: AddPages
) -> tuple[aiohttp.ClientSession, str]:
    """Serve API and pages in this process. Returns a session of a client, and their URL."""
    listening = await listen(stack, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    await serve(stack, build_api(settings, federation, url, pages=pages), listening)
    return await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False)), url


async def page_size(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    """The compressed bytes of a page."""
    sent = {hdrs.ACCEPT: "text/html", hdrs.ACCEPT_ENCODING: "gzip", **headers}
    async with session.get(url, headers=sent) as answer:
        answer.raise_for_status()
        return len(await answer.read())


def _add_pages(app: web.Application, settings: Settings, federation: Federation, url: str) -> None:
    """The pages without the facts that are kept for five seconds."""
    ports = page_ports(settings, federation, url)
    pages = all_pages(replace(ports, figures=Figures(federation, milliseconds=0)))
    add_site(app, PageSite(pages, public_url=url, door=ports.door))


async def fill(federation: Federation, count: int) -> str:
    """Fill the offer view. Returns the id of an offer of the platform."""
    for batch in in_chunks(spread(count)):
        await federation.offers.apply(batch)
    await federation.offers.settle()
    await federation.positions.catch_up()
    for view in federation.views.values():
        view.updated.caught_up = True
    return next(state.id for state in offers(1_000) if state.id.startswith(f"{_PLATFORM}:"))
