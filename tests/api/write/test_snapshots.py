"""Snapshots end to end: missing offers are withdrawn, and no others."""

import gzip

import pytest

from gateway.protocol.topic import DAY_MS, SUBMISSIONS
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer

LINES = {"Content-Type": "application/x-ndjson"}


async def published(gateway: GatewayHarness, count: int) -> None:
    assert 202 == (await gateway.batch(ndjson(*(offer(number) for number in range(count))))).status
    await gateway.settled()


async def test_offers_that_a_snapshot_lacks_are_withdrawn(gateway: GatewayHarness) -> None:
    """PUB-020: the rest is published, new ones too; the absent one leaves a marker."""
    await published(gateway, 3)
    answer = await gateway.snapshot(await gateway.mark(), offer(0), offer(1, 2), offer(9))
    assert (202, 1, 3) == (answer.status, answer.body["withdrawn"], answer.body["queued"])
    assert ["queued"] * 3 == [item["status"] for item in answer.body["results"]]
    assert ["bretagne:0", "bretagne:1", "bretagne:9"] == await gateway.live()
    assert "absent" == (await gateway.ask("GET", "/v1/offers/bretagne:2")).body["marker"]["reason"]


async def test_a_mark_states_its_end(gateway: GatewayHarness) -> None:
    """PUB-021: a day later it is void."""
    answer = await gateway.ask("POST", "/v1/snapshots/marks")
    assert (201, "2026-12-01T00:53:20.000Z") == (answer.status, answer.body["expires_at"])
    gateway.clock.now += DAY_MS + 1
    late = await gateway.snapshot(answer.body["mark"], offer(1))
    assert (409, "mark-invalid") == (late.status, late.code)


async def test_a_mark_is_ones_own_and_unaltered(gateway: GatewayHarness) -> None:
    """PUB-021: another platform's, a forged and a missing one are refused before the body is read."""
    foreign = await gateway.mark(who="normandie")
    for mark in (foreign, "forged", (await gateway.mark())[:-1]):
        answer = await gateway.snapshot(mark, offer(1))
        assert (409, "mark-invalid") == (answer.status, answer.code)
    missing = await gateway.ask("POST", "/v1/snapshots", body=b"", headers=LINES)
    assert (400, "parameter-missing") == (missing.status, missing.code)


async def test_a_mark_is_good_once_and_not_after_a_later_one(gateway: GatewayHarness) -> None:
    """PUB-022: 409 stale-mark."""
    early = await gateway.mark()
    gateway.clock.now += 1_000
    late = await gateway.mark()
    assert 202 == (await gateway.snapshot(late, offer(1))).status
    for mark in (late, early):
        answer = await gateway.snapshot(mark, offer(1))
        assert (409, "stale-mark") == (answer.status, answer.code)


async def test_a_snapshot_that_the_log_interrupted_is_sent_again_with_its_mark(gateway: GatewayHarness) -> None:
    """PUB-022: 503 asks for the same request again, and the mark is not used up."""
    await published(gateway, 3)
    mark = await gateway.mark()
    gateway.log.refusing.add(SUBMISSIONS)
    failed = await gateway.snapshot(mark, offer(0), offer(9))
    assert (503, "log-unavailable") == (failed.status, failed.code)
    gateway.log.refusing.clear()
    answer = await gateway.snapshot(mark, offer(0), offer(9))
    assert (202, 2) == (answer.status, answer.body["withdrawn"])
    assert ["bretagne:0", "bretagne:9"] == await gateway.live()


async def test_an_offer_put_between_mark_and_upload_stays(gateway: GatewayHarness) -> None:
    """PUB-020: the export could not know it."""
    await published(gateway, 2)
    mark = await gateway.mark()
    await gateway.put(offer("between"))
    answer = await gateway.snapshot(mark, offer(0))
    assert 1 == answer.body["withdrawn"]
    assert ["bretagne:0", "bretagne:between"] == await gateway.live()


