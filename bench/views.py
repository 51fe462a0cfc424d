"""Scaling of the offer view: feed pages and filtered queries at a million offers against 10,000, in one run.

Offers are generated from a fixed seed and written as the relay writes them; only the view is measured.
"""

import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bench.offers import Texts
from bench.row import Row
from gateway.log.port import Chunk
from gateway.protocol import cursor as cursors
from gateway.protocol.identity import partition_of
from gateway.protocol.record import OfferState, StoredRecord, offer_record
from gateway.protocol.submission import Known
from gateway.protocol.visibility import Filter, Reader
from gateway.store import OfferView

PARTITIONS = 3
BATCH = 2_000
RARE = 60
_FEW = 10_000
_RATIO = 3
PLATFORMS = (
    "auvergne-rhone-alpes",
    "bourgogne-franche-comte",
    "bretagne",
    "grand-est",
    "ile-de-france",
    "normandie",
    "nouvelle-aquitaine",
    "occitanie",
    "pays-de-la-loire",
)
READER = Reader("hauts-de-france")
NATIONAL = Reader("national")
FILTERS = {
    "everything": (NATIONAL, Filter()),
    "four departments": (READER, Filter(department=frozenset({"d22", "d29", "d35", "d56"}))),
    "sector and level, rare": (READER, Filter(sector=frozenset({"s52"}), level=frozenset({"seconde"}))),
    "week, rare": (READER, Filter(week=frozenset({"2026-W40"}))),
    "week, rare, in four departments": (
        READER,
        Filter(department=frozenset({"d22", "d29", "d35", "d56"}), week=frozenset({"2026-W40"})),
    ),
    "no such sector": (READER, Filter(department=frozenset({"d35"}), sector=frozenset({"s99"}))),
    "box of a town": (READER, Filter(bbox=(8.65, 41.85, 8.8, 41.95))),
    "box of a region": (READER, Filter(bbox=(-5.2, 47.2, -1.0, 48.9))),
}
WORST = {
    "region and department that exclude each other": Filter(region=frozenset("1"), department=frozenset({"d35"})),
    "25 weeks and 51 sectors": Filter(
        week=frozenset(f"2027-W{week:02}" for week in range(1, 26)), sector=frozenset(f"s{n}" for n in range(1, 52))
    ),
}
"""Queried with a count; the bars are in their order."""


