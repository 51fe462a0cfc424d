"""Refusals of an inbox: their cost is bounded, by message and by day, and accepted messages are never affected."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.log.positions import Positions
from gateway.protocol.receipt import MAX_REFUSAL_BYTES_PER_DAY, MAX_REFUSALS_PER_DAY, Refusals, refusals_key, unlisted
from gateway.protocol.record import Record, read_submission
from gateway.protocol.topic import INBOX, POSITIONS, RECEIPTS, REJECTED, SUBMISSIONS
from tests.harness import OFFER
from tests.ingest.intake.test_intake import intake, log, message, until, values
from tests.memory_log import MemoryLog, WriteFault

pytestmark = pytest.mark.slow

__all__ = ["log"]

UNKNOWN_FIELDS = {f"field{number}": 1 for number in range(500)}
SHARE = -(-MAX_REFUSALS_PER_DAY // 3)
DAY = 20261130


async def send(log: MemoryLog, records: Sequence[Record], partition: int = 0) -> None:
    for first in range(0, len(records), 200):
        await log.append(INBOX + "bretagne", partition, records[first : first + 200])


async def settled(log: MemoryLog, count: int, partition: int = 0) -> Refusals:
    """Wait until this many messages of the inbox have been read."""
    positions = Positions(log)
    watching = asyncio.create_task(positions.run())
    topic = INBOX + "bretagne"
    vector = [count if number == partition else 0 for number in range(3)]
    assert await positions.reached(topic, vector, timeout=60)
    watching.cancel()
    return Refusals.from_number(positions.of(refusals_key(topic))[partition])


async def stored(log: MemoryLog) -> int:
    """The bytes of everything that came of the inbox."""
    found = [await values(log, topic) for topic in (REJECTED, RECEIPTS, POSITIONS, SUBMISSIONS)]
    return sum(len(value or b"") for one in found for value in one)


async def test_a_receipt_has_the_first_problems_the_numbers_by_code_and_the_digest(log: MemoryLog) -> None:
    """[PUB-035]: a hundred problems took 50 kB, twice."""
    raw = orjson.dumps({**OFFER, **UNKNOWN_FIELDS})
    await send(log, [message(value=raw)])
    async with intake(log):
        (receipt,) = await until(log, RECEIPTS, 1)
    refusal = orjson.loads(receipt)
    assert len(refusal["problems"]) == 10
    assert refusal["codes"]["field-unknown"] == 100
    assert refusal["message"] == {"sha256": sha256(raw).hexdigest(), "bytes": len(raw)}
    assert len(receipt) < 10_000


async def test_the_copy_of_a_refused_message_is_bounded(log: MemoryLog) -> None:
    """[PUB-035]"""
    await send(log, [message(value=b"x" * 1_000_000)])
    async with intake(log):
        (copy,) = await until(log, REJECTED, 1)
    assert len(orjson.loads(copy)["body"]) == 10_000


@pytest.mark.parametrize("size", [10, 500, 5_000], ids=lambda size: f"{size} bytes")
async def test_a_flood_of_refused_messages_writes_little(log: MemoryLog, size: int) -> None:
    """[PUB-035]: 8 MB of them wrote 840 MB. Beyond the day's budget only their number is kept."""
    count = 800
    flood = [message(value=orjson.dumps({"id": "bretagne:1", "a": "x" * size}))] * count
    await send(log, flood)
    async with intake(log):
        state = await settled(log, count)
    assert state == Refusals(DAY, state.listed, state.size, count - state.listed)
    assert state.listed <= SHARE
    assert len(await values(log, REJECTED)) == state.listed
    assert await stored(log) < MAX_REFUSAL_BYTES_PER_DAY / 3 + 100_000


