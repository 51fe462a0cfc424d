"""Updates of live offers in random order through the offer view: the load of a nightly snapshot after a season.

    python -m bench.view_updates --live 200000    # 1,000,000 by default

Each update changes the title, one in four the weeks too, and with them facets and duplicate keys. The bar
(docs/performance.md): 15,000 updates a second in steps of 50, p99 of a step 100 ms, at a million live offers.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.views import PARTITIONS, chunks, offers
from gateway.log.port import Chunk
from gateway.protocol.identity import partition_of
from gateway.protocol.record import StoredRecord, offer_record
from gateway.store import OfferView

UPDATES = 20_000
STEPS = (50, 500, 2_000)
Records = list[tuple[int, StoredRecord]]
"""Records with their partitions."""


class Updated(NamedTuple):
    """Figures of updates in steps of one size; milliseconds are per step."""

    size: int
    rate: float
    microseconds: float
    median_ms: float
    p99_ms: float
    longest_ms: float

    def __str__(self) -> str:
        return (
            f"steps of {self.size:,}: {self.rate:,.0f} updates/s, {self.microseconds:.0f} µs of processor; a step: "
            f"median {self.median_ms:.1f} ms, p99 {self.p99_ms:.1f}, longest {self.longest_ms:.1f}"
        )


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
        taken.append((time.perf_counter() - started) * 1000)
    elapsed, used = time.perf_counter() - begun, time.process_time() - used
    taken.sort()
    return Updated(
        size,
        len(numbered) / elapsed,
        used / len(numbered) * 1e6,
        statistics.median(taken),
        taken[int(len(taken) * 0.99)],
        taken[-1],
    )


async def measure(live: int, count: int = UPDATES) -> list[Updated]:
    """Fill a view, then update it, in small steps and in large ones."""
    with tempfile.TemporaryDirectory() as name:
        view = await OfferView.open(Path(name) / "offers.sqlite", log_identity="bench", partitions=PARTITIONS)
        for batch in chunks(live):
            await view.apply(batch)
        await view.settle()
        records = revisions(live, count * len(STEPS))
        figures = [await update(view, records[i :: len(STEPS)], size) for i, size in enumerate(STEPS)]
        await view.close()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=1_000_000)
    parser.add_argument("--updates", type=int, default=UPDATES)
    arguments = parser.parse_args()
    for figure in asyncio.run(measure(arguments.live, arguments.updates)):
        print(figure)