def offers(count: int) -> Iterator[OfferState]:
    """States as the relay writes them."""
    chance, texts = random.Random(7), Texts(7)  # fixed seeds
    for number in range(count):
        platform = chance.choice(PLATFORMS)
        siret = f"{chance.randrange(200_000):09}{chance.randrange(100_000):05}"
        department = f"d{chance.randrange(1, 97):02}"
        offer: dict[str, Any] = {
            "id": f"{platform}:{number:07}",
            "revision": 1,
            "title": texts.draw(25, 70),
            "description": texts.draw(250, 1_000),
            "employer": {
                "name": texts.draw(12, 40),
                "siret": siret,
                "description": texts.draw(60, 160),
            },
            "location": {
                "street": f"{chance.randrange(1, 200)} rue {texts.draw(10, 25)}",
                "postal_code": f"{department[1:]}{chance.randrange(1000):03}",
                "city": texts.draw(10, 20),
                "latitude": round(chance.uniform(42.5, 50.9), 5),
                "longitude": round(chance.uniform(-4.7, 7.9), 5),
            },
            "levels": chance.choice((["seconde"], ["troisieme"], ["quatrieme", "troisieme"])),
            "weeks": [f"2027-W{week:02}" for week in chance.sample(range(1, 26), 2)],
            "sector": f"s{chance.randrange(1, 52)}",
            "apply_url": f"https://{platform}.example/offres/{number}",
            "expires_on": "2027-06-27",
        }
        rare(offer, number % (count // RARE))
        known = Known(
            revision=1,
            digest="0" * 64,
            sequence=1_800_000_000_000 + number,
            position=number,
            appended_at=1_800_000_000_000 + number,
            expires_on="2027-06-27",
            provenance=(platform,),
            shared=frozenset({"regions", "national"}),
        )
        territory = {"department": department, "region": department[1], "academie": "x"}
        yield OfferState(offer["id"], known, offer, territory)


def rare(offer: dict[str, Any], number: int) -> None:
    """Make some offers unlike all others, as many at every size, so that the same query has the same result."""
    if number == 0:
        offer["weeks"] = ["2026-W40"]
    elif number == 1:
        offer["location"] |= {"latitude": 41.92, "longitude": 8.73}
    elif number == 2:
        offer["sector"] = "s52"


def chunks(count: int) -> Iterator[list[Chunk]]:
    """The same offers in chunks, as a reader of the log returns them."""
    return in_chunks(offers(count))


def in_chunks(states: Iterable[OfferState]) -> Iterator[list[Chunk]]:
    """States in chunks, as a reader of the log returns them."""
    ends = [0] * PARTITIONS
    rest = iter(states)
    while batch := list(islice(rest, BATCH)):
        lanes: list[list[StoredRecord]] = [[] for _ in range(PARTITIONS)]
        for state in batch:
            partition = partition_of(state.id, PARTITIONS)
            record = offer_record(state)
            lanes[partition].append(
                StoredRecord(ends[partition], state.known.appended_at, record.key, record.value, record.headers)
            )
            ends[partition] += 1
        yield [Chunk("offers", p, lane, ends[p]) for p, lane in enumerate(lanes)]


async def measure(million: int) -> AsyncIterator[Row]:
    """Every page and query at both sizes, and the two worst queries at the large one."""
    few = min(_FEW, million // 2)
    with tempfile.TemporaryDirectory() as folder:
        small, large = await _milliseconds(Path(folder), few), await _milliseconds(Path(folder), million)
    for kind in ("query", "feed"):
        ratios = {name: large[name] / small[name] for name in small if name.startswith(kind)}
        worst = max(ratios, key=lambda name: ratios[name])
        over = sum(ratio > _RATIO for ratio in ratios.values())
        yield Row(
            f"{'filtered queries' if kind == 'query' else 'feed pages'} at {million:,} offers against {few:,}",
            f"{small[worst]:.2f} → {large[worst]:.2f} ms",
            f"{ratios[worst]:.1f} × at {few:,}",
            f"≤ {_RATIO} ×",
            not over,
            f"worst: {worst}; {len(ratios) - over} of {len(ratios)} within",
        )
    for name, bar in zip(WORST, (1, 5), strict=True):
        first, second = (found["page and count: " + name] for found in (small, large))
        what = f"{name}, page and count, {million:,} offers"
        yield Row(what, f"{second:.2f} ms", f"{second / first:.1f} × at {few:,}", f"≤ {bar} ms", second <= bar)
    for name in ("one offer", "close and open again", "filled, offers a second"):
        yield Row(f"{name}, {million:,} offers", f"{large[name]:,.2f}", f"{large[name] / small[name]:.1f} × at {few:,}")


async def timed(call: Callable[[], Awaitable[object]], times: int = 30) -> float:
    """The median of some runs, in milliseconds, after a first one that warms the caches."""
    await call()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


async def page_and_count(view: OfferView, asked: Filter) -> None:
    """The queries of the API for a list with a count."""
    await view.page(reader=READER, criteria=asked, after=None, limit=100, own=False)
    await view.count_for(READER, asked)


async def _milliseconds(folder: Path, count: int) -> dict[str, float]:
    """Fill a view and query it. Returns milliseconds per query."""
    view = await OfferView.open(folder / f"{count}.sqlite", log_identity="bench", partitions=PARTITIONS)
    spent = 0.0
    for batch in chunks(count):
        begun = time.perf_counter()
        await view.apply(batch)
        spent += time.perf_counter() - begun
    await view.settle()
    results = {"filled, offers a second": count / spent}
    for name, (reader, asked) in FILTERS.items():
        results[f"query: {name}"] = await timed(
            partial(view.page, reader=reader, criteria=asked, after=None, limit=100, own=False)
        )
        start = cursors.start(end=view.positions, now=0, criteria=asked, reader=reader, log="bench")
        results[f"feed, first page: {name}"] = await timed(
            partial(view.changes, start, reader=reader, criteria=asked, limit=100)
        )
    for name, asked in WORST.items():
        results[f"page and count: {name}"] = await timed(partial(page_and_count, view, asked))
    middle = tuple(position // 2 for position in view.positions)
    whole = Filter()
    live = cursors.Cursor(positions=middle, began=(0,) * PARTITIONS, fresh=0, filter="", reader="", log="")
    asked = FILTERS["week, rare, in four departments"][1]
    results["feed, following: rare"] = await timed(lambda: view.changes(live, reader=READER, criteria=asked, limit=100))
    results["feed, following: all"] = await timed(
        lambda: view.changes(live, reader=NATIONAL, criteria=whole, limit=100)
    )
    page, _ = await view.page(reader=NATIONAL, criteria=whole, after=None, limit=100, own=False)
    some = [state.id for state in page]
    results["possible duplicates of a page"] = await timed(lambda: view.possible_duplicates(some, reader=NATIONAL))
    results["one offer"] = await timed(lambda: view.get(some[50]))
    begun = time.perf_counter()
    await view.close()
    view = await OfferView.open(folder / f"{count}.sqlite", log_identity="bench", partitions=PARTITIONS)
    results["close and open again"] = (time.perf_counter() - begun) * 1000
    await view.close()
    return results
