"""The operator's page of twelve systems over HTTP, with a week of statistics and at a minute that wrote others.

The views are filled directly; page and client share one process and event loop.
"""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta

import schemas
from bench.home import fill, new_federation, page_size, serve_here
from bench.row import Row
from bench.views import timed
from gateway import clock
from gateway.bootstrap.pages import add_pages
from gateway.federation import Federation
from gateway.log.port import Chunk
from gateway.pages.base.door import COOKIE
from gateway.partners.credential import mint_secret
from gateway.partners.onboarding import presets
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountedVerdict, CountRecord, count_record
from gateway.protocol.topic import STATISTICS

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
    async with AsyncExitStack() as stack:
        settings, federation = await new_federation(stack)
        cookie = await _onboard(federation)
        await fill(federation, count)
        await _count_week(federation)
        session, url = await serve_here(stack, settings, federation, add_pages)
        written = itertools.count(1)

        async def page() -> int:
            return await page_size(session, f"{url}/exploitation", Cookie=cookie)

        async def page_of_a_new_minute() -> None:
            await federation.statistics.apply([_chunk({_today(): 1}, next(written))])
            await page()

        kept, read = await timed(page, _TIMES), await timed(page_of_a_new_minute, _TIMES)
        yield Row(
            f"page of twelve systems, {count:,} offers",
            f"{kept:.1f} ms",
            f"{read:.1f} ms once a minute, with its record",
            f"≤ {_BAR_MS} ms",
            kept <= _BAR_MS,
            f"{await page() / 1_000:.1f} kB compressed",
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
