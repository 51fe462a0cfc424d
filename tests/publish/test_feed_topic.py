"""Feed topics on a log in memory: filtered, masked, rebuilt when the territory changes, exactly once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.log.positions import Positions
from gateway.partners import Partners
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import OfferState, Record, offer_record, position_record
from gateway.protocol.submission import Known, Reason
from gateway.protocol.topic import COMMON, FEED, OFFERS, POSITIONS, feed
from gateway.protocol.visibility import VISIBILITY_RULES
from gateway.publish.subscriber_topics import feed_scope, subscribes, write_feeds
from tests.harness import records_of, running
from tests.memory_log import MemoryLog, WriteFault

pytestmark = pytest.mark.smoke

NATIONAL = Partner(platform="national", name="Site national", scopes=frozenset({"offers:read"}), feed=True)
TOPIC = FEED + "national"


def state(
    number: int, sequence: int, *, reason: Reason | None = None, department: str = "35", **offer: Any
) -> OfferState:
    document = None if reason else {"title": str(sequence), "employer": {"name": "Atelier"}, "location": {}, **offer}
    known = Known(
        revision=sequence,
        digest="aa",
        sequence=sequence,
        position=0,
        appended_at=1_796_000_000_000,
        reason=reason,
        provenance=("bretagne",),
        shared=frozenset({"regions", "national"}),
    )
    territory = None if reason else {"department": department, "region": "53", "academie": "rennes"}
    return OfferState(f"bretagne:{number}", known, document, territory)


@pytest.fixture
async def log() -> AsyncIterator[MemoryLog]:
    memory = MemoryLog()
    await memory.create_topics([*COMMON, feed("national")])
    yield memory
    await memory.close()


async def write(log: MemoryLog, *states: OfferState) -> None:
    for one in states:
        await log.append(OFFERS, partition_of(one.id, log.partitions), [offer_record(one)])


@asynccontextmanager
async def feeding(log: MemoryLog) -> AsyncIterator[Partners]:
    async with Partners(log).caught_up_once() as partners:
        await partners.save(NATIONAL)
        async with running(write_feeds(log, partners)):
            yield partners


async def held(log: MemoryLog) -> dict[str, dict[str, Any]]:
    """The final copy of a subscriber."""
    offers: dict[str, dict[str, Any]] = {}
    for record in await records_of(log, TOPIC):
        assert record.key is not None
        if record.value is None:
            offers.pop(record.key.decode(), None)
        else:
            offers[record.key.decode()] = orjson.loads(record.value)
    return offers


async def until_held(log: MemoryLog, expected: dict[str, int]) -> None:
    async with asyncio.timeout(60):
        while {key: change["sequence"] for key, change in (await held(log)).items()} != expected:
            await asyncio.sleep(0.02)


async def test_a_subscriber_gets_live_offers_then_changes_then_removals(log: MemoryLog) -> None:
    """[FEED-011]."""
    await write(log, state(1, 5), state(2, 6), state(3, 7, reason="filled"))
    async with feeding(log):
        await until_held(log, {"bretagne:1": 5, "bretagne:2": 6})
        assert len(await records_of(log, TOPIC)) == 2
        await write(log, state(1, 8), state(2, 9, reason="filled"))
        await until_held(log, {"bretagne:1": 8})
    last = next(record for record in reversed(await records_of(log, TOPIC)) if record.value is None)
    assert (last.key, last.header("ce_sequence"), last.header("ce_reason")) == (b"bretagne:2", "9", "filled")


async def test_a_feed_is_masked_and_keeps_to_redistribution(log: MemoryLog) -> None:
    """[RTE-002] [RTE-005] [FEED-007]."""
    await write(
        log, state(1, 5, redistribution={"mask_employer": True}), state(2, 6, redistribution={"national": False})
    )
    async with feeding(log):
        await until_held(log, {"bretagne:1": 5})
        assert (await held(log))["bretagne:1"]["offer"]["employer"] == {}


async def test_a_changed_territory_rebuilds_the_feed(log: MemoryLog) -> None:
    """[FEED-012]: offers outside of it are removed, offers inside appear; and back again."""
    await write(log, state(1, 5, department="35"), state(2, 6, department="29"))
    async with feeding(log) as partners:
        await until_held(log, {"bretagne:1": 5, "bretagne:2": 6})
        await partners.save(replace(NATIONAL, territory=frozenset({"35"})))
        await until_held(log, {"bretagne:1": 5})
        await write(log, state(2, 7, department="29"), state(1, 8))
        await until_held(log, {"bretagne:1": 8})
        await partners.save(NATIONAL)
        await until_held(log, {"bretagne:1": 8, "bretagne:2": 7})


async def rendered_under(log: MemoryLog, rules: int) -> None:
    """One offer on the log, and its record on the topic as other visibility rules had shown it."""
    one = state(1, 5, redistribution={"mask_employer": True})
    await write(log, one)
    partition = partition_of(one.id, log.partitions)
    await log.append(TOPIC, partition, [Record(one.id.encode(), orjson.dumps({"sequence": 5, "offer": one.offer}))])
    scope = feed_scope(NATIONAL).partition("~")[0] + f"~{rules}"
    ends = await log.ends(OFFERS)
    await log.append(POSITIONS, partition, [position_record(scope, partition, ends[partition])])


async def test_earlier_visibility_rules_render_the_topic_again(log: MemoryLog) -> None:
    """[RTE-014]: what they had shown is replaced."""
    await rendered_under(log, VISIBILITY_RULES - 1)
    assert {"name": "Atelier"} == (await held(log))["bretagne:1"]["offer"]["employer"]
    async with feeding(log):
        async with asyncio.timeout(60):
            while (await held(log))["bretagne:1"]["offer"]["employer"] != {}:
                await asyncio.sleep(0.02)
        await write(log, state(2, 6))
        await until_held(log, {"bretagne:1": 5, "bretagne:2": 6})
    assert len(await records_of(log, TOPIC)) == 3


async def test_a_topic_of_later_visibility_rules_is_left_to_a_later_version(log: MemoryLog) -> None:
    """[RTE-014]: this version would show what the later one hides; partitions without such a scope go on."""
    await rendered_under(log, VISIBILITY_RULES + 1)
    other = next(number for number in range(2, 99) if _partition(number) != _partition(1))
    same = next(number for number in range(2, 99) if _partition(number) == _partition(1))
    async with feeding(log):
        await write(log, state(same, 6), state(other, 7))
        await until_held(log, {"bretagne:1": 5, f"bretagne:{other}": 7})
        assert len(await records_of(log, TOPIC)) == 2


def _partition(number: int) -> int:
    return partition_of(f"bretagne:{number}", MemoryLog().partitions)


@pytest.mark.parametrize("fault", list(WriteFault))
async def test_a_feed_holds_each_change_once_whatever_the_outcome_of_its_commits(
    log: MemoryLog, fault: WriteFault
) -> None:
    """[FEED-011]."""
    await write(log, *(state(number, 5) for number in range(30)))
    async with feeding(log):
        log.inject(fault, fault)
        await until_held(log, {f"bretagne:{number}": 5 for number in range(30)})
        await log.deliver()
    seen = [(record.key, record.header("ce_sequence")) for record in await records_of(log, TOPIC)]
    assert len(seen) == len(set(seen)) == 30


async def test_a_feed_resumes_at_its_position(log: MemoryLog) -> None:
    """[FEED-011]: a restart neither repeats nor skips."""
    await write(log, state(1, 5))
    async with feeding(log):
        await until_held(log, {"bretagne:1": 5})
    await write(log, state(2, 6))
    async with feeding(log):
        await until_held(log, {"bretagne:1": 5, "bretagne:2": 6})
    assert len(await records_of(log, TOPIC)) == 2


async def test_the_position_of_a_feed_is_found_by_its_partner(log: MemoryLog) -> None:
    """The position reaches the end of the offers; another territory has none yet."""
    await write(log, state(1, 5))
    async with feeding(log):
        await until_held(log, {"bretagne:1": 5})
    positions = Positions(log)
    await positions.catch_up()
    await positions.close()
    assert tuple(await log.ends(OFFERS)) == positions.of(feed_scope(NATIONAL))
    assert {0} == set(positions.of(feed_scope(replace(NATIONAL, territory=frozenset({"35"})))))


@pytest.mark.parametrize(
    ("scopes", "feed", "expected"), [("read", True, True), ("read", False, False), ("publish", True, False)]
)
def test_a_subscriber_by_kafka_may_read_and_has_a_topic(*, scopes: str, feed: bool, expected: bool) -> None:
    partner = Partner(platform="x", name="X", scopes=frozenset({f"offers:{scopes}"}), feed=feed)
    assert expected == subscribes(partner)


async def test_a_forgotten_marker_writes_no_change(log: MemoryLog) -> None:
    await write(log, state(1, 5))
    async with feeding(log):
        await until_held(log, {"bretagne:1": 5})
        await write(log, state(1, 6, reason="filled"))
        await log.append(OFFERS, partition_of("bretagne:1", 3), [Record(b"bretagne:1", None)])
        await write(log, state(2, 7))
        await until_held(log, {"bretagne:2": 7})
    assert len(await records_of(log, TOPIC)) == 3
