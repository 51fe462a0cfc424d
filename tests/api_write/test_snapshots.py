"""Snapshots end to end: what is missing is withdrawn, and nothing else ever is."""

import gzip

import pytest

from gateway.protocol.topic import DAY_MS, SUBMISSIONS
from tests.api_write.gate import Gate, ndjson, offer

LINES = {"Content-Type": "application/x-ndjson"}


async def published(gate: Gate, count: int) -> None:
    assert 202 == (await gate.batch(ndjson(*(offer(number) for number in range(count))))).status
    await gate.settled()


async def test_what_a_snapshot_lacks_is_withdrawn(gate: Gate) -> None:
    """PUB-020: the rest is published, new ones too; the absent one leaves a marker."""
    await published(gate, 3)
    answer = await gate.snapshot(await gate.mark(), offer(0), offer(1, 2), offer(9))
    assert (202, 1, 3) == (answer.status, answer.body["withdrawn"], answer.body["queued"])
    assert ["queued"] * 3 == [item["status"] for item in answer.body["results"]]
    assert ["bretagne:0", "bretagne:1", "bretagne:9"] == await gate.live()
    assert "absent" == (await gate.ask("GET", "/v1/offers/bretagne:2")).body["marker"]["reason"]


async def test_a_mark_tells_its_end(gate: Gate) -> None:
    """PUB-021: a day later it is void."""
    answer = await gate.ask("POST", "/v1/snapshots/marks")
    assert (201, "2026-12-01T00:53:20.000Z") == (answer.status, answer.body["expires_at"])
    gate.clock.at += DAY_MS + 1
    late = await gate.snapshot(answer.body["mark"], offer(1))
    assert (409, "mark-invalid") == (late.status, late.code)


async def test_a_mark_is_ones_own_and_unaltered(gate: Gate) -> None:
    """PUB-021: another platform's, a forged and a missing one are refused before the body is read."""
    foreign = await gate.mark(who="normandie")
    for mark in (foreign, "forged", (await gate.mark())[:-1]):
        answer = await gate.snapshot(mark, offer(1))
        assert (409, "mark-invalid") == (answer.status, answer.code)
    missing = await gate.ask("POST", "/v1/snapshots", body=b"", headers=LINES)
    assert (400, "parameter-missing") == (missing.status, missing.code)


async def test_a_mark_is_good_once_and_not_after_a_later_one(gate: Gate) -> None:
    """PUB-022: 409 stale-mark."""
    early = await gate.mark()
    gate.clock.at += 1_000
    late = await gate.mark()
    assert 202 == (await gate.snapshot(late, offer(1))).status
    for mark in (late, early):
        answer = await gate.snapshot(mark, offer(1))
        assert (409, "stale-mark") == (answer.status, answer.code)


async def test_what_the_log_broke_off_is_sent_again_with_its_mark(gate: Gate) -> None:
    """PUB-022: 503 means the same again, and the mark is not used up by what did not happen."""
    await published(gate, 3)
    mark = await gate.mark()
    gate.log.refusing.add(SUBMISSIONS)
    failed = await gate.snapshot(mark, offer(0), offer(9))
    assert (503, "log-unavailable") == (failed.status, failed.code)
    gate.log.refusing.clear()
    answer = await gate.snapshot(mark, offer(0), offer(9))
    assert (202, 2) == (answer.status, answer.body["withdrawn"])
    assert ["bretagne:0", "bretagne:9"] == await gate.live()


async def test_an_offer_put_between_mark_and_upload_stays(gate: Gate) -> None:
    """PUB-020: the export could not know it."""
    await published(gate, 2)
    mark = await gate.mark()
    await gate.put(offer("between"))
    answer = await gate.snapshot(mark, offer(0))
    assert 1 == answer.body["withdrawn"]
    assert ["bretagne:0", "bretagne:between"] == await gate.live()


@pytest.mark.parametrize("tail", [b"", b'{"count": 1}\n', b'{"count": 3}\n', b'{"count": "2"}\n', b'{"count": -2}\n'])
async def test_a_missing_or_wrong_count_changes_nothing(gate: Gate, tail: bytes) -> None:
    """PUB-024: an export that was cut must withdraw nothing."""
    await published(gate, 3)
    body = ndjson(offer(0, 2), offer(1, 2)) + tail
    answer = await gate.ask("POST", f"/v1/snapshots?mark={await gate.mark()}", body=body, headers=LINES)
    assert 422 == answer.status
    assert answer.code in {"snapshot-count-missing", "snapshot-count-wrong", "snapshot-unreadable-id"}
    assert 3 == len(await gate.submitted())


async def test_lines_after_the_count_change_nothing(gate: Gate) -> None:
    """PUB-024: the count stands on the last line."""
    body = ndjson({"count": 1}, offer(0))
    answer = await gate.ask("POST", f"/v1/snapshots?mark={await gate.mark()}", body=body, headers=LINES)
    assert (422, "snapshot-count-missing") == (answer.status, answer.code)


async def test_a_cut_gzip_withdraws_nothing(gate: Gate) -> None:
    """PUB-024: also when the cut falls behind the last line."""
    await published(gate, 3)
    body = gzip.compress(ndjson(offer(0), {"count": 1}))[:-3]
    answer = await gate.ask(
        "POST", f"/v1/snapshots?mark={await gate.mark()}", body=body, headers={**LINES, "Content-Encoding": "gzip"}
    )
    assert (400, "body-truncated") == (answer.status, answer.code)
    assert 3 == len(await gate.live())


