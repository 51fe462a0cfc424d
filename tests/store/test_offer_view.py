"""The offer view: its content, its consistency after a crash, and the subscribers' filters."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.log.port import Chunk
from gateway.protocol import cursor as cursors
from gateway.protocol.record import StoredRecord
from gateway.protocol.visibility import Filter, Reader
from gateway.store import OfferView
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of

BRETAGNE, NORMANDIE, NATIONAL = Reader("bretagne"), Reader("normandie"), Reader("national")
ALL = Filter()


async def ids(view: OfferView, reader: Reader, criteria: Filter = ALL, *, own: bool = False) -> list[str]:
    states, _ = await view.page(reader=reader, criteria=criteria, after=None, limit=100, own=own)
    return sorted(state.id for state in states)


async def feed(view: OfferView, reader: Reader, criteria: Filter = ALL, limit: int = 100) -> list[tuple[str, str]]:
    start = cursors.start(end=view.positions, now=0, criteria=criteria, reader=reader, log=LOG)
    changes, _, _ = await view.changes(start, reader=reader, criteria=criteria, limit=limit)
    return [(change["op"], change["id"]) for change in changes]


async def reopened(path: Path, log_identity: str = LOG, partitions: int = PARTITIONS) -> tuple[int, tuple[int, ...]]:
    view = await OfferView.open(path, log_identity=log_identity, partitions=partitions)
    count, positions = await view.count("bretagne"), view.positions
    await view.close()
    return count, positions


async def test_live_offers_and_markers_are_known_and_a_tombstone_is_forgotten(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    published = offer_topic.publish(offer_of("bretagne:1"))
    await offers.apply(offer_topic.chunks())
    assert published == await offers.get("bretagne:1")
    marker = offer_topic.withdraw("bretagne:1")
    await offers.apply(offer_topic.chunks())
    assert marker == await offers.get("bretagne:1")
    assert await offers.count("bretagne") == 0
    offer_topic.forget("bretagne:1")
    await offers.apply(offer_topic.chunks())
    assert await offers.get("bretagne:1") is None


async def test_warned_offers_are_counted_by_platform_and_code(offers: OfferView, offer_topic: OfferTopic) -> None:
    """EVO-003: with one of some codes, the first ids beside; none that was withdrawn."""
    for number, warned in enumerate([("a",), ("a", "not-deliverable:b"), ("c",), (), ("a",)]):
        state = offer_topic.publish(offer_of(f"bretagne:{number}"), warned=warned)
    offer_topic.publish(offer_of("normandie:1"), warned=("a",))
    offer_topic.withdraw(state.id)
    await offers.apply(offer_topic.chunks())
    found = await offers.warned("bretagne", [["a"], ["not-deliverable:b", "c"], ["d"]], most=1)
    assert [2, 2, 0] == [number for number, _ in found]
    assert [1, 1, 0] == [len(first) for _, first in found]
    assert {"bretagne:0", "bretagne:1"} == {*(await offers.warned("bretagne", [["a"]], most=9))[0][1]}


async def test_records_applied_before_are_passed_over(offers: OfferView, offer_topic: OfferTopic) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    first = offer_topic.chunks()
    marker = offer_topic.withdraw("bretagne:1")
    await offers.apply(first)
    await offers.apply(offer_topic.chunks())
    await offers.apply(first)
    assert marker == await offers.get("bretagne:1")


async def test_an_empty_chunk_moves_the_position(offers: OfferView) -> None:
    await offers.apply([Chunk("offers", 1, [], 40)])
    assert offers.positions == (0, 40, 0)


async def test_after_a_crash_a_view_is_consistent_and_at_most_behind(
    offers: OfferView, offer_topic: OfferTopic, tmp_path: Path
) -> None:
    for number in range(300):
        offer_topic.publish(offer_of(f"bretagne:{number}"), gap=100)
    await offers.apply(offer_topic.chunks())
    crashed = tmp_path / "crashed"
    shutil.copytree(tmp_path, crashed)  # as kill -9 leaves the files: nothing was closed
    assert (300, offers.positions) == await reopened(crashed / "offers.sqlite")


async def test_a_batch_that_fails_leaves_rows_and_positions_as_they_were(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    for number in range(10):
        offer_topic.publish(offer_of(f"bretagne:{number}"), gap=9_000)
    good = offer_topic.chunks()
    partition = good[0].partition
    bad = StoredRecord(offer_topic.ends[partition] + 1, 0, b"bretagne:bad", b"not what the relay writes")
    with pytest.raises(ValueError):  # noqa: PT011  # orjson's own
        await offers.apply([*good, Chunk("offers", partition, [bad], bad.offset + 1)])
    assert offers.positions == (0,) * PARTITIONS
    assert await ids(offers, NORMANDIE) == []
    await offers.apply(good)
    assert sorted(f"bretagne:{number}" for number in range(10)) == await ids(offers, NORMANDIE)


async def closed(topic: OfferTopic, folder: Path) -> Path:
    """The file of a view with one offer, which is there when it is opened again."""
    path = folder / "view.sqlite"
    view = await OfferView.open(path, log_identity=LOG, partitions=PARTITIONS)
    topic.publish(offer_of("bretagne:1"))
    await view.apply(topic.chunks())
    await view.close()
    assert (1, view.positions) == await reopened(path)
    return path


@pytest.mark.parametrize(("log", "partitions"), [("another-log", PARTITIONS), (LOG, PARTITIONS + 1)])
async def test_another_log_or_partition_count_empties_the_file(
    offer_topic: OfferTopic, tmp_path: Path, log: str, partitions: int
) -> None:
    path = await closed(offer_topic, tmp_path)
    assert (0, (0,) * partitions) == await reopened(path, log, partitions)


async def test_another_format_empties_the_file(offer_topic: OfferTopic, tmp_path: Path) -> None:
    class Later(OfferView):
        FORMAT = OfferView.FORMAT + 1

    path = await closed(offer_topic, tmp_path)
    later = await Later.open(path, log_identity=LOG, partitions=PARTITIONS)
    assert await later.count("bretagne") == 0
    await later.close()


async def test_a_damaged_file_is_rebuilt(tmp_path: Path) -> None:
    path = tmp_path / "view.sqlite"
    path.write_bytes(b"this was never a database " * 1_000)
    assert await reopened(path) == (0, (0,) * PARTITIONS)


async def test_waiters_wake_when_records_are_applied(offers: OfferView, offer_topic: OfferTopic) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    chunks = offer_topic.chunks()
    moved = asyncio.create_task(offers.moved(offers.positions, 30))
    reached = asyncio.create_task(offers.reached(offer_topic.ends, 30))
    await asyncio.sleep(0)
    assert not moved.done()
    await offers.apply(chunks)
    assert tuple(await asyncio.gather(moved, reached)) == (True, True)


async def test_waiting_ends_with_its_timeout(offers: OfferView) -> None:
    assert not await offers.moved(offers.positions, 0.01)
    assert not await offers.reached((1, 1, 1), 0.01)
    assert await offers.reached((0, 0, 0), 0.01)


async def test_redistribution_is_honoured(offers: OfferView, offer_topic: OfferTopic) -> None:
    """RTE-002, in lists and in the feed; the publisher lists its own all the same."""
    offer_topic.publish(offer_of("bretagne:1", redistribution={"regions": False}))
    offer_topic.publish(offer_of("bretagne:2", redistribution={"national": False}))
    await offers.apply(offer_topic.chunks())
    assert await ids(offers, NORMANDIE) == ["bretagne:2"]
    assert await ids(offers, NATIONAL) == ["bretagne:1"]
    assert await feed(offers, NORMANDIE) == [("upsert", "bretagne:2")]
    assert await feed(offers, NATIONAL) == [("upsert", "bretagne:1")]
    assert await ids(offers, BRETAGNE, own=True) == ["bretagne:1", "bretagne:2"]
    assert await ids(offers, BRETAGNE) == []


async def test_an_offer_never_goes_where_it_has_been(offers: OfferView, offer_topic: OfferTopic) -> None:
    """RTE-003: neither to its publisher nor to the platform on whose host it applies."""
    offer_topic.publish(offer_of("bretagne:1"), passed=("normandie",))
    await offers.apply(offer_topic.chunks())
    assert [await ids(offers, reader) for reader in (BRETAGNE, NORMANDIE, NATIONAL)] == [[], [], ["bretagne:1"]]
    assert [await feed(offers, reader) for reader in (BRETAGNE, NORMANDIE)] == [[], []]


async def test_routing_depends_on_the_location_and_not_on_the_publisher(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    """RTE-001."""
    offer_topic.publish(offer_of("bretagne:1"), department="59")
    await offers.apply(offer_topic.chunks())
    assert await ids(offers, NATIONAL, Filter(region=frozenset({"32"}))) == ["bretagne:1"]
    assert await ids(offers, NATIONAL, Filter(region=frozenset({"53"}))) == []


async def test_a_masked_employers_coordinates_find_nothing(offers: OfferView, offer_topic: OfferTopic) -> None:
    """RTE-005: a box must not reveal the location of a masked employer; the publisher's own box does not, either."""
    coordinates = {"latitude": 48.1113, "longitude": -1.6800}
    offer_topic.publish(offer_of("bretagne:masked", location=coordinates, redistribution={"mask_employer": True}))
    offer_topic.publish(offer_of("bretagne:open", location=coordinates))
    await offers.apply(offer_topic.chunks())
    around = Filter(bbox=(-1.69, 48.10, -1.67, 48.12))
    assert await ids(offers, NORMANDIE, around) == ["bretagne:open"]
    assert await feed(offers, NORMANDIE, around) == [("upsert", "bretagne:open")]
    assert await ids(offers, NORMANDIE) == ["bretagne:masked", "bretagne:open"]


