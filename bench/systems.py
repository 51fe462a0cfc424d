"""The operator's page of twelve systems over HTTP, with a week of statistics and at a minute that wrote others.

The views are filled directly; page and client share one process and event loop.
"""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path

import aiohttp
from aiohttp import hdrs

import schemas
from bench.home import fill
from bench.row import Row
from bench.views import PARTITIONS, timed
from gateway import clock
from gateway.bootstrap.log import open_log, with_signing_key
from gateway.bootstrap.pages import add_pages
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.serving import build_api, listen, serve
from gateway.federation import Federation
from gateway.log.port import Chunk
from gateway.pages.base.door import COOKIE
from gateway.partners.credential import mint_secret
from gateway.partners.onboarding import presets
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountedVerdict, CountRecord, count_record
from gateway.protocol.topic import COMMON, STATISTICS
from gateway.runtime.logs import configure_logs
from gateway.settings import Settings

OFFERS = 10_000
_BAR_MS = 60
_OPERATOR = "exploitation"
_DAYS, _TIMES = 7, 60
_VERDICTS: tuple[tuple[CountedVerdict, str], ...] = (
    ("accepted", UNBROKEN),
    ("duplicate", UNBROKEN),
    ("withdrawn", UNBROKEN),
    ("rejected", BROKEN),
    ("rejected", "week-malformed"),
    ("refused", BROKEN),
    ("refused", "week-malformed"),
)


async def measure(count: int) -> AsyncIterator[Row]:
    """The page in French, its counts kept and read again."""
    configure_logs("error")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-bench-")))
        settings = with_signing_key(
            Settings(data=folder, port=0, partitions=PARTITIONS, pages=0, requests_per_minute=100_000_000)
        )
        log = await stack.enter_async_context(open_log(settings))
        await log.create_topics(COMMON)
        federation = await build_federation(settings, stack, log=log)
        stack.push_async_callback(federation.partners.close)
        cookie = await _onboard(federation)
        await fill(federation, count)
        await _count_week(federation)
        listening = await listen(stack, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = build_api(settings, federation, url)
        add_pages(app, settings, federation, url)
        await serve(stack, app, listening)
        session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        headers = {hdrs.ACCEPT: "text/html", hdrs.ACCEPT_ENCODING: "gzip", hdrs.COOKIE: cookie}
        sizes, written = [], 1

        async def page() -> None:
            async with session.get(f"{url}/exploitation", headers=headers) as answer:
                answer.raise_for_status()
                sizes.append(len(await answer.read()))

        async def page_of_a_new_minute() -> None:
            nonlocal written
            await federation.statistics.apply([_chunk({_today(): 1}, written)])
            written += 1
            await page()

        kept, read = await timed(page, _TIMES), await timed(page_of_a_new_minute, _TIMES)
        yield Row(
            f"page of twelve systems, {count:,} offers",
            f"{kept:.1f} ms",
            f"{read:.1f} ms once a minute, with its record",
            f"≤ {_BAR_MS} ms",
            kept <= _BAR_MS,
            f"{max(sizes) / 1_000:.1f} kB compressed",
        )


async def _onboard(federation: Federation) -> str:
    """The platforms, and an operator with a session: its cookie."""
    for preset in presets().values():
        await federation.partners.save(preset)
    secret = mint_secret(now=clock.now(), entropy=os.urandom)
    operator = Partner(platform=_OPERATOR, name="Exploitation", scopes=frozenset({"operate"}), secrets=(secret.kept,))
    await federation.partners.save(operator)
    link, _ = federation.sign_ins.link(operator, "x")
    return f"{COOKIE}={federation.sign_ins.cookie(await federation.sign_ins.begin(link))}"


async def _count_week(federation: Federation) -> None:
    """Every verdict in every department of every platform, each day."""
    everywhere = [item["code"] for item in schemas.reference("departments")["items"]]
    cells = {
        Cell(
            (date.fromisoformat(paris_date(clock.now())) - timedelta(days=day)).isoformat(), slug, verdict, rule, code
        ): 9
        for day in range(_DAYS)
        for slug, preset in presets().items()
        for code in sorted(preset.territory) or everywhere
        for verdict, rule in _VERDICTS
    }
    await federation.statistics.apply([_chunk(cells, 0)])


def _today() -> Cell:
    return Cell(paris_date(clock.now()), "bretagne", "accepted", UNBROKEN, "35")


def _chunk(cells: dict[Cell, int], offset: int) -> Chunk:
    record = count_record(CountRecord("bench", offset + 1, cells))
    return Chunk(STATISTICS, 0, [StoredRecord(offset, clock.now(), record.key, record.value)], offset + 1)
