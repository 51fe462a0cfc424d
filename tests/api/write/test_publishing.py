"""Single offers: PUT, DELETE, waiting, dry runs, and unusual addresses."""

import asyncio
from pathlib import Path

import pytest

from gateway.protocol.topic import OFFERS
from tests.api.write.gateway_harness import GatewayHarness, offer, opened
from tests.memory_log import WriteFault


async def test_a_new_offer_is_created_then_updated_then_a_duplicate(gateway: GatewayHarness) -> None:
    """PUB-001, PUB-005: the decision, for a client that waits for it."""
    first = await gateway.put(offer(1))
    assert (201, "accepted") == (first.status, first.body["verdict"])
    assert "wait=10" == first.headers["Preference-Applied"]
    second = await gateway.put(offer(1, 2))
    assert (200, "accepted") == (second.status, second.body["verdict"])
    again = await gateway.put(offer(1, 2))
    assert (200, "duplicate") == (again.status, again.body["verdict"])


async def test_stale_and_reused_revisions_are_conflicts(gateway: GatewayHarness) -> None:
    """PUB-005: 409, with the receipt that says why."""
    await gateway.put(offer(1, 5))
    stale = await gateway.put(offer(1, 4))
    assert (409, "stale") == (stale.status, stale.body["verdict"])
    reused = await gateway.put(offer(1, 5, title="Autre chose"))
    assert (409, "rejected") == (reused.status, reused.body["verdict"])
    assert "revision-reused" == reused.body["problems"][0]["code"]


async def test_without_waiting_it_is_queued_and_the_receipt_follows(gateway: GatewayHarness) -> None:
    """PUB-004: 202 once it is durable, with the address of the receipt."""
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(1))
    assert (202, "pending") == (answer.status, answer.body["verdict"])
    assert f"/v1/receipts/{answer.body['receipt']}" == answer.headers["Location"]
    await gateway.settled()
    receipt = await gateway.ask("GET", answer.headers["Location"])
    assert "accepted" == receipt.body["verdict"]


async def test_a_decision_that_does_not_come_in_time_is_pending(tmp_path: Path) -> None:
    """PUB-005: 202 when the time is up."""
    async with opened(tmp_path, working=False) as gateway:
        answer = await gateway.put(offer(1), headers={"Prefer": "respond-async, wait=1"})
        assert (202, "wait=1") == (answer.status, answer.headers["Preference-Applied"])


async def test_an_offer_with_faults_stores_nothing_and_says_all_of_them(gateway: GatewayHarness) -> None:
    """PUB-003: 422 with every problem, in the language asked for; nothing is stored."""
    wrong = offer(1, title="<b>Gras</b>", sector="x", unknown=1)
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", json=wrong, headers={"Accept-Language": "en"})
    assert (422, "submission-refused") == (answer.status, answer.code)
    assert {"/title", "/sector", "/unknown"} <= {problem["pointer"] for problem in answer.body["problems"]}
    assert "en" == answer.headers["Content-Language"]
    assert [] == await gateway.submitted()


async def test_an_offer_of_another_platform_is_forbidden_known_or_not(gateway: GatewayHarness) -> None:
    """IDN-003, SEC-005: the same 403 whether it exists or not."""
    await gateway.put(offer(1, platform="normandie"), who="normandie")
    known = await gateway.put(offer(1, 2, platform="normandie"))
    unknown = await gateway.put(offer(2, 2, platform="normandie"))
    assert [403, 403] == [known.status, unknown.status]
    assert known.raw.replace(b"normandie:1", b"normandie:2") == unknown.raw
    withdrawn = await gateway.ask("DELETE", "/v1/offers/normandie:1?revision=9")
    assert 403 == withdrawn.status


async def test_two_ids_are_refused(gateway: GatewayHarness) -> None:
    """IDN-005: the address and the content must name the same offer."""
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(2))
    assert (422, "id-mismatch") == (answer.status, answer.code)
    faulty = await gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(2, sector="x"))
    assert "id-mismatch" in [problem["code"] for problem in faulty.body["problems"]]
    assert [] == await gateway.submitted()


@pytest.mark.parametrize(
    "path",
    [
        "bretagne:1%2f2",
        "bretagne:1%2F..%2F2",
        "bretagne:1%00",
        "bretagne%3A1%0a",
        "bretagne:%2531",
        "bretagne::1",
        "..%2fbretagne:1",
        "BRETAGNE:1",
        "bretagne:",
        "bretagne:" + "a" * 61,
        "batch",
    ],
)
async def test_ids_that_are_not_canonical_never_get_in(gateway: GatewayHarness, path: str) -> None:
    """IDN-001 IDN-005: decoded once from the bytes of the request line."""
    assert 400 == await raw_status(gateway, "PUT", f"/v1/offers/{path}")
    assert [] == await gateway.submitted()


@pytest.mark.parametrize("path", ["../offers/bretagne:1/..", "./bretagne:1", "/bretagne:1", "bretagne:1/"])
async def test_paths_that_climb_lead_nowhere(gateway: GatewayHarness, path: str) -> None:
    """IDN-001: dots and doubled slashes are not resolved."""
    assert await raw_status(gateway, "PUT", f"/v1/offers/{path}") in {400, 404}