@pytest.mark.parametrize("size", [0.01, 0.1, 5.0, 12.7, 12.9, 90.0])
async def test_a_box_of_any_size_finds_its_offers(offers: OfferView, offer_topic: OfferTopic, size: float) -> None:
    """Inside, on its border, beyond it on either axis, and without coordinates."""
    west, south = -1.7, 48.1
    inside = ((south, west), (south + size, west + size), (south + size / 2, west + size / 2))
    outside = ((south - 0.02, west), (south, west - 0.02), (south + size + 0.02, west), (south, west + size + 0.02))
    for number, (latitude, longitude) in enumerate((*inside, *outside)):
        coordinates = {"latitude": round(latitude, 5), "longitude": round(longitude, 5)}
        offer_topic.publish(offer_of(f"bretagne:{number}", location=coordinates))
    offer_topic.publish(offer_of("bretagne:nowhere"))
    await offers.apply(offer_topic.chunks())
    box = tuple(round(edge, 5) for edge in (west, south, west + size, south + size))
    assert [f"bretagne:{number}" for number in range(3)] == await ids(offers, NATIONAL, Filter(bbox=box))  # type: ignore[arg-type]


async def test_no_partition_waits_behind_another(offers: OfferView, offer_topic: OfferTopic) -> None:
    """FEED-001: a page reads from every partition, however much one of them holds."""
    for number in range(300):
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    await offers.apply(offer_topic.chunks())
    start = cursors.start(end=offers.positions, now=0, criteria=ALL, reader=NATIONAL, log=LOG)
    changes, positions, more = await offers.changes(start, reader=NATIONAL, criteria=ALL, limit=30)
    assert (len(changes), more) == (30, True)
    assert all(position > 0 for position in positions)


