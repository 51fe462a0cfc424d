"""Answers to uploads: a status for every item, problems within a bound, links to receipts that exist, and waiting."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from gateway.api.context import Limits
from tests.api.write.gateway_harness import Answer, GatewayHarness, ndjson, offer, opened

pytestmark = pytest.mark.slow

WAIT = {"Prefer": "wait=20"}
MEGABYTE = 1_000_000


def entry(answer: Answer, index: int) -> dict[str, Any]:
    """The result of one item."""
    [found] = [one for one in answer.body["results"] if one["index"] == index]
    return dict(found)


async def test_an_answer_has_a_status_for_every_item(gateway: GatewayHarness) -> None:
    """PUB-010, PUB-016: one letter per item, in the order sent; and the address of the receipts."""
    answer = await gateway.batch(ndjson(offer(1), offer(2, sector="x"), offer(3)), query="?partial=true")
    assert (207, "qrq") == (answer.status, answer.body["statuses"])
    assert {"not-in-list": 1} == answer.body["rules"]
    assert "omitted" not in answer.body
    schemas.validator("batch-result").validate(answer.body)
    await gateway.settled()
    listed = await gateway.ask("GET", answer.body["receipts"])
    assert ["bretagne:1", "bretagne:3"] == sorted(one["id"] for one in listed.body["receipts"])
    assert {answer.body["batch"]} == {one["batch"] for one in listed.body["receipts"]}


async def test_items_that_were_not_queued_have_no_link(gateway: GatewayHarness) -> None:
    """PUB-003, PUB-016: no receipt is stored, so none is named; nor is there a list of them."""
    refused = await gateway.batch(ndjson(offer(1), offer(2, sector="x")))
    dry = await gateway.batch(ndjson(offer(1)), query="?dry_run=true")
    assert ["nr", "v"] == [answer.body["statuses"] for answer in (refused, dry)]
    for answer in (refused, dry):
        assert {"batch", "receipts"}.isdisjoint(answer.body)
        assert not any("receipt" in one for one in answer.body["results"])


REFUSED = b'{"unknown":"as long as the shortest offer"}\n'


@pytest.mark.parametrize("partial", [False, True])
async def test_problems_are_returned_in_full_for_the_first_thousand_refused_items(
    gateway: GatewayHarness, *, partial: bool
) -> None:
    """OFR-038, PUB-017: of 12,500 refused items 1,000 in full, then counts by rule; the answer stays small."""
    lines = ndjson(*(offer(number) for number in range(3))) + REFUSED * 12_500
    answer = await gateway.batch(lines, query="?partial=true" if partial else "")
    assert (207 if partial else 422) == answer.status
    assert len(answer.raw) < 8 * MEGABYTE
    assert ("qqq" if partial else "nnn") + "r" * 12_500 == answer.body["statuses"]
    explained = [one for one in answer.body["results"] if "problems" in one]
    assert list(range(3, 1_003)) == [one["index"] for one in explained]
    alone = (await gateway.batch(REFUSED)).body["results"][0]["problems"]
    assert [alone] * 1_000 == [one["problems"] for one in explained]
    rules = answer.body["rules"]
    searched = 12_500 - rules.pop("not-explained", 0)  # the rest is beyond the time that one upload may take
    assert searched >= 1_000
    assert {problem["code"]: searched for problem in alone} == rules
    assert {"items": 11_500, "from": 1_003} == answer.body["omitted"]
    assert list(range(10_000)) == [one["index"] for one in answer.body["results"]]
    kinds = {orjson.dumps({**one, "index": 0}): one for one in answer.body["results"]}
    schemas.validator("batch-result").validate(answer.body | {"results": list(kinds.values())})


async def test_refused_items_beyond_the_results_are_counted_too(gateway: GatewayHarness) -> None:
    """PUB-017: the first 1,000 refused ones are returned wherever they are in the upload."""
    good = ndjson(*(offer(number) for number in range(10_050)))
    answer = await gateway.batch(good + ndjson(offer("bad", sector="x")), query="?dry_run=true")
    assert (422, "v" * 10_050 + "r") == (answer.status, answer.body["statuses"])
    assert 10_001 == len(answer.body["results"])
    assert "not-in-list" == entry(answer, 10_050)["problems"][0]["code"]


async def test_hostile_problems_do_not_swell_the_answer(gateway: GatewayHarness) -> None:
    """PUB-017: a hundred problems an item, a thousand items, and still a few megabytes."""
    item = b'{"id":"bretagne:1",' + b",".join(b'"%s%d":1' % (b"k" * 60, n) for n in range(120)) + b"}\n"
    answer = await gateway.batch(item * 1_200)
    assert (422, "r" * 1_200) == (answer.status, answer.body["statuses"])
    assert len(answer.raw) < 10 * MEGABYTE
    assert 1_200 == answer.body["rules"]["field-unknown"]
    assert {"items", "from"} == set(answer.body["omitted"])


async def test_warnings_are_counted_and_read_in_the_receipts(gateway: GatewayHarness) -> None:
    """PUB-016, RCP-007: the receipt of an accepted item holds its warnings."""
    warned = offer(2, apply_url="https://stages.example/attestation")
    answer = await gateway.batch(ndjson(offer(1), warned), headers=WAIT)
    assert (200, {}) == (answer.status, answer.body["rules"])
    [code] = answer.body["warnings"]
    assert 1 == answer.body["warnings"][code]
    listed = await gateway.ask("GET", f"{answer.body['receipts']}&problems=true")
    assert [("bretagne:2", code)] == [(one["id"], one["problems"][0]["code"]) for one in listed.body["receipts"]]


async def test_a_batch_with_prefer_wait_is_answered_with_all_decisions(gateway: GatewayHarness) -> None:
    """PUB-005, PUB-018: 200 with each verdict and why."""
    await gateway.put(offer(1, 5))
    await gateway.put(offer(2, 5))
    reused = offer(2, 5, title="Une autre découverte de l'atelier")
    gone = {"id": "bretagne:3", "revision": 2, "withdrawn": "filled"}
    answer = await gateway.batch(ndjson(offer(1, 5), offer(1, 4), reused, offer(3), gone), headers=WAIT)
    assert (200, "dsjaa") == (answer.status, answer.body["statuses"])
    assert "wait=20" == answer.headers["Preference-Applied"]
    assert {"accepted": 2, "duplicate": 1, "stale": 1, "rejected": 1} == answer.body["verdicts"]
    assert (0, 5, 0) == tuple(answer.body[name] for name in ("pending", "queued", "refused"))
    assert ["duplicate", "stale", "rejected", "accepted", "accepted"] == [
        one["status"] for one in answer.body["results"]
    ]
    assert ["older-revision"] == [one["code"] for one in entry(answer, 1)["problems"]]
    assert ["revision-reused"] == [one["code"] for one in entry(answer, 2)["problems"]]
    assert isinstance(entry(answer, 2)["problems"][0]["message"], str)
    assert {"older-revision": 1, "revision-reused": 1} == answer.body["rules"]
    schemas.validator("batch-result").validate(answer.body)


async def test_a_partial_batch_with_prefer_wait_is_answered_207_with_the_verdicts(gateway: GatewayHarness) -> None:
    """PUB-011, PUB-018: some are refused, and the others are decided."""
    answer = await gateway.batch(ndjson(offer(1), offer(2, sector="x")), query="?partial=true", headers=WAIT)
    assert (207, "ar", 0) == (answer.status, answer.body["statuses"], answer.body["pending"])


async def test_a_decision_of_a_batch_that_does_not_come_is_answered_202(tmp_path: Path) -> None:
    """PUB-005, PUB-018: with the known decisions and the address of the rest; a 207 counts the pending ones."""
    async with opened(tmp_path, working=False) as gateway:
        answer = await gateway.batch(ndjson(offer(1), offer(2)), headers={"Prefer": "wait=1"})
        partial = await gateway.batch(
            ndjson(offer(1), offer(2, sector="x")), query="?partial=true", headers={"Prefer": "wait=1"}
        )
    assert (202, "qq", 2) == (answer.status, answer.body["statuses"], answer.body["pending"])
    assert "wait=1" == answer.headers["Preference-Applied"]
    assert f"/v1/receipts?batch={answer.body['batch']}" == answer.body["receipts"]
    assert (207, "qr", 1) == (partial.status, partial.body["statuses"], partial.body["pending"])


async def test_a_request_that_queues_nothing_does_not_wait(gateway: GatewayHarness) -> None:
    """PUB-018: a refused batch and a dry run have no decision to come, and say so by the missing header."""
    for answer in (
        await gateway.batch(ndjson(offer(1, sector="x")), headers=WAIT),
        await gateway.batch(ndjson(offer(1)), query="?dry_run=true", headers=WAIT),
    ):
        assert "Preference-Applied" not in answer.headers


async def test_a_large_batch_with_prefer_wait_is_answered_with_every_verdict(gateway: GatewayHarness) -> None:
    """PUB-018: more items than are looked up at once."""
    answer = await gateway.batch(ndjson(*(offer(number) for number in range(4_500))), headers={"Prefer": "wait=30"})
    assert (200, "a" * 4_500) == (answer.status, answer.body["statuses"])


async def test_a_snapshot_with_prefer_wait_is_answered_with_all_decisions(gateway: GatewayHarness) -> None:
    """PUB-018: a reused revision is rejected, a refused line named, an absent offer withdrawn: all in one answer."""
    for number in range(3):
        await gateway.put(offer(number, 5))
    reused = offer(1, 5, title="Une autre découverte de l'atelier")
    mark = await gateway.mark()
    answer = await gateway.snapshot(mark, offer(0, 6), reused, offer(9, sector="x"), headers=WAIT)
    assert (200, "ajr") == (answer.status, answer.body["statuses"])
    assert "wait=20" == answer.headers["Preference-Applied"]
    assert (1, 0, 1) == tuple(answer.body[name] for name in ("withdrawn", "pending", "refused"))
    assert {"not-in-list": 1, "revision-reused": 1} == answer.body["rules"]
    assert {"accepted": 1, "rejected": 1} == answer.body["verdicts"]
    await gateway.settled()  # the view of offers follows the decisions
    assert 410 == (await gateway.ask("GET", "/v1/offers/bretagne:2")).status
    schemas.validator("batch-result").validate(answer.body)
    listed = await gateway.ask("GET", answer.body["receipts"])
    assert {("bretagne:0", "accepted"), ("bretagne:1", "rejected"), ("bretagne:2", "accepted")} == {
        (one["id"], one["verdict"]) for one in listed.body["receipts"]
    }
    by_mark = await gateway.ask("GET", f"/v1/receipts?snapshot={mark}&verdict=rejected")
    assert ["bretagne:1"] == [one["id"] for one in by_mark.body["receipts"]]


async def test_a_snapshot_reports_refusals_without_waiting(gateway: GatewayHarness) -> None:
    """PUB-016, PUB-025: how many, which, and by which rule; the rest will be in its receipts."""
    answer = await gateway.snapshot(await gateway.mark(), offer(0), offer(1, sector="x"), offer(2, sector="y"))
    assert (202, "qrr", 2) == (answer.status, answer.body["statuses"], answer.body["refused"])
    assert {"not-in-list": 2} == answer.body["rules"]
    assert f"/v1/receipts?snapshot={answer.body['snapshot']}" == answer.body["receipts"]
    assert "verdicts" not in answer.body


async def test_a_snapshot_whose_decisions_do_not_come_is_answered_202(gateway: GatewayHarness) -> None:
    """PUB-018: the known decisions, and the address of the rest; a withdrawal counts as well."""
    await gateway.put(offer(0))
    await gateway.put(offer(1))
    mark = await gateway.mark()
    await gateway.settled()
    await gateway.decide_no_more()
    answer = await gateway.snapshot(mark, offer(0, 2), headers={"Prefer": "wait=1"})
    assert (202, "q", 2) == (answer.status, answer.body["statuses"], answer.body["pending"])
    assert "wait=1" == answer.headers["Preference-Applied"]


async def test_a_snapshot_sent_again_with_its_mark_has_the_same_name(gateway: GatewayHarness) -> None:
    """RCP-007: so that its receipts are found by one name, whichever attempt they are of."""
    mark = await gateway.mark()
    first = await gateway.snapshot(mark, offer(0))
    gateway.clock.now += 1_000
    other = await gateway.snapshot(await gateway.mark(), offer(0))
    assert first.body["snapshot"] != other.body["snapshot"]
    await gateway.settled()
    assert [first.body["snapshot"]] == [
        one["snapshot"] for one in (await gateway.ask("GET", f"/v1/receipts?snapshot={mark}")).body["receipts"]
    ]


async def test_the_decisions_that_were_waited_for_are_given_again_for_the_same_key(gateway: GatewayHarness) -> None:
    """PUB-018, PUB-041: the second request queues nothing and has the verdicts of the first."""
    headers = {**WAIT, "Idempotency-Key": "k1"}
    first = await gateway.batch(ndjson(offer(1), offer(2)), headers=headers)
    second = await gateway.batch(ndjson(offer(1), offer(2)), headers=headers)
    assert (200, "aa") == (first.status, first.body["statuses"])
    assert (first.raw, "true") == (second.raw, second.headers["Idempotency-Replayed"])
    assert 2 == len(await gateway.submitted())


async def test_a_client_that_disconnects_while_it_waits_leaves_nothing_behind(tmp_path: Path) -> None:
    """PUB-018: queued items stay queued, and the upload's slot is free again."""
    async with opened(tmp_path, limits=Limits(uploads_at_once=1), working=False) as gateway:
        asking = asyncio.create_task(gateway.batch(ndjson(offer(1)), headers={"Prefer": "wait=1"}))
        async with asyncio.timeout(10):
            while not await gateway.submitted():
                await asyncio.sleep(0.01)
            asking.cancel()
            while (await gateway.batch(ndjson(offer(2)))).status != 202:
                await asyncio.sleep(0.05)
    assert asking.cancelled()
