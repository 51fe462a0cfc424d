"""Updates of live offers in random order through the offer view: the load of a nightly snapshot after a season.

Each update changes the title, one in four the weeks too, and with them facets and duplicate keys.
"""

import random
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import baseline
from bench.offers import documents
from bench.row import Row, percentile, times
from bench.views import PARTITIONS, chunks, offers
from gateway.log.port import Chunk
from gateway.protocol.identity import partition_of
from gateway.protocol.record import StoredRecord, offer_record
from gateway.store import OfferView

UPDATES = 20_000
STEPS = (50, 500, 2_000)
_RATE, _STEP_MS = 15_000, 100
_FLOOR_OFFERS = 2_000
Records = list[tuple[int, StoredRecord]]
"""Records with their partitions."""


@dataclass(frozen=True, slots=True)
class Updated:
    """Figures of updates in steps of one size: updates a second, processor time of one, the seconds of each step."""

    rate: float
    microseconds: float
    steps: list[float]


async def measure(live: int) -> AsyncIterator[Row]:
    """Fill a view, then update it, in small steps and in large ones."""
    count = min(UPDATES, live // len(STEPS))
    with tempfile.TemporaryDirectory() as name:
        view = await OfferView.open(Path(name) / "offers.sqlite", log_identity="bench", partitions=PARTITIONS)
        for batch in chunks(live):
            await view.apply(batch)
        await view.settle()
        records = revisions(live, count * len(STEPS))
        floor = baseline.floor(documents(_FLOOR_OFFERS))
        for number, size in enumerate(STEPS):
            done = await update(view, records[number :: len(STEPS)], size)
            p99 = percentile(done.steps, 0.99)
            met = done.rate >= _RATE and p99 <= _STEP_MS
            yield Row(
                f"random updates of {live:,} live offers, steps of {size:,}",
                f"{done.rate:,.0f}/s, p99 of a step {p99:.0f} ms",
                f"{times(done.rate, 1 / floor)} floor",
                f"≥ {_RATE:,}/s, p99 ≤ {_STEP_MS} ms" if size == STEPS[0] else "",
                met if size == STEPS[0] else None,
                f"{done.microseconds:.0f} µs each, floor {floor * 1e6:.1f} µs; longest {max(done.steps) * 1e3:.0f} ms",
            )
        await view.close()


def revisions(live: int, count: int) -> Records:
    """Revisions of some offers out of ``live``, chosen at random, in random order."""
    chance = random.Random(11)  # a fixed seed
    chosen = set(chance.sample(range(live), count))
    states = [state for number, state in enumerate(offers(live)) if number in chosen]
    chance.shuffle(states)
    records = []
    for number, state in enumerate(states):
        assert state.offer is not None
        offer = dict(state.offer) | {"revision": 2, "title": f"Observation, revised {chance.randrange(10**6)}"}
        if number % 4 == 0:
            offer["weeks"] = [f"2027-W{week:02}" for week in chance.sample(range(1, 26), 2)]
        known = replace(state.known, revision=2, sequence=state.known.sequence + live)
        record = offer_record(replace(state, known=known, offer=offer))
        partition = partition_of(state.id, PARTITIONS)
        records.append((partition, StoredRecord(0, known.sequence, record.key, record.value)))
    return records


def appended(records: Records, positions: tuple[int, ...]) -> Records:
    """The same records at the offsets that follow the view's positions."""
    ends = list(positions)
    numbered = []
    for partition, record in records:
        numbered.append((partition, replace(record, offset=ends[partition])))
        ends[partition] += 1
    return numbered


def step_of(records: Records) -> list[Chunk]:
    """Consecutive records as a log reader returns them."""
    found = []
    for partition in range(PARTITIONS):
        some = [record for owner, record in records if owner == partition]
        if some:
            found.append(Chunk("offers", partition, some, some[-1].offset + 1))
    return found


async def update(view: OfferView, records: Records, size: int) -> Updated:
    """Apply all records in steps of ``size``."""
    numbered, taken = appended(records, view.positions), []
    used, begun = time.process_time(), time.perf_counter()
    for first in range(0, len(numbered), size):
        step = step_of(numbered[first : first + size])
        started = time.perf_counter()
        await view.apply(step)
        taken.append(time.perf_counter() - started)
    elapsed, used = time.perf_counter() - begun, time.process_time() - used
    return Updated(len(numbered) / elapsed, used / len(numbered) * 1e6, taken)
