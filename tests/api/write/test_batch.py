"""Batches: all, some or none of the items, in order; and the answer when the log fails midway."""

import asyncio
import gzip

import orjson
import pytest

import schemas
from tests.api.write.gateway_harness import Answer, GatewayHarness, ndjson, offer
from tests.memory_log import WriteFault

pytestmark = pytest.mark.slow


def statuses(answer: Answer) -> list[str]:
    return [result["status"] for result in answer.body["results"]]


async def test_a_good_batch_is_queued_whole(gateway: GatewayHarness) -> None:
    """PUB-010: 202 when every item is queued; each with its receipt."""
    answer = await gateway.batch(ndjson(*(offer(number) for number in range(5))))
    assert (202, ["queued"] * 5) == (answer.status, statuses(answer))
    assert [5, 0, 5] == [answer.body["items"], answer.body["refused"], answer.body["queued"]]
    schemas.validator("batch-result").validate(answer.body)
    await gateway.settled()
    receipt = await gateway.ask("GET", f"/v1/receipts/{answer.body['results'][3]['receipt']}")
    assert ("bretagne:3", "accepted") == (receipt.body["id"], receipt.body["verdict"])


async def test_a_batch_with_one_fault_queues_nothing(gateway: GatewayHarness) -> None:
    """PUB-011: 422 naming every fault; the good ones are not queued either, and have no receipt."""
    answer = await gateway.batch(ndjson(offer(1), offer(2, sector="x"), {"id": "bretagne:3"}))
    assert (422, "batch-refused") == (answer.status, answer.code)
    assert ["not-queued", "refused", "refused"] == statuses(answer)
    assert [None, None, None] == [item.get("receipt") for item in answer.body["results"]]
    assert ["bretagne:1", "bretagne:2", "bretagne:3"] == [item["id"] for item in answer.body["results"]]
    schemas.validator("batch-result").validate(answer.body)
    assert [] == await gateway.submitted()


async def test_a_partial_batch_queues_the_good_ones(gateway: GatewayHarness) -> None:
    """PUB-011: 207 only when asked for."""
    answer = await gateway.batch(ndjson(offer(1), offer(2, sector="x"), offer(3)), query="?partial=true")
    assert (207, ["queued", "refused", "queued"]) == (answer.status, statuses(answer))
    assert ["bretagne:1", "bretagne:3"] == await gateway.live()
    none = await gateway.batch(ndjson(offer(4, sector="x")), query="?partial=true")
    assert 422 == none.status
    every = await gateway.batch(ndjson(offer(5)), query="?partial=true")
    assert 202 == every.status


@pytest.mark.parametrize("body", [b"", b"\n \n\r\n"])
async def test_an_empty_batch_is_refused(gateway: GatewayHarness, body: bytes) -> None:
    """PUB-012: an upload without an item is a mistake of the sender."""
    assert "batch-empty" == (await gateway.batch(body)).code
    empty = await gateway.batch(b" [ ] ", headers={"Content-Type": "application/json"})
    assert (422, "batch-empty") == (empty.status, empty.code)


async def test_an_array_is_taken_as_well(gateway: GatewayHarness) -> None:
    """PUB-014: a JSON array, whose items are judged by the bytes that were sent."""
    text = b' [ %b ,\n{"id":"bretagne:2","id":"bretagne:3"}, 7 ] ' % orjson.dumps(offer(1))
    answer = await gateway.batch(text, query="?partial=true", headers={"Content-Type": "application/json"})
    assert (207, ["queued", "refused", "refused"]) == (answer.status, statuses(answer))
    codes = [item["problems"][0]["code"] for item in answer.body["results"] if "problems" in item]
    assert ["json-duplicate-key", "json-not-object"] == codes


async def test_withdrawals_and_the_same_offer_twice_are_decided_in_order(gateway: GatewayHarness) -> None:
    """REV-006, PUB-014: an item may withdraw, and the same id may come again."""
    gone = {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}
    answer = await gateway.batch(ndjson(offer(1), gone, offer(1, 3), offer(1, 2), offer(2)))
    assert 202 == answer.status
    await gateway.settled()
    verdicts = [
        (await gateway.ask("GET", f"/v1/receipts/{item['receipt']}")).body["verdict"] for item in answer.body["results"]
    ]
    assert ["accepted", "accepted", "accepted", "stale", "accepted"] == verdicts
    assert ["bretagne:1", "bretagne:2"] == await gateway.live()