async def test_a_page_that_finds_little_still_moves_on(offers: OfferView, offer_topic: OfferTopic) -> None:
    """FEED-003: offers of the same cell outside the box are examined and skipped, and the page ends all the same."""
    for number in range(2_000):
        offer_topic.publish(offer_of(f"bretagne:{number}", location={"latitude": 48.19, "longitude": -1.61}))
    offer_topic.publish(offer_of("bretagne:here", location={"latitude": 48.11, "longitude": -1.69}))
    await offers.apply(offer_topic.chunks())
    criteria = Filter(bbox=(-1.7, 48.1, -1.65, 48.15))
    cursor = cursors.start(end=offers.positions, now=0, criteria=criteria, reader=NATIONAL, log=LOG)
    found: list[str] = []
    pages, more = 0, True
    while more:
        changes, positions, more = await offers.changes(cursor, reader=NATIONAL, criteria=criteria, limit=1)
        cursor = replace(cursor, positions=positions)
        pages, found = pages + 1, found + [change["id"] for change in changes]
    assert found == ["bretagne:here"]
    assert pages > 1


async def test_a_snapshot_sees_the_live_offers_accepted_before_its_mark(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    """PUB-021: id and revision of each, from every partition."""
    for number in range(40):
        offer_topic.publish(offer_of(f"bretagne:{number}"), at=number)
    offer_topic.withdraw("bretagne:3")
    offer_topic.publish(offer_of("normandie:1"), at=1)
    await offers.apply(offer_topic.chunks())
    before = {pair async for pair in offers.live_before("bretagne", (20,) * PARTITIONS)}
    assert {(f"bretagne:{number}", 1) for number in range(20) if number != 3} == before
    assert await offers.count("bretagne") == 39


async def test_wiping_empties_rows_positions_and_counts(offers: OfferView, offer_topic: OfferTopic) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    await offers.apply(offer_topic.chunks())
    await offers.wipe((5, 6, 7), 1_000)
    assert (offers.positions, offers.fresh, offers.began) == ((5, 6, 7), 0, 1_000)
    assert await offers.get("bretagne:1") is None
    assert await offers.count("bretagne") == 0


async def test_a_change_during_a_replay_is_returned_once(offers: OfferView, offer_topic: OfferTopic) -> None:
    """FEED-001, FEED-006: below its beginning only what matches, above it everything, and nothing twice."""
    for number in range(10):
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    await offers.apply(offer_topic.chunks())
    cursor = cursors.start(end=offers.positions, now=0, criteria=ALL, reader=NATIONAL, log=LOG)
    page, positions, _ = await offers.changes(cursor, reader=NATIONAL, criteria=ALL, limit=3)
    gone = {change["id"] for change in page}
    for offer_id in gone:
        offer_topic.withdraw(offer_id)
    for number in range(10, 20):
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    await offers.apply(offer_topic.chunks())
    more = True
    while more:
        cursor = replace(cursor, positions=positions)
        changes, positions, more = await offers.changes(cursor, reader=NATIONAL, criteria=ALL, limit=6)
        page += changes
    upserts = [change["id"] for change in page if change["op"] == "upsert"]
    assert sorted(upserts) == sorted(f"bretagne:{number}" for number in range(20))
    assert {change["id"] for change in page if change["op"] == "removal"} == gone
