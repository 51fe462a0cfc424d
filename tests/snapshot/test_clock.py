"""Snapshots while the clock is ahead, set right, or set back: marks grow, and none blocks the next."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from gateway.ingest.snapshot import MARK_LIFE_MS, SnapshotRefusedError
from gateway.protocol.identity import partition_of
from gateway.protocol.record import position_record
from gateway.protocol.seal import Seal
from gateway.protocol.topic import COMMON, POSITIONS, SUBMISSIONS
from tests.snapshot.test_snapshot import House, Set

MINUTE = 60_000
DAY = 24 * 3_600_000
JUMPS = (5 * MINUTE, DAY, 365 * DAY)
"""How far the clock was ahead."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    here = House(tmp_path)
    await here.open()
    yield here
    await here.close()


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_mark_taken_when_the_clock_is_right_again_is_not_stale(house: House, jump: int) -> None:
    """[PUB-022] Begun and applied while the clock was ahead; afterwards every snapshot goes on at once."""
    house.now += jump
    assert 0 == await house.apply(await house.mark(), Set([1, 2]))
    house.now -= jump
    for numbers in ([1, 2, 3], [3, 4], [4]):
        await house.apply(await house.mark(), Set(numbers, revision=2))
        await house.live_is(*numbers)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_mark_taken_ahead_serves_when_the_clock_is_right(house: House, jump: int) -> None:
    house.now += jump
    mark = await house.mark()
    house.now -= jump
    await house.apply(mark, Set([1]))
    await house.live_is(1)


async def test_marks_keep_their_order_though_the_clock_goes_back(house: House) -> None:
    """[PUB-022] The earlier mark is stale once the later one was applied, whatever their instants say."""
    house.now += DAY
    earlier = await house.mark()
    house.now -= DAY
    later = await house.mark()
    await house.apply(later, Set([1]))
    with pytest.raises(SnapshotRefusedError, match="stale-mark"):
        await house.apply(earlier, Set([2]))
    await house.apply(await house.mark(), Set([1, 2]))
    await house.live_is(1, 2)


async def test_marks_of_two_replicas_are_ordered_by_the_log(house: House) -> None:
    """The other replica, with the right clock, numbers its marks above those of the one that was ahead."""
    house.now += DAY
    await house.mark()
    await house.lose("positions")  # nothing in memory tells of it
    house.snapshots._issued.clear()
    house.snapshots._positions.state = {}
    house.snapshots._positions.caught_up = False
    house.now -= DAY
    assert house.snapshots.read(await house.mark(), platform="bretagne").number > house.now


async def test_a_mark_from_a_clock_that_was_set_back_ends_a_day_after_it_was_issued(house: House) -> None:
    """[PUB-021] The life of a mark is counted from its instant, not from its number."""
    house.now += 365 * DAY
    await house.apply(await house.mark(), Set([1]))
    house.now -= 365 * DAY
    mark = await house.mark()
    house.snapshots.read(mark, platform="bretagne")
    house.now += MARK_LIFE_MS + 1
    with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
        house.snapshots.read(mark, platform="bretagne")


async def test_a_mark_ends_when_retention_has_overtaken_it_whatever_its_clock_said(house: House) -> None:
    """[PUB-021] Issued a year ahead of the clock, and used after the log has let go of what followed it."""
    house.now += 365 * DAY
    mark = await house.mark()
    house.now -= 365 * DAY
    await house.send(1)
    house.now += 31 * DAY
    await house.log.maintain(COMMON, now=house.now)
    assert any(await house.log.starts(SUBMISSIONS))
    with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
        await house.apply(mark, Set([1]))
    await house.apply(await house.mark(), Set([1, 2]))
    await house.live_is(1, 2)


async def test_marks_and_positions_of_an_older_gateway_are_read(house: House) -> None:
    """Its marks have no number beside their instant, and its positions may lie ahead of the clock."""
    ends = list(await house.log.ends(SUBMISSIONS))
    old = Seal(b"k" * 32, purpose="mark").close(orjson.dumps(["bretagne", house.now, ends]))
    await house.apply(old, Set([1]))
    await house.live_is(1)
    home = partition_of("bretagne", 3)
    ahead = house.now + 365 * DAY
    for name in ("snapshot.bretagne", "begun.snapshot.bretagne"):
        await house.log.append(POSITIONS, home, [position_record(name, home, ahead)])
    house.snapshots._positions.caught_up = False
    await house.apply(await house.mark(), Set([1, 2]))
    await house.live_is(1, 2)


async def test_an_older_gateway_reads_marks_of_a_clock_that_never_went_back(house: House) -> None:
    """It knows three members, of which the second is the instant."""
    payload = Seal(b"k" * 32, purpose="mark").open(await house.mark())
    assert ["bretagne", house.now, list(await house.log.ends(SUBMISSIONS))] == orjson.loads(payload or b"")