@pytest.mark.parametrize("ending", [b"", b'{"count": 1}\n', b'{"count": 3}\n', b'{"count": "2"}\n', b'{"count": -2}\n'])
async def test_a_missing_or_wrong_count_changes_nothing(gateway: GatewayHarness, ending: bytes) -> None:
    """PUB-024: an export that was cut must withdraw nothing."""
    await published(gateway, 3)
    body = ndjson(offer(0, 2), offer(1, 2)) + ending
    answer = await gateway.ask("POST", f"/v1/snapshots?mark={await gateway.mark()}", body=body, headers=LINES)
    assert 422 == answer.status
    assert answer.code in {"snapshot-count-missing", "snapshot-count-wrong", "snapshot-unreadable-id"}
    assert 3 == len(await gateway.submitted())


async def test_lines_after_the_count_change_nothing(gateway: GatewayHarness) -> None:
    """PUB-024: the count is on the last line."""
    body = ndjson({"count": 1}, offer(0))
    answer = await gateway.ask("POST", f"/v1/snapshots?mark={await gateway.mark()}", body=body, headers=LINES)
    assert (422, "snapshot-count-missing") == (answer.status, answer.code)


async def test_a_cut_gzip_withdraws_nothing(gateway: GatewayHarness) -> None:
    """PUB-024: also when the cut falls behind the last line."""
    await published(gateway, 3)
    body = gzip.compress(ndjson(offer(0), {"count": 1}))[:-3]
    answer = await gateway.ask(
        "POST", f"/v1/snapshots?mark={await gateway.mark()}", body=body, headers={**LINES, "Content-Encoding": "gzip"}
    )
    assert (400, "body-truncated") == (answer.status, answer.code)
    assert 3 == len(await gateway.live())


async def test_an_invalid_offer_counts_as_present(gateway: GatewayHarness) -> None:
    """PUB-025: a rule violated today must not withdraw a valid offer of yesterday; the result names the error."""
    await published(gateway, 3)
    answer = await gateway.snapshot(await gateway.mark(), offer(0), offer(1, 2, sector="x"))
    assert ["queued", "refused"] == [item["status"] for item in answer.body["results"]]
    assert 1 == answer.body["withdrawn"]
    assert ["bretagne:0", "bretagne:1"] == await gateway.live()


@pytest.mark.parametrize("line", [{"title": "no id"}, {"id": "bretagne:"}, 7])
async def test_an_unreadable_id_changes_nothing(gateway: GatewayHarness, line: object) -> None:
    """PUB-025: it might be any of them."""
    await published(gateway, 2)
    answer = await gateway.snapshot(await gateway.mark(), offer(0), line)
    assert (422, "snapshot-unreadable-id") == (answer.status, answer.code)
    assert "/1" == answer.body["pointer"]
    assert 2 == len(await gateway.live())


async def test_the_same_id_twice_changes_nothing(gateway: GatewayHarness) -> None:
    """PUB-026: a set holds each offer once."""
    answer = await gateway.snapshot(await gateway.mark(), offer(0), offer(0, 2))
    assert (422, "snapshot-duplicate-id") == (answer.status, answer.code)
    assert [] == await gateway.submitted()


async def test_a_withdrawal_in_a_snapshot_changes_nothing(gateway: GatewayHarness) -> None:
    """PUB-027: absence is the withdrawal."""
    answer = await gateway.snapshot(
        await gateway.mark(), offer(0), {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}
    )
    assert (422, "snapshot-withdrawal") == (answer.status, answer.code)
    assert [] == await gateway.submitted()


