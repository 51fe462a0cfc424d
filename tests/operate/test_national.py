"""Orders to the owner of an account at the national site: one act, one answer, and what the journal says of both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.journal import Journal, read_journal
from gateway.operate.national import (
    RefusedOrderError,
    account_for,
    answer_to,
    answered_so_far,
    carry_out,
    platform_in,
    read_delivery_status,
)
from gateway.partners import Partners
from gateway.protocol.delivery_order import (
    Adopt,
    Erase,
    Order,
    Reconcile,
    Replay,
    answer_record,
    note_record,
    read_order,
)
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import Actor, JournalEntry, JournalFilter
from gateway.protocol.topic import COMMON, DELIVERIES
from tests.harness import SECRET, records_of, running
from tests.memory_log import MemoryLog

NOTES = {"own": {"platforms": ["bretagne"]}, "shared": {"platforms": ["*"]}}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    log = MemoryLog()
    await log.create_topics(COMMON)
    async with Partners(log).caught_up_once() as partners:
        journal = Journal(log, secret=SECRET)
        yield Desk(log=log, partners=partners, journal=journal, actor=Actor(client="exploitation"), why="Asked for")
        await journal.close()


@asynccontextmanager
async def owner(desk: Desk, answer: Mapping[str, Any]) -> AsyncIterator[None]:
    """An owner that answers every order of the account shared."""
    home = partition_of("shared", desk.log.partitions)

    async def serve() -> None:
        async with desk.log.reader({(DELIVERIES, home): 0}) as reader:
            while True:
                for chunk in await reader.poll(limit=100, wait=1.0):
                    for record in chunk.records:
                        placed = None if record.value is None else read_order(record.key or b"", record.value)
                        if placed is not None and placed.answer is None:
                            await desk.log.append(DELIVERIES, home, [answer_record(placed, answer)])

    async with running(serve()):
        yield


async def entries(desk: Desk) -> list[JournalEntry]:
    return list(await read_journal(desk.log, JournalFilter(), most=10))[::-1]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Replay(), [("national.replay", "shared", {})]),
        (
            Replay(tuple(f"normandie:{n}" for n in range(30))),
            [("national.replay", "shared", {"offers": [f"normandie:{n}" for n in range(20)], "number": 30})],
        ),
        (Adopt("normandie", apply=True), [("national.adopt", "normandie", {"account": "shared"})]),
        (Erase("normandie:1"), [("national.erase", "normandie:1", {"account": "shared"})]),
        (Reconcile(repair=True), [("national.reconcile", "shared", {})]),
        (Adopt("normandie"), []),
        (Reconcile(), []),
    ],
    ids=repr,
)
async def test_an_order_that_changes_something_is_an_entry(
    desk: Desk, order: Order, expected: list[tuple[str, str, Mapping[str, Any]]]
) -> None:
    async with owner(desk, {"done": 3}):
        ordered = await carry_out(desk, order, account="shared", seconds=20)
    assert {"done": 3} == ordered.placed.answer
    found = await entries(desk)
    assert expected == [(entry.act, entry.about, entry.details) for entry in found]
    assert all(("exploitation", "Asked for") == (entry.client, entry.why) for entry in found)
    assert (await records_of(desk.log, DELIVERIES))[-1].value is None


async def test_an_order_that_its_owner_refuses_did_not_happen(desk: Desk) -> None:
    async with owner(desk, {"error": "site-unavailable"}):
        with pytest.raises(RefusedOrderError, match="site-unavailable"):
            await carry_out(desk, Replay(), account="shared", seconds=20)
    done, undone = await entries(desk)
    assert (done.number, None) == (undone.failed, done.failed)


async def test_an_order_without_an_answer_stays_with_its_owner(desk: Desk) -> None:
    ordered = await carry_out(desk, Replay(), account="shared", seconds=0.01)
    assert ordered.placed.answer is None
    assert [None] == [entry.failed for entry in await entries(desk)]
    assert ordered == await answered_so_far(desk.log, ordered)
    async with owner(desk, {"replayed": 2}):
        answered = await answer_to(desk.log, ordered, seconds=20)
    assert {"replayed": 2} == answered.placed.answer
    assert answered == await answered_so_far(desk.log, ordered)


@pytest.mark.parametrize(
    ("account", "order", "expected"),
    [
        (None, Adopt("bretagne"), "own"),
        (None, Erase("normandie:1"), "shared"),
        (None, Replay(("bretagne:1", "bretagne:2")), "own"),
        ("shared", Reconcile(), "shared"),
        ("shared", Adopt("bretagne"), "shared"),
    ],
)
def test_an_order_goes_to_the_account_of_its_platform(account: str | None, order: Order, expected: str) -> None:
    assert expected == account_for(NOTES, account=account, platform=platform_in(order))


@pytest.mark.parametrize(("notes", "account"), [({}, None), (NOTES, "unknown"), (NOTES, None)])
def test_an_order_without_a_known_account_is_refused(
    notes: Mapping[str, Mapping[str, Any]], account: str | None
) -> None:
    with pytest.raises(RefusedActError, match="No known account"):
        account_for(notes, account=account, platform=None)


def test_the_only_account_needs_no_name() -> None:
    assert "own" == account_for({"own": {}}, account=None, platform=None)


async def test_the_status_has_the_newest_note_of_each_account(desk: Desk) -> None:
    home = partition_of("shared", desk.log.partitions)
    for down in (True, False):
        await desk.log.append(DELIVERIES, home, [note_record("shared", {"down": down})])
    assert {"shared": {"down": False}} == (await read_delivery_status(desk.log)).notes
