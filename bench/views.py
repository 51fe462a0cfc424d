"""Scaling of the offer view: filling, feed pages and filtered queries at two sizes in one run, and their ratio.

    python -m bench.views                     # 2,000 against 50,000 offers, half a minute
    python -m bench.views --small 10000 --large 1000000

The bar (docs/performance.md): a page or query at the large size takes at most three times its time at the small one.
Offers are generated from a fixed seed and written as the relay writes them; only the view is measured.
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

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
"""Queried with a count. The bars are 1 ms and 5 ms, at a million offers."""


def offers(count: int) -> Iterator[OfferState]:
    """States as the relay writes them."""
    chance = random.Random(7)  # a fixed seed
    for number in range(count):
        platform = chance.choice(PLATFORMS)
        siret = f"{chance.randrange(200_000):09}{chance.randrange(100_000):05}"
        department = f"d{chance.randrange(1, 97):02}"
        offer: dict[str, Any] = {
            "id": f"{platform}:{number:07}",
            "revision": 1,
            "title": f"Observation number {number}",
            "description": "What a pupil sees and does here, day by day. " * 12,
            "employer": {
                "name": f"Atelier {chance.randrange(200_000)}",
                "siret": siret,
                "description": "Who we are. " * 8,
            },
            "location": {
                "street": "1 rue de la Gare",
                "postal_code": f"{department[1:]}{chance.randrange(1000):03}",
                "city": "Rennes",
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
    ends = [0] * PARTITIONS
    lanes: list[list[StoredRecord]] = [[] for _ in range(PARTITIONS)]
    for number, state in enumerate(offers(count), 1):
        partition = partition_of(state.id, PARTITIONS)
        record = offer_record(state)
        lanes[partition].append(
            StoredRecord(ends[partition], state.known.appended_at, record.key, record.value, record.headers)
        )
        ends[partition] += 1
        if number % BATCH == 0 or number == count:
            yield [Chunk("offers", p, lane, ends[p]) for p, lane in enumerate(lanes)]
            lanes = [[] for _ in range(PARTITIONS)]


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
    await view.page(reader=READER, asked=asked, after=None, limit=100, own=False)
    await view.count_for(READER, asked)


async def measure(folder: Path, count: int) -> dict[str, float]:
    """Fill a view and query it. Returns milliseconds per query."""
    view = await OfferView.open(folder / f"{count}.sqlite", log_identity="bench", partitions=PARTITIONS)
    spent = 0.0
    for batch in chunks(count):
        begun = time.perf_counter()
        await view.apply(batch)
        spent += time.perf_counter() - begun
    begun = time.perf_counter()
    await view.settle()
    settled = time.perf_counter() - begun
    size = (folder / f"{count}.sqlite").stat().st_size / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:>9,} offers: applied at {count / spent:,.0f}/s, indexes built in {settled:.1f} s; "
        f"file {size:,.0f} MB; peak memory of the process {memory:,.0f} MB"
    )
    results: dict[str, float] = {}
    for name, (reader, asked) in FILTERS.items():
        results[f"query: {name}"] = await timed(
            partial(view.page, reader=reader, asked=asked, after=None, limit=100, own=False)
        )
        start = cursors.start(end=view.positions, now=0, asked=asked, reader=reader, log="bench")
        results[f"feed, first page: {name}"] = await timed(
            partial(view.changes, start, reader=reader, asked=asked, limit=100)
        )
    for name, asked in WORST.items():
        results[f"page and count: {name}"] = await timed(partial(page_and_count, view, asked))
    middle = tuple(position // 2 for position in view.positions)
    whole = Filter()
    live = cursors.Cursor(positions=middle, began=(0,) * PARTITIONS, fresh=0, filter="", reader="", log="")
    asked = FILTERS["week, rare, in four departments"][1]
    results["feed, following: rare"] = await timed(lambda: view.changes(live, reader=READER, asked=asked, limit=100))
    results["feed, following: all"] = await timed(lambda: view.changes(live, reader=NATIONAL, asked=whole, limit=100))
    page, _ = await view.page(reader=NATIONAL, asked=whole, after=None, limit=100, own=False)
    some = [state.id for state in page]
    results["possible duplicates of a page"] = await timed(lambda: view.possible_duplicates(some, reader=NATIONAL))
    results["one offer"] = await timed(lambda: view.get(some[50]))
    begun = time.perf_counter()
    await view.close()
    view = await OfferView.open(folder / f"{count}.sqlite", log_identity="bench", partitions=PARTITIONS)
    results["close and open again"] = (time.perf_counter() - begun) * 1000
    begun = time.perf_counter()
    results["live offers of a platform, each"] = 0.0
    seen = [pair async for pair in view.live_before("bretagne", (1 << 40,) * PARTITIONS)]
    results["live offers of a platform, each"] = (time.perf_counter() - begun) * 1000 / len(seen)
    if len(seen) != await view.count("bretagne"):
        raise SystemExit("live_before and count disagree")
    await view.close()
    return results


async def compare(small: int, large: int) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds of each query at both sizes."""
    with tempfile.TemporaryDirectory() as folder:
        return await measure(Path(folder), small), await measure(Path(folder), large)


async def main(small: int, large: int) -> None:
    """Print the results as a table."""
    first, second = await compare(small, large)
    print(f"\n{'median of 30, milliseconds':<46}{small:>10,}{large:>12,}{'ratio':>8}")
    for name, base in first.items():
        print(f"{name:<46}{base:>10.2f}{second[name]:>12.2f}{second[name] / base:>8.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=2_000)
    parser.add_argument("--large", type=int, default=50_000)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.small, arguments.large))