async def test_a_snapshot_that_shrinks_too_much_asks_for_the_number(gateway: GatewayHarness) -> None:
    """PUB-028: 409 with would_withdraw, until confirm names it."""
    await published(gateway, 12)
    refused = await gateway.snapshot(await gateway.mark(), offer(0))
    assert (409, "snapshot-shrinks-too-much") == (refused.status, refused.code)
    assert 11 == refused.body["would_withdraw"]
    wrong = await gateway.snapshot(await gateway.mark(), offer(0), confirm=10)
    assert 409 == wrong.status
    assert 12 == len(await gateway.live())
    agreed = await gateway.snapshot(await gateway.mark(), offer(0), confirm=11)
    assert (202, 11) == (agreed.status, agreed.body["withdrawn"])
    assert ["bretagne:0"] == await gateway.live()


async def test_an_empty_snapshot_asks_for_the_number(gateway: GatewayHarness) -> None:
    """PUB-028: even of one offer."""
    await published(gateway, 1)
    refused = await gateway.snapshot(await gateway.mark())
    assert (409, 1) == (refused.status, refused.body["would_withdraw"])
    assert 202 == (await gateway.snapshot(await gateway.mark(), confirm=1)).status
    assert [] == await gateway.live()
    # The clock has not moved, and yet this is a later mark.
    nothing = await gateway.snapshot(await gateway.mark())
    assert (200, 0, []) == (nothing.status, nothing.body["withdrawn"], nothing.body["results"])


@pytest.mark.parametrize("lines", [{}, {"sector": "x"}])
async def test_a_snapshot_that_would_leave_no_live_offer_asks_for_the_number(
    gateway: GatewayHarness, lines: dict[str, str]
) -> None:
    """PUB-028: nine of nine offers go for one line that is refused, or that is stale once it is decided."""
    await published(gateway, 9)
    await gateway.put(offer("old", 5))
    await gateway.ask("DELETE", "/v1/offers/bretagne:old?revision=6&reason=filled", headers={"Prefer": "wait=10"})
    refused = await gateway.snapshot(await gateway.mark(), offer("old", 5, **lines))
    assert (409, "snapshot-shrinks-too-much") == (refused.status, refused.code)
    assert 9 == refused.body["would_withdraw"]
    assert 9 == len(await gateway.live())
    for wrong in (0, 8, 10):
        assert 409 == (await gateway.snapshot(await gateway.mark(), offer("old", 5, **lines), confirm=wrong)).status
    assert 202 == (await gateway.snapshot(await gateway.mark(), offer("old", 5, **lines), confirm=9)).status
    assert [] == await gateway.live()


async def test_a_small_set_that_is_replaced_by_another_asks_nothing(gateway: GatewayHarness) -> None:
    """PUB-028: a live offer remains, or is added; a refused line alone asks nothing."""
    await published(gateway, 3)
    first = await gateway.snapshot(await gateway.mark(), offer("new"), offer("wrong", sector="x"))
    assert (202, 3) == (first.status, first.body["withdrawn"])
    assert ["bretagne:new"] == await gateway.live()
    gateway.clock.now += 1_000
    kept = await gateway.snapshot(await gateway.mark(), offer("new", 2, sector="x"))
    assert (200, 0) == (kept.status, kept.body["withdrawn"])
    assert ["bretagne:new"] == await gateway.live()


async def test_an_absent_offer_that_returns_is_published_again(gateway: GatewayHarness) -> None:
    """WDR-008: with the same revision, by a later snapshot."""
    await published(gateway, 2)
    await gateway.snapshot(await gateway.mark(), offer(0))
    assert ["bretagne:0"] == await gateway.live()
    gateway.clock.now += 1_000
    await gateway.snapshot(await gateway.mark(), offer(0), offer(1))
    assert ["bretagne:0", "bretagne:1"] == await gateway.live()


async def test_a_snapshot_is_lines_only(gateway: GatewayHarness) -> None:
    """ERR-004: an array has no last line."""
    answer = await gateway.ask("POST", f"/v1/snapshots?mark={await gateway.mark()}", json=[offer(0), {"count": 1}])
    assert (415, "media-type") == (answer.status, answer.code)
