"""Waiting orders: each is executed once, by whichever owner of the account, and only while it is recent."""

import pytest

from adapters.national.connector.account import ORDER_LIFE_MS, PendingOrders
from adapters.national.delivery.progress import Progress
from gateway.protocol.delivery_order import Placed, Reconcile, Replay, answer_record, order_record
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import DELIVERIES
from tests.national.connector.conftest import Make
from tests.national.connector.harness import document, eventually

pytestmark = pytest.mark.slow

PLACED = Placed("shared", "1", Replay())
OTHER = Placed("shared", "2", Replay())


def heard(*records: Record, at: int = 0) -> PendingOrders:
    orders = PendingOrders("shared")
    for offset, record in enumerate(records):
        orders.apply(StoredRecord(offset, at, record.key, record.value))
    return orders


async def taken(orders: PendingOrders) -> tuple[Placed, bool]:
    progress, too_old = await orders.take()
    return progress.placed, too_old


@pytest.mark.parametrize(
    "rest",
    [
        [answer_record(PLACED, {})],
        [answer_record(PLACED, {}), Record(PLACED.key, None)],
        [Record(PLACED.key, None)],
        [order_record(PLACED), answer_record(PLACED, {})],
    ],
)
async def test_an_order_waits_until_its_answer_or_a_tombstone_is_read(rest: list[Record]) -> None:
    orders = heard(order_record(PLACED), *rest, order_record(OTHER))
    assert (OTHER, False) == await taken(orders)


async def test_orders_of_other_accounts_do_not_wait_here() -> None:
    assert (OTHER, False) == await taken(heard(order_record(Placed("own", "1", Replay())), order_record(OTHER)))


async def test_an_order_that_is_twice_on_the_log_is_executed_once() -> None:
    orders = heard(order_record(PLACED))
    assert (PLACED, False) == await taken(orders)
    for record in (order_record(PLACED), answer_record(PLACED, {}), order_record(OTHER)):
        orders.apply(StoredRecord(9, 0, record.key, record.value))
    assert (OTHER, False) == await taken(orders)


@pytest.mark.parametrize(("age", "too_old"), [(ORDER_LIFE_MS, False), (ORDER_LIFE_MS + 1, True)])
async def test_an_order_is_too_old_by_the_logs_own_time_when_an_owner_begins(age: int, *, too_old: bool) -> None:
    orders = heard(order_record(PLACED), at=5)
    orders.apply(StoredRecord(9, 5 + age, b"turn/shared", None))
    orders.begin()
    assert (PLACED, too_old) == await taken(orders)
    orders.apply(StoredRecord(10, 5 + age, OTHER.key, order_record(OTHER).value))
    orders.apply(StoredRecord(11, 5 + 9 * age, b"turn/shared", None))
    assert (OTHER, False) == await taken(orders)


async def test_an_order_that_was_begun_is_never_too_old() -> None:
    begun: list[Record] = []
    Progress(PLACED).plan(begun.append, [("delete", "a"), ("delete", "b")], answer={})
    orders = heard(order_record(PLACED), *begun, at=5)
    orders.apply(StoredRecord(9, 5 + 2 * ORDER_LIFE_MS, b"turn/shared", None))
    orders.begin()
    progress, too_old = await orders.take()
    assert ([("delete", "a"), ("delete", "b")], False) == (progress.steps, too_old)
    ended: list[Record] = []
    progress.end(ended.append)
    assert {record.key for record in begun} == {record.key for record in ended}
    assert {None} == {record.value for record in ended}


@pytest.mark.parametrize("cleared", [True, False])
async def test_an_answered_order_is_not_carried_out_again_by_the_next_owner(
    make_harness: Make, *, cleared: bool
) -> None:
    harness = await make_harness()
    await harness.deliver(document("bretagne:1"))
    placed = await harness.submit(Reconcile())
    assert 1 == (await harness.answer(placed))["matched"]
    if cleared:
        await harness.log.append(DELIVERIES, partition_of("shared", harness.log.partitions), [Record(placed.key, None)])
    pages = harness.calls("GET")
    assert pages > 0
    await harness.stop()
    await harness.start()
    assert 0 == (await harness.order(Replay()))["replayed"]  # orders follow one another: an earlier one would be done
    assert pages == harness.calls("GET")


async def test_an_order_that_waited_too_long_is_answered_and_not_executed(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0)
    placed = await harness.submit(Reconcile(repair=True))
    await eventually(lambda: harness.time.clock() >= harness.time.start + 3 * ORDER_LIFE_MS)
    await harness.start()
    assert {"error": "order-too-old"} == await harness.answer(placed)
    assert 0 == harness.calls("GET")
    assert 0 == (await harness.order(Reconcile()))["listed"]
