"""The connector's waits while the clock is ahead and corrected: calls, retries, orders and rate continue at once."""

from pathlib import Path

import pytest

from adapters.national.connector.account import PendingOrders
from adapters.national.delivery.outbox import Outbox
from adapters.national.site.client import SiteToken
from adapters.national.site.timing import TRIPS_AFTER, Breaker, Rate
from gateway.protocol.delivery_order import Placed, Replay, order_record
from gateway.protocol.record import StoredRecord
from tests.clock import ManualClock

pytestmark = pytest.mark.slow

START = 1_796_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
JUMPS = (DAY, 365 * DAY)


@pytest.mark.parametrize("jump", JUMPS)
async def test_calls_continue_within_two_minutes(jump: int) -> None:
    clock = ManualClock(START + 30_000)
    rate = Rate(clock=clock, sleep=clock.sleep)
    clock.now += jump
    await rate.wait_for_slot()
    clock.now -= jump
    await rate.wait_for_slot()
    assert clock.elapsed() < 120_000


@pytest.mark.parametrize("jump", JUMPS)
def test_the_breaker_lets_a_call_through(jump: int) -> None:
    breaker = Breaker(lambda: 1.0)
    for _ in range(TRIPS_AFTER):
        breaker.failed(START + jump)
    assert 0 == breaker.wait(START)
    assert 30_000 == breaker.wait(START + jump)


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("reopened", [False, True])
def test_calls_and_retries_of_a_clock_ahead_are_due(tmp_path: Path, jump: int, *, reopened: bool) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(path, log="L")
    ahead = START + jump
    assert [] == outbox.ready(ahead, limit=9)
    for name in ("bretagne:new", "bretagne:again"):
        outbox.enqueue(name, "lycee", rank=1, not_before=ahead, now=ahead)
    outbox.put_off("bretagne:again", "lycee", until=ahead + HOUR, tries=2, failures=2)
    outbox.keep({})
    if reopened:
        outbox.close()
        outbox = Outbox(path, log="L")
    assert ["bretagne:again", "bretagne:new"] == sorted(entry.id for entry in outbox.ready(START, limit=9))
    outbox.close()


def test_a_retry_keeps_its_time_when_the_clock_is_right(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite", log="L")
    outbox.enqueue("bretagne:1", "lycee", rank=1, not_before=START, now=START)
    assert ["bretagne:1"] == [entry.id for entry in outbox.ready(START, limit=9)]
    outbox.put_off("bretagne:1", "lycee", until=START + HOUR, tries=1, failures=1)
    assert [] == outbox.ready(START + HOUR - 1, limit=9)
    assert ["bretagne:1"] == [entry.id for entry in outbox.ready(START + HOUR, limit=9)]
    outbox.close()


async def test_a_token_of_a_clock_ahead_is_renewed() -> None:
    clock, logins = ManualClock(START + 30_000), 0

    async def login() -> str:
        nonlocal logins
        logins += 1
        return str(logins)

    token = SiteToken(login, clock=clock)
    clock.now += 365 * DAY
    assert "1" == await token.get()
    clock.now -= 365 * DAY
    assert ["2", "2"] == [await token.get(), await token.get()]


async def test_an_order_is_not_too_old_because_the_log_once_had_a_clock_ahead() -> None:
    """The owner begins after a record of the future; orders that come later are carried out."""
    orders = PendingOrders("shared")
    orders.apply(StoredRecord(1, START + DAY, b"turn/shared", None))
    orders.begin()
    placed = Placed("shared", "1", Replay())
    record = order_record(placed)
    orders.apply(StoredRecord(2, START, record.key, record.value))
    progress, too_old = await orders.take()
    assert (placed, False) == (progress.placed, too_old)
