"""Updates of live offers in random order through the offer view: what a nightly set looks like after a season.

    MILLION=200000 python -m bench.view_updates    # live offers; 1,000,000 without MILLION

Each update changes the title, one in four the weeks too, and with them words of the index and duplicate keys. The bar
(docs/performance.md): 15,000 updates a second in steps of 50, p99 of a step 100 ms, at a million live offers.
"""

import asyncio
import os
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.views import PARTITIONS, chunks, offers
from gateway.ports import Chunk
from gateway.protocol.identity import partition_of
from gateway.protocol.record import StoredRecord, offer_record
from gateway.views import OfferView

LIVE = int(os.environ.get("MILLION", "1000000"))
UPDATES = int(os.environ.get("UPDATES", "40000"))
STEPS = (50, 2_000)


def updates(count: int) -> list[tuple[int, StoredRecord]]:
    """Revisions of offers that are spread at random over all of them, in random order, with their partitions."""
    chance = random.Random(11)  # a fixed seed
    chosen = set(chance.sample(range(LIVE), count))
    states = [state for number, state in enumerate(offers(LIVE)) if number in chosen]
    chance.shuffle(states)
    records = []
    for number, state in enumerate(states):
        assert state.offer is not None
        offer = dict(state.offer) | {"revision": 2, "title": f"Observation, revised {chance.randrange(10**6)}"}
        if number % 4 == 0:
            offer["weeks"] = [f"2027-W{week:02}" for week in chance.sample(range(1, 26), 2)]
        known = replace(state.known, revision=2, sequence=state.known.sequence + LIVE)
        record = offer_record(replace(state, known=known, offer=offer))
        partition = partition_of(state.id, PARTITIONS)
        records.append((partition, StoredRecord(0, known.sequence, record.key, record.value)))
    return records


def step_of(records: list[tuple[int, StoredRecord]]) -> list[Chunk]:
    """Consecutive records as a log reader returns them."""
    found = []
    for partition in range(PARTITIONS):
        some = [record for owner, record in records if owner == partition]
        if some:
            found.append(Chunk("offers", partition, some, some[-1].offset + 1))
    return found


async def measure(folder: Path) -> None:
    """Fill a view, then update it."""
    view = await OfferView.open(folder / "offers.sqlite", log_identity="bench", partitions=PARTITIONS)
    begun = time.perf_counter()
    for batch in chunks(LIVE):
        await view.apply(batch)
    await view.settle()
    print(f"{LIVE:,} offers made and applied in {time.perf_counter() - begun:.1f} s")
    records = updates(UPDATES)
    for size, part in zip(STEPS, (records[::2], records[1::2]), strict=True):
        numbered = renumber(part, view.positions)
        taken, used = [], time.process_time()
        begun = time.perf_counter()
        for first in range(0, len(part), size):
            step = step_of(numbered[first : first + size])
            started = time.perf_counter()
            await view.apply(step)
            taken.append(time.perf_counter() - started)
        elapsed, used = time.perf_counter() - begun, time.process_time() - used
        taken.sort()
        print(
            f"steps of {size:>5,}: {len(part) / elapsed:>8,.0f} updates/s, {used / len(part) * 1e6:.0f} µs of processor; "
            f"a step: median {statistics.median(taken) * 1000:.1f} ms, p99 {taken[int(len(taken) * 0.99)] * 1000:.1f}, "
            f"longest {taken[-1] * 1000:.1f} ms",
            flush=True,
        )
    await view.close()


def renumber(part: list[tuple[int, StoredRecord]], positions: tuple[int, ...]) -> list[tuple[int, StoredRecord]]:
    """The same records at the offsets from where the view is."""
    ends = list(positions)
    numbered = []
    for partition, record in part:
        numbered.append((partition, replace(record, offset=ends[partition])))
        ends[partition] += 1
    return numbered


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(Path(name)))
