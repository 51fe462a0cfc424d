"""``/v1/national``: status of deliveries, and orders that the owner of an account carries out."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.protocol.delivery_order import answer_record, note_record, read_order
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import JournalEntry, read_entry
from gateway.protocol.topic import DELIVERIES, JOURNAL
from tests.api.write.gateway_harness import Answer, GatewayHarness
from tests.api.write.test_openapi import held_to

OPERATOR = "normandie/operate"
ORDERS = "/v1/national/orders"


@pytest.fixture
async def connected(gateway: GatewayHarness) -> GatewayHarness:
    home = partition_of("shared", gateway.log.partitions)
    await gateway.log.append(DELIVERIES, home, [note_record("shared", {"down": False, "platforms": ["*"]})])
    assert await gateway.context.federation.deliveries.reached(await gateway.log.ends(DELIVERIES), 10)
    return gateway


@asynccontextmanager
async def owner(gateway: GatewayHarness, answer: Mapping[str, Any]) -> AsyncIterator[list[Any]]:
    """An owner of the account shared, which answers each order alike; yields the orders."""
    home, seen = partition_of("shared", gateway.log.partitions), []

    async def serve() -> None:
        async with gateway.log.reader({(DELIVERIES, home): 0}) as reader:
            while True:
                for chunk in await reader.poll(limit=100, wait=1.0):
                    for record in chunk.records:
                        placed = None if record.value is None else read_order(record.key or b"", record.value)
                        if placed is not None and placed.answer is None:
                            seen.append(placed.order)
                            await gateway.log.append(DELIVERIES, home, [answer_record(placed, answer)])

    task = asyncio.create_task(serve())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def order(gateway: GatewayHarness, body: Any, *, wait: int = 20) -> Answer:
    headers = {"Prefer": f"wait={wait}"} if wait else {}
    answer = await gateway.ask("POST", ORDERS, json=body, who=OPERATOR, headers=headers)
    assert [] == held_to("POST", ORDERS, answer), answer.raw
    return answer


async def entries(gateway: GatewayHarness) -> list[JournalEntry]:
    return [read_entry(record.value or b"") for record in await gateway.records(JOURNAL)]


async def test_the_status_has_accounts_and_platforms(connected: GatewayHarness) -> None:
    """SEC-014"""
    answer = await connected.ask("GET", "/v1/national", who=OPERATOR)
    assert [] == held_to("GET", "/v1/national", answer)
    assert {"accounts": [{"account": "shared", "down": False, "platforms": ["*"]}], "platforms": []} == answer.body


async def test_an_order_is_carried_out_and_is_an_entry(connected: GatewayHarness) -> None:
    """SEC-017"""
    async with owner(connected, {"deleted": 3}):
        done = await order(connected, {"order": "adopt", "platform": "bretagne", "apply": True, "reason": "Agreed"})
        plan = await order(connected, {"order": "adopt", "platform": "bretagne"})
    assert (200, {"account": "shared", "order": "adopt", "answer": {"deleted": 3}}) == (done.status, done.body)
    assert 200 == plan.status
    found = await entries(connected)
    assert [("national.adopt", "bretagne", "Agreed", "normandie")] == [
        (entry.act, entry.about, entry.why, entry.client) for entry in found
    ]


async def test_an_order_that_is_refused_says_why_and_did_not_happen(connected: GatewayHarness) -> None:
    """SEC-017"""
    async with owner(connected, {"error": "shrinks-too-much", "would_delete": 12}):
        refused = await order(connected, {"order": "reconcile", "repair": True})
    assert (409, "order-refused", 12) == (refused.status, refused.code, refused.body["answer"]["would_delete"])
    done, undone = await entries(connected)
    assert done.number == undone.failed


async def test_every_order_reaches_the_owner_as_it_was_given(connected: GatewayHarness) -> None:
    async with owner(connected, {}) as seen:
        for body in (
            {"order": "reconcile", "repair": True, "confirm": 4},
            {"order": "replay", "offers": ["bretagne:1"]},
            {"order": "replay"},
            {"order": "erase", "offer": "bretagne:1"},
            {"order": "adopt", "platform": "bretagne", "confirm": 2, "account": "shared"},
        ):
            assert 200 == (await order(connected, body)).status
    assert [
        "Reconcile(repair=True, confirm=4)",
        "Replay(offers=('bretagne:1',))",
        "Replay(offers=())",
        "Erase(offer='bretagne:1')",
        "Adopt(platform='bretagne', apply=False, confirm=2)",
    ] == [repr(one) for one in seen]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "body-malformed"),
        ({"order": "destroy"}, 400, "body-malformed"),
        ({"order": ["replay"]}, 400, "body-malformed"),
        ({"order": "adopt"}, 400, "body-malformed"),
        ({"order": "adopt", "platform": "A"}, 400, "body-malformed"),
        ({"order": "adopt", "platform": "bretagne", "repair": True}, 400, "body-malformed"),
        ({"order": "erase", "offer": "bretagne"}, 400, "body-malformed"),
        ({"order": "replay", "offers": "bretagne:1"}, 400, "body-malformed"),
        ({"order": "replay", "offers": ["x"]}, 400, "body-malformed"),
        ({"order": "reconcile", "confirm": -1}, 400, "body-malformed"),
        ({"order": "reconcile", "account": "unknown"}, 409, "account-unknown"),
    ],
    ids=str,
)
async def test_an_order_that_cannot_be_is_not_placed(
    connected: GatewayHarness, body: Any, status: int, code: str
) -> None:
    """ERR-002"""
    answer = await order(connected, body)
    assert (status, code) == (answer.status, answer.code), answer.raw
    assert 1 == len(await connected.records(DELIVERIES))
    assert [] == await entries(connected)


async def test_without_an_account_there_is_nobody_to_order(gateway: GatewayHarness) -> None:
    answer = await order(gateway, {"order": "reconcile"})
    assert (409, "account-unknown") == (answer.status, answer.code)
    assert {"accounts": [], "platforms": []} == (await gateway.ask("GET", "/v1/national", who=OPERATOR)).body


@pytest.mark.parametrize("name", ["x", "AAAAAAAAAAAAAAAAAAAAAAAA", "%00", "a" * 300])
async def test_only_this_gateway_names_orders(connected: GatewayHarness, name: str) -> None:
    """SEC-006"""
    assert 404 == (await connected.ask("GET", f"{ORDERS}/{name}", who=OPERATOR)).status


async def test_an_order_that_takes_longer_is_answered_at_its_own_address(connected: GatewayHarness) -> None:
    """SEC-017"""
    placed = await order(connected, {"order": "reconcile"}, wait=0)
    assert (202, {"account": "shared", "order": "reconcile"}) == (placed.status, placed.body)
    where = placed.headers["Location"]
    waiting = await connected.ask("GET", where, who=OPERATOR)
    assert {"account": "shared"} == waiting.body
    async with owner(connected, {"missing": {"count": 0}}):
        async with asyncio.timeout(20):
            while "answer" not in (found := await connected.ask("GET", where, who=OPERATOR)).body:
                assert 200 == found.status
    assert {"missing": {"count": 0}} == found.body["answer"]
    assert [] == held_to("GET", f"{ORDERS}/{{order}}", found)
    assert found.body == (await connected.ask("GET", where, who=OPERATOR)).body