async def test_an_offer_of_another_platform_is_a_problem_of_its_item(gateway: GatewayHarness) -> None:
    """IDN-003: the others of the batch may still pass."""
    answer = await gateway.batch(ndjson(offer(1), offer(1, platform="normandie")), query="?partial=true")
    assert (207, ["queued", "refused"]) == (answer.status, statuses(answer))
    assert "not-owner" == answer.body["results"][1]["problems"][0]["code"]
    assert [] == await gateway.live("normandie")


async def test_a_dry_run_of_a_batch_stores_nothing(gateway: GatewayHarness) -> None:
    """PUB-006: 200 or 422."""
    good = await gateway.batch(ndjson(offer(1)), query="?dry_run=true")
    assert (200, ["valid"]) == (good.status, statuses(good))
    bad = await gateway.batch(ndjson(offer(1), offer(2, sector="x")), query="?dry_run=true")
    assert (422, ["valid", "refused"]) == (bad.status, statuses(bad))
    assert [] == await gateway.submitted()


async def test_gzip_is_taken_in_one_member_or_several(gateway: GatewayHarness) -> None:
    """PUB-014: also from clients that compress in blocks."""
    one, two = ndjson(offer(1)), ndjson(offer(2))
    answer = await gateway.batch(
        gzip.compress(one[:100]) + gzip.compress(one[100:] + two), headers={"Content-Encoding": "gzip"}
    )
    assert (202, ["queued", "queued"]) == (answer.status, statuses(answer))


async def test_problems_come_in_the_language_of_the_request(gateway: GatewayHarness) -> None:
    """ERR-011: French by default, English on request."""
    lines = ndjson(offer(1, sector="x"))
    french = await gateway.batch(lines)
    english = await gateway.batch(lines, headers={"Accept-Language": "en"})
    messages = [answer.body["results"][0]["problems"][0]["message"] for answer in (french, english)]
    assert messages[0] != messages[1]
    assert [type(message) for message in messages] == [str, str]


@pytest.mark.parametrize(
    ("fault", "word"),
    [(WriteFault.LOST, "unknown"), (WriteFault.UNANSWERED, "unknown"), (WriteFault.REFUSED, "not-queued")],
)
async def test_a_log_that_fails_midway_is_reported_item_by_item(
    gateway: GatewayHarness, fault: WriteFault, word: str
) -> None:
    """PUB-013, ERR-009: 503 naming the items that are certainly queued; the whole may be sent again."""
    await gateway.settled()
    gateway.log.inject(fault)
    lines = ndjson(*(offer(number) for number in range(30)))
    answer = await gateway.batch(lines)
    assert (503, "batch-interrupted") == (answer.status, answer.code)
    assert int(answer.headers["Retry-After"]) > 0
    assert {"queued", word} == set(statuses(answer))
    assert answer.body["queued"] == statuses(answer).count("queued")
    schemas.validator("batch-result").validate(answer.body)
    assert 202 == (await gateway.batch(lines)).status
    assert 30 == len(await gateway.live())


async def test_every_item_of_a_large_batch_arrives_once(gateway: GatewayHarness) -> None:
    """PUB-010: more items than one append takes, and more bytes than are kept in memory."""
    lines = ndjson(*(offer(number, description="x" * 1_000 + "é") for number in range(6_000)))
    answer = await gateway.batch(lines, zipped=True)
    assert (202, 6_000) == (answer.status, answer.body["queued"])
    assert [item["id"] for item in answer.body["results"]] == [f"bretagne:{number}" for number in range(6_000)]
    handed = await gateway.submitted()
    assert sorted(one["receipt"] for one in handed) == sorted(item["receipt"] for item in answer.body["results"])
    async with asyncio.timeout(60):
        await gateway.settled()
        while await gateway.context.federation.offers.count("bretagne") < 6_000:
            await asyncio.sleep(0.05)