async def test_an_invalid_offer_counts_as_present(gate: Gate) -> None:
    """PUB-025: a rule broken today must not withdraw what was good yesterday; the result says what is wrong."""
    await published(gate, 3)
    answer = await gate.snapshot(await gate.mark(), offer(0), offer(1, 2, sector="x"))
    assert ["queued", "refused"] == [item["status"] for item in answer.body["results"]]
    assert 1 == answer.body["withdrawn"]
    assert ["bretagne:0", "bretagne:1"] == await gate.live()


@pytest.mark.parametrize("line", [{"title": "no id"}, {"id": "bretagne:"}, 7])
async def test_an_unreadable_id_changes_nothing(gate: Gate, line: object) -> None:
    """PUB-025: it might be any of them."""
    await published(gate, 2)
    answer = await gate.snapshot(await gate.mark(), offer(0), line)
    assert (422, "snapshot-unreadable-id") == (answer.status, answer.code)
    assert "/1" == answer.body["pointer"]
    assert 2 == len(await gate.live())


async def test_the_same_id_twice_changes_nothing(gate: Gate) -> None:
    """PUB-026: a set holds each offer once."""
    answer = await gate.snapshot(await gate.mark(), offer(0), offer(0, 2))
    assert (422, "snapshot-duplicate-id") == (answer.status, answer.code)
    assert [] == await gate.submitted()


async def test_a_withdrawal_in_a_snapshot_changes_nothing(gate: Gate) -> None:
    """PUB-027: absence is the withdrawal."""
    answer = await gate.snapshot(
        await gate.mark(), offer(0), {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}
    )
    assert (422, "snapshot-withdrawal") == (answer.status, answer.code)
    assert [] == await gate.submitted()


async def test_a_snapshot_that_shrinks_too_much_asks_for_the_number(gate: Gate) -> None:
    """PUB-028: 409 with would_withdraw, until confirm names it."""
    await published(gate, 12)
    refused = await gate.snapshot(await gate.mark(), offer(0))
    assert (409, "snapshot-shrinks-too-much") == (refused.status, refused.code)
    assert 11 == refused.body["would_withdraw"]
    wrong = await gate.snapshot(await gate.mark(), offer(0), confirm=10)
    assert 409 == wrong.status
    assert 12 == len(await gate.live())
    agreed = await gate.snapshot(await gate.mark(), offer(0), confirm=11)
    assert (202, 11) == (agreed.status, agreed.body["withdrawn"])
    assert ["bretagne:0"] == await gate.live()


async def test_an_empty_snapshot_asks_for_the_number(gate: Gate) -> None:
    """PUB-028: even of one offer."""
    await published(gate, 1)
    refused = await gate.snapshot(await gate.mark())
    assert (409, 1) == (refused.status, refused.body["would_withdraw"])
    assert 202 == (await gate.snapshot(await gate.mark(), confirm=1)).status
    assert [] == await gate.live()
    # The clock has not moved, and yet this is a later mark.
    nothing = await gate.snapshot(await gate.mark())
    assert (200, 0, []) == (nothing.status, nothing.body["withdrawn"], nothing.body["results"])


@pytest.mark.parametrize("lines", [{}, {"sector": "x"}])
async def test_a_snapshot_that_would_leave_no_live_offer_asks_for_the_number(gate: Gate, lines: dict[str, str]) -> None:
    """PUB-028: nine of nine offers go for one line that is refused, or that is stale once it is decided."""
    await published(gate, 9)
    await gate.put(offer("old", 5))
    await gate.ask("DELETE", "/v1/offers/bretagne:old?revision=6&reason=filled", headers={"Prefer": "wait=10"})
    refused = await gate.snapshot(await gate.mark(), offer("old", 5, **lines))
    assert (409, "snapshot-shrinks-too-much") == (refused.status, refused.code)
    assert 9 == refused.body["would_withdraw"]
    assert 9 == len(await gate.live())
    for wrong in (0, 8, 10):
        assert 409 == (await gate.snapshot(await gate.mark(), offer("old", 5, **lines), confirm=wrong)).status
    assert 202 == (await gate.snapshot(await gate.mark(), offer("old", 5, **lines), confirm=9)).status
    assert [] == await gate.live()


async def test_a_small_set_that_is_replaced_by_another_asks_nothing(gate: Gate) -> None:
    """PUB-028: a live offer remains, or comes; nor does a refused line ask by itself."""
    await published(gate, 3)
    first = await gate.snapshot(await gate.mark(), offer("new"), offer("wrong", sector="x"))
    assert (202, 3) == (first.status, first.body["withdrawn"])
    assert ["bretagne:new"] == await gate.live()
    gate.clock.at += 1_000
    kept = await gate.snapshot(await gate.mark(), offer("new", 2, sector="x"))
    assert (200, 0) == (kept.status, kept.body["withdrawn"])
    assert ["bretagne:new"] == await gate.live()


async def test_an_absent_offer_that_returns_is_published_again(gate: Gate) -> None:
    """WDR-008: with the same revision, by a later snapshot."""
    await published(gate, 2)
    await gate.snapshot(await gate.mark(), offer(0))
    assert ["bretagne:0"] == await gate.live()
    gate.clock.at += 1_000
    await gate.snapshot(await gate.mark(), offer(0), offer(1))
    assert ["bretagne:0", "bretagne:1"] == await gate.live()


async def test_a_snapshot_is_lines_only(gate: Gate) -> None:
    """ERR-004: an array has no last line."""
    answer = await gate.ask("POST", f"/v1/snapshots?mark={await gate.mark()}", json=[offer(0), {"count": 1}])
    assert (415, "media-type") == (answer.status, answer.code)