async def test_few_receipts_report_the_number_of_the_rest(log: MemoryLog) -> None:
    """[PUB-035]: at the 1st, 10th, 100th … one."""
    await send(log, [message(kind=None)] * (SHARE + 150))
    async with intake(log):
        state = await settled(log, SHARE + 150)
    assert state.unlisted == 150
    refusal = [orjson.loads(value) for value in await values(log, RECEIPTS)]
    summaries = [one for one in refusal if one["problems"][0]["code"] == "inbox-refusals-unlisted"]
    assert ["1", "10", "100"] == [one["problems"][0]["message"]["en"].split()[6] for one in summaries]
    assert len(refusal) == SHARE + 3
    assert all("id" not in one for one in summaries)


async def test_accepted_messages_are_never_affected(log: MemoryLog) -> None:
    """[PUB-035]: each comes through, before, within and behind a flood that is beyond the budget."""
    good = [message(f"bretagne:{n}", {**OFFER, "id": f"bretagne:{n}"}) for n in range(30)]
    flood = [message(kind=None)] * 20
    batch = [record for one in good for record in (one, *flood)]
    await send(log, batch)
    async with intake(log):
        await settled(log, len(batch))
    taken = {read_submission(value).id for value in await values(log, SUBMISSIONS)}
    assert taken == {f"bretagne:{n}" for n in range(30)}


@pytest.mark.parametrize("fault", list(WriteFault))
async def test_a_chunk_that_is_read_again_gets_the_same_receipts(log: MemoryLog, fault: WriteFault) -> None:
    """[RCP-004] [PUB-035]: the budget is committed with the refusals."""
    await send(log, [message(kind=None)] * (SHARE + 20))
    async with intake(log):
        log.inject(fault, fault)
        state = await settled(log, SHARE + 20)
        await log.deliver()
    assert (state.listed, state.unlisted) == (SHARE, 20)
    ids = Counter(orjson.loads(value)["receipt"] for value in await values(log, RECEIPTS))
    assert (len(ids), set(ids.values())) == (SHARE + 2, {1})


async def test_another_partition_has_its_own_share(log: MemoryLog) -> None:
    """[PUB-035]: the budget is shared equally."""
    await send(log, [message(kind=None)] * (SHARE + 5))
    await send(log, [message(kind=None)], partition=1)
    async with intake(log):
        await settled(log, SHARE + 5)
        state = await settled(log, 1, partition=1)
    assert (state.listed, state.unlisted) == (1, 0)


async def test_a_header_name_that_is_not_utf8_refuses_its_message(log: MemoryLog) -> None:
    """[PUB-031]: its bytes are replaced by U+FFFD."""
    odd = Record(b"bretagne:1", orjson.dumps(OFFER), (("ce_type", b"fr.stages.offer.published.v1"), ("\ufffd", b"")))
    await send(log, [odd])
    async with intake(log):
        (receipt,) = await until(log, RECEIPTS, 1)
    refusal = orjson.loads(receipt)
    assert (refusal["id"], [one["code"] for one in refusal["problems"]]) == ("bretagne:1", ["inbox-header"])


@given(*[st.integers(0, 10**11)] * 4)
def test_the_state_is_one_number(day: int, listed: int, size: int, unlisted: int) -> None:
    """[PUB-035]"""
    state = Refusals(day, listed, size, unlisted)
    assert Refusals.from_number(state.to_number()) == state


def test_the_last_day_counts() -> None:
    """What ``/metrics`` and ``GET /v1/platforms`` give: a partition without refusals today has none."""
    states = [Refusals(DAY, 3, 9, 40), Refusals(DAY, 3, 9, 2), Refusals(DAY - 1, 3, 9, 500), Refusals()]
    assert unlisted(state.to_number() for state in states) == 42
    assert unlisted([0, 0, 0]) == 0


def test_each_day_begins_with_the_whole_budget() -> None:
    """[PUB-035]; a time stamp that goes back belongs to the day before."""
    spent = Refusals(DAY, SHARE, 0, 7)
    assert not spent.on(DAY).has_room(3)
    assert spent.on(DAY - 1) == spent
    assert spent.on(DAY + 1) == Refusals(DAY + 1)
    assert not Refusals(DAY, 1, MAX_REFUSAL_BYTES_PER_DAY // 3 + 1).has_room(3)