async def test_a_percent_encoded_colon_is_the_only_encoding_taken(gateway: GatewayHarness) -> None:
    """IDN-001: many clients encode the colon without being asked."""
    assert 202 == await raw_status(gateway, "DELETE", "/v1/offers/bretagne%3A1?revision=1")


async def raw_status(gateway: GatewayHarness, method: str, path: str) -> int:
    """The status for a request line that no client library has normalised."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bretagne\r\n"
        "Content-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    )
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


async def test_a_withdrawal_leaves_a_marker(gateway: GatewayHarness) -> None:
    """PUB-002, WDR-011: gone for others, 410 with the marker for its publisher."""
    await gateway.put(offer(1))
    answer = await gateway.ask(
        "DELETE", "/v1/offers/bretagne:1?revision=2&reason=filled", headers={"Prefer": "wait=10"}
    )
    assert (200, "accepted") == (answer.status, answer.body["verdict"])
    await gateway.settled()
    mine = await gateway.ask("GET", "/v1/offers/bretagne:1")
    assert (410, "filled") == (mine.status, mine.body["marker"]["reason"])
    assert 404 == (await gateway.ask("GET", "/v1/offers/bretagne:1", who="normandie")).status


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "parameter-missing"),
        ("?revision=0", "parameter-invalid"),
        ("?revision=9007199254740992", "parameter-invalid"),
        ("?revision=1e3", "parameter-invalid"),
        ("?revision=1&revision=2", "parameter-invalid"),
        ("?revision=1&reason=expired", "parameter-invalid"),
        ("?revision=1&raison=filled", "parameter-unknown"),
        ("?revision=1&dry_run=yes", "parameter-invalid"),
    ],
)
async def test_wrong_parameters_are_named(gateway: GatewayHarness, query: str, code: str) -> None:
    """ERR-002: also unknown ones, since ignoring them would hide a misspelling."""
    answer = await gateway.ask("DELETE", f"/v1/offers/bretagne:1{query}")
    assert (400, code) == (answer.status, answer.code)


async def test_a_withdrawal_has_no_body(gateway: GatewayHarness) -> None:
    """PUB-002: its parameters are in its address."""
    answer = await gateway.ask("DELETE", "/v1/offers/bretagne:1?revision=1", json={"reason": "filled"})
    assert (400, "body-unexpected") == (answer.status, answer.code)


async def test_a_dry_run_judges_and_stores_nothing(gateway: GatewayHarness) -> None:
    """PUB-006: the verdict only, with the offer as it would be relayed."""
    good = await gateway.put(offer(1), query="?dry_run=true")
    assert (200, "valid", 2) == (good.status, good.body["status"], good.body["offer"]["stay_weeks"])
    bad = await gateway.put(offer(1, sector="x"), query="?dry_run=true")
    assert 422 == bad.status
    gone = await gateway.ask("DELETE", "/v1/offers/bretagne:1?revision=1&dry_run=true")
    assert {"id": "bretagne:1", "status": "valid", "problems": []} == gone.body
    assert [] == await gateway.submitted()


async def test_bodies_of_the_wrong_kind_are_refused(gateway: GatewayHarness) -> None:
    """ERR-004, ERR-005: by type, encoding and size, before parsing."""
    path = "/v1/offers/bretagne:1"
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=latin-1"}):
        assert "media-type" == (await gateway.ask("PUT", path, body=b"{}", headers=headers)).code
    zipped = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert "content-encoding" == (await gateway.ask("PUT", path, body=b"{}", headers=zipped)).code
    large = await gateway.ask("PUT", path, body=b" " * 100_001, headers={"Content-Type": "application/json"})
    assert (413, "body-too-large") == (large.status, large.code)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xef\xbb\xbf{}",
        b"\xff{}",
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":1,"a":2}',
        b"[" * 10_000,
        b'{"id":"\\ud800"}',
    ],
)
async def test_text_that_not_every_json_parser_accepts_is_refused(gateway: GatewayHarness, raw: bytes) -> None:
    """PUB-003: never a 500, whatever the bytes."""
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", body=raw, headers={"Content-Type": "application/json"})
    assert (422, "submission-refused") == (answer.status, answer.code)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (WriteFault.REFUSED, "log-unavailable"),
        (WriteFault.UNANSWERED, "outcome-unknown"),
        (WriteFault.LOST, "outcome-unknown"),
    ],
)
async def test_a_log_that_fails_is_503_and_resending_is_safe(
    gateway: GatewayHarness, fault: WriteFault, code: str
) -> None:
    """ERR-009: 503 means unknown; the same revision may be sent again."""
    await gateway.settled()
    gateway.log.inject(fault)  # no other client writes now
    answer = await gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(1))
    assert (503, code) == (answer.status, answer.code)
    assert int(answer.headers["Retry-After"]) > 0
    again = await gateway.put(offer(1))
    assert again.body["verdict"] in {"accepted", "duplicate"}
    assert ["bretagne:1"] == await gateway.live()


async def test_the_trace_context_travels_to_the_offer(gateway: GatewayHarness) -> None:
    """PUB-007: traceparent is carried into the records' headers; a malformed one is dropped."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await gateway.put(offer(1), headers={"traceparent": trace})
    await gateway.put(offer(2), headers={"traceparent": "00-zz"})
    await gateway.settled()
    found = {record.key: record.header("traceparent") for record in await gateway.records(OFFERS)}
    assert {b"bretagne:1": trace, b"bretagne:2": None} == found
