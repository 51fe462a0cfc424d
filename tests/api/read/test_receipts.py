"""Receipts over HTTP."""

from dataclasses import replace

import pytest

import schemas
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.record import Record
from gateway.protocol.topic import DELIVERIES, RECEIPTS, SUBMISSIONS
from tests.api.read.read_api import ReadApi

pytestmark = pytest.mark.slow

MINUTE = 60_000


def minted(api: ReadApi, publisher: str = "bretagne") -> str:
    return api.context.federation.ids.mint(publisher, partition=0, now=api.clock.now, nonce=b"12345678")


async def test_a_receipt_is_read_by_its_publisher_alone(api: ReadApi) -> None:
    """RCP-002: another's id and a forged one get the same answer."""
    receipt = minted(api)
    await api.receive(receipt, "bretagne:1", "bretagne")
    own = await api.get(f"/v1/receipts/{receipt}", "bretagne")
    assert (own.status, own.body["receipt"], own.body["verdict"]) == (200, receipt, "accepted")
    other = await api.get(f"/v1/receipts/{receipt}", "normandie")
    forged = await api.get("/v1/receipts/rAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "bretagne")
    assert (other.status, forged.status, other.body) == (404, 404, forged.body)


async def test_a_receipt_that_is_not_decided_is_pending_until_the_relay_has_passed_it(api: ReadApi) -> None:
    """RCP-005: and 404 ten minutes beyond its minting, when the relay has read everything and there is still none."""
    receipt = minted(api)
    pending = await api.get(f"/v1/receipts/{receipt}", "bretagne")
    assert (pending.status, pending.body) == (200, {"receipt": receipt, "verdict": "pending"})
    api.clock.now += 9 * MINUTE
    assert (await api.get(f"/v1/receipts/{receipt}", "bretagne")).status == 200
    api.clock.now += MINUTE
    await api.put(SUBMISSIONS, Record(b"bretagne:0", b"{}"))
    for partition in range(3):
        await api.context.federation.log.append(SUBMISSIONS, partition, [Record(b"x", b"{}")])
    waiting = await api.get(f"/v1/receipts/{receipt}", "bretagne")
    assert (waiting.status, waiting.body["verdict"]) == (200, "pending"), "the relay is behind"
    await api.relay_reads_everything()
    assert (await api.get(f"/v1/receipts/{receipt}", "bretagne")).status == 404


async def test_a_receipt_stays_pending_when_a_stale_broker_reports_an_end_before_its_submission(api: ReadApi) -> None:
    """RCP-005: the next request gets the true one."""
    receipt = minted(api)
    api.log.stale_ends[SUBMISSIONS] = await api.log.ends(SUBMISSIONS)
    api.log.stale_calls = 1
    await api.log.append(SUBMISSIONS, 0, [Record(b"x", b"{}")])
    api.clock.now += 10 * MINUTE
    waiting = await api.get(f"/v1/receipts/{receipt}", "bretagne")
    assert (waiting.status, waiting.body["verdict"]) == (200, "pending")


async def test_the_gateways_own_receipt_is_readable_by_the_offers_publisher(api: ReadApi) -> None:
    derived = api.context.federation.ids.derive("gateway", partition=0, parts=("bretagne:1", 1, "expired"))
    assert (await api.get(f"/v1/receipts/{derived}", "bretagne")).status == 404
    await api.receive(derived, "bretagne:1", "gateway")
    assert (await api.get(f"/v1/receipts/{derived}", "bretagne")).status == 200
    assert (await api.get(f"/v1/receipts/{derived}", "normandie")).status == 404


async def test_problems_come_in_the_readers_language(api: ReadApi) -> None:
    problem = schemas.problem("older-revision").to_json()
    receipt = minted(api)
    await api.receive(receipt, "bretagne:1", "bretagne", verdict="stale", problems=[problem])
    for language in ("fr", "en"):
        answer = await api.get(f"/v1/receipts/{receipt}", "bretagne", headers={"Accept-Language": language})
        assert answer.body["problems"] == [schemas.localized(problem, language)]
        assert answer.headers["Content-Language"] == language
        listed = await api.get("/v1/receipts", "bretagne", headers={"Accept-Language": language})
        assert listed.body["receipts"] == [answer.body]


async def test_pages_give_all_receipts_and_a_cursor_to_go_on(api: ReadApi) -> None:
    for second in range(7):
        api.clock.now += 1_000
        await api.receive(f"r{second}", f"bretagne:{second}", "bretagne", second=second)
    await api.receive("other", "normandie:1", "normandie")
    found, cursor, more = [], "", True
    while more:
        page = (await api.get(f"/v1/receipts?limit=3{cursor}", "bretagne")).body
        found += [receipt["receipt"] for receipt in page["receipts"]]
        cursor, more = f"&cursor={page['cursor']}", page["more"]
    assert found == [f"r{second}" for second in range(7)]
    await api.receive("late", "bretagne:1", "bretagne", second=9)
    page = (await api.get(f"/v1/receipts?limit=3{cursor}", "bretagne")).body
    assert [receipt["receipt"] for receipt in page["receipts"]] == ["late"]


@pytest.mark.parametrize("topic", [RECEIPTS, DELIVERIES])
@pytest.mark.parametrize("path", ["/v1/receipts", "/v1/receipts/r1"])
async def test_answers_are_503_until_the_views_have_caught_up(api: ReadApi, path: str, topic: str) -> None:
    """ERR-008: an outcome that is not read yet is not one that is missing, nor is a delivery one that was not tried."""
    await api.receive("r1", "bretagne:1", "bretagne")
    async with api.filling(topic) as behind:
        answer = await behind.get(path, "bretagne")
    assert (503, "view-behind", "5") == (answer.status, answer.body["code"], answer.headers["Retry-After"])


async def test_a_cursor_of_receipts_is_good_for_its_publisher_alone(api: ReadApi) -> None:
    """FEED-004, FEED-005."""
    cursor = (await api.get("/v1/receipts", "bretagne")).body["cursor"]
    assert (await api.get(f"/v1/receipts?cursor={cursor}", "normandie")).body["type"].endswith("cursor-filter")
    assert (await api.get("/v1/receipts?cursor=AAAA", "bretagne")).body["type"].endswith("cursor-forged")


def delivered(offer_id: str, *parts: DeliveryPart) -> Record:
    return delivery_record(Delivery(id=offer_id, sequence=9, parts=parts))


async def test_a_receipt_holds_the_delivery_state_of_its_offer(api: ReadApi) -> None:
    """RCP-006: the current parts, in the publisher's language, without internals of the connector."""
    problem = schemas.problem("revision-reused", actual=3, expected=4).to_json()
    part = DeliveryPart(
        group="lycee", generation=1, account="their account", state="dead", since=api.clock.now, remote_id="old"
    )
    refused = replace(part, generation=2, state="refused", remote_id="new", digest="0" * 64, problems=(problem,))
    await api.receive("r" + "a" * 30, "bretagne:1", "bretagne")
    await api.receive("r" + "b" * 30, "bretagne:2", "bretagne")
    await api.put(DELIVERIES, delivered("bretagne:1", part, refused))
    for language in ("fr", "en"):
        headers = {"Accept-Language": language}
        one = await api.get("/v1/receipts/r" + "a" * 30, "bretagne", headers=headers)
        delivery = one.body["delivery"]
        assert (9, ["new"], ["refused"]) == (
            delivery["sequence"],
            [one["remote_id"] for one in delivery["parts"]],
            [one["state"] for one in delivery["parts"]],
        )
        assert [problem["message"][language]] == [one["message"] for one in delivery["parts"][0]["problems"]]
        assert {"account", "digest", "attempt"}.isdisjoint(delivery["parts"][0])
        assert [] == [error.message for error in schemas.validator("receipt").iter_errors(one.body)]
        listed = await api.get("/v1/receipts", "bretagne", headers=headers)
        assert [delivery, None] == [receipt.get("delivery") for receipt in listed.body["receipts"]]


async def test_a_receipt_never_holds_the_delivery_state_of_anothers_offer(api: ReadApi) -> None:
    """RCP-006: a refused message that named it has a receipt all the same."""
    await api.receive("r" + "a" * 30, "bretagne:1", "normandie", verdict="rejected")
    part = DeliveryPart(group="lycee", generation=1, account="a", state="delivered", since=api.clock.now)
    await api.put(DELIVERIES, delivered("bretagne:1", part))
    assert "delivery" not in (await api.get("/v1/receipts/r" + "a" * 30, "normandie")).body
    assert ["r" + "a" * 30] == [
        receipt["receipt"]
        for receipt in (await api.get("/v1/receipts", "normandie")).body["receipts"]
        if "delivery" not in receipt
    ]


@pytest.mark.parametrize("ahead", [5, 24 * 60, 365 * 24 * 60])
async def test_a_receipt_id_minted_by_a_clock_ahead_is_unknown_once_the_relay_has_passed_it(
    api: ReadApi, ahead: int
) -> None:
    """RCP-005: its minting time is a day ahead, but the relay's position decides."""
    api.clock.now += ahead * MINUTE
    receipt = minted(api)
    api.clock.now -= ahead * MINUTE
    await api.context.federation.log.append(SUBMISSIONS, 0, [Record(b"x", b"{}")])
    waiting = await api.get(f"/v1/receipts/{receipt}", "bretagne")
    assert (waiting.status, waiting.body["verdict"]) == (200, "pending"), "the relay is behind"
    await api.relay_reads_everything()
    assert (await api.get(f"/v1/receipts/{receipt}", "bretagne")).status == 404
