"""Snapshots while the clock is ahead, corrected, or set back: marks grow, and none blocks the next."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from gateway.ingest.snapshot import MARK_LIFE_MS, SnapshotRefusedError
from gateway.protocol.identity import partition_of
from gateway.protocol.record import position_record
from gateway.protocol.seal import Seal
from gateway.protocol.topic import COMMON, POSITIONS, SUBMISSIONS
from tests.ingest.snapshot.test_snapshot import Set, SnapshotHarness

MINUTE = 60_000
DAY = 24 * 3_600_000
JUMPS = (5 * MINUTE, DAY, 365 * DAY)
"""How far the clock was ahead."""


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[SnapshotHarness]:
    here = SnapshotHarness(tmp_path)
    await here.open()
    yield here
    await here.close()


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_mark_taken_when_the_clock_is_right_again_is_not_stale(harness: SnapshotHarness, jump: int) -> None:
    """[PUB-022] Begun and applied while the clock was ahead; afterwards every snapshot works at once."""
    harness.now += jump
    assert 0 == await harness.apply(await harness.mark(), Set([1, 2]))
    harness.now -= jump
    for numbers in ([1, 2, 3], [3, 4], [4]):
        await harness.apply(await harness.mark(), Set(numbers, revision=2))
        await harness.live_is(*numbers)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_mark_taken_ahead_serves_when_the_clock_is_right(harness: SnapshotHarness, jump: int) -> None:
    harness.now += jump
    mark = await harness.mark()
    harness.now -= jump
    await harness.apply(mark, Set([1]))
    await harness.live_is(1)


async def test_marks_keep_their_order_though_the_clock_goes_back(harness: SnapshotHarness) -> None:
    """[PUB-022] The earlier mark is stale once the later one was applied, whatever their instants say."""
    harness.now += DAY
    earlier = await harness.mark()
    harness.now -= DAY
    later = await harness.mark()
    await harness.apply(later, Set([1]))
    with pytest.raises(SnapshotRefusedError, match="stale-mark"):
        await harness.apply(earlier, Set([2]))
    await harness.apply(await harness.mark(), Set([1, 2]))
    await harness.live_is(1, 2)


async def test_marks_of_two_replicas_are_ordered_by_the_log(harness: SnapshotHarness) -> None:
    """The other replica, with the right clock, numbers its marks above those of the one that was ahead."""
    harness.now += DAY
    await harness.mark()
    await harness.lose("positions")  # nothing in memory shows it
    harness.snapshots._issued.clear()
    harness.snapshots._positions.state = {}
    harness.snapshots._positions.caught_up = False
    harness.now -= DAY
    assert harness.snapshots.read(await harness.mark(), platform="bretagne").number > harness.now


async def test_a_mark_from_a_clock_that_was_set_back_ends_a_day_after_it_was_issued(harness: SnapshotHarness) -> None:
    """[PUB-021] The life of a mark is counted from its instant, not from its number."""
    harness.now += 365 * DAY
    await harness.apply(await harness.mark(), Set([1]))
    harness.now -= 365 * DAY
    mark = await harness.mark()
    harness.snapshots.read(mark, platform="bretagne")
    harness.now += MARK_LIFE_MS + 1
    with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
        harness.snapshots.read(mark, platform="bretagne")


async def test_a_mark_ends_when_retention_has_overtaken_it_whatever_its_clock_said(harness: SnapshotHarness) -> None:
    """[PUB-021] Issued a year ahead of the clock, and used after the log has deleted the records that followed it."""
    harness.now += 365 * DAY
    mark = await harness.mark()
    harness.now -= 365 * DAY
    await harness.send(1)
    harness.now += 31 * DAY
    await harness.log.maintain(COMMON, now=harness.now)
    assert any(await harness.log.starts(SUBMISSIONS))
    with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
        await harness.apply(mark, Set([1]))
    await harness.apply(await harness.mark(), Set([1, 2]))
    await harness.live_is(1, 2)


async def test_marks_and_positions_of_an_older_gateway_are_read(harness: SnapshotHarness) -> None:
    """Its marks have no number beside their instant, and its positions may lie ahead of the clock."""
    ends = list(await harness.log.ends(SUBMISSIONS))
    old = Seal(b"k" * 32, purpose="mark").close(orjson.dumps(["bretagne", harness.now, ends]))
    await harness.apply(old, Set([1]))
    await harness.live_is(1)
    home = partition_of("bretagne", 3)
    ahead = harness.now + 365 * DAY
    for name in ("snapshot.bretagne", "begun.snapshot.bretagne"):
        await harness.log.append(POSITIONS, home, [position_record(name, home, ahead)])
    harness.snapshots._positions.caught_up = False
    await harness.apply(await harness.mark(), Set([1, 2]))
    await harness.live_is(1, 2)


async def test_an_older_gateway_reads_marks_of_a_clock_that_never_went_back(harness: SnapshotHarness) -> None:
    """It knows three members, of which the second is the instant."""
    payload = Seal(b"k" * 32, purpose="mark").open(await harness.mark())
    assert ["bretagne", harness.now, list(await harness.log.ends(SUBMISSIONS))] == orjson.loads(payload or b"")
