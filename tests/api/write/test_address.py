"""Offer ids in addresses: one rule for every method that takes one."""

import pytest

from tests.api.write.gateway_harness import GatewayHarness, offer
from tests.raw_http import RawConnection

CALLS = {
    b"GET /v1/offers/%s": ("offers:read", b""),
    b"HEAD /v1/offers/%s": ("offers:read", b""),
    b"PUT /v1/offers/%s": ("offers:publish", b"{}"),
    b"DELETE /v1/offers/%s?revision=9": ("offers:publish", b""),
    b"POST /v1/offers/%s/moderation": ("operate", b'{"action": "moderate"}'),
}
TAKEN = [
    b"bretagne:a-1",
    b"bretagne%3Aa-1",
    b"bretagne%3aa-1",
    b"bretagne:a%2D1",
    b"bretagne:%61-1",
    b"%62retagne:a-1",
    b"%62%72%65%74%61%67%6E%65%3A%61%2D%31",
]
REFUSED = [
    b"bretagne",
    b"bretagne%253Aa-1",
    b"bretagne:a%252D1",
    b"bretagne:a%2F1",
    b"bretagne:a%5C1",
    b"bretagne:a%001",
    b"bretagne:a%0A",
    b"bretagne:a%201",
    b"bretagne:a+1",
    b"bretagne:a%",
    b"bretagne:a%2",
    b"bretagne:a%zz",
    b"bretagne:%C3%A9",
    b"bretagne:%E9",
    b"bretagne:%FF%FE",
    b"bretagne:%EF%BC%A1",
    b"bretagne%3A%3Aa",
    b"Bretagne:a-1",
    b"%42retagne:a-1",
    b"bretagne:" + b"%61" * 61,
    b"%2E%2E",
    b"gateway:%",
]


async def _status(gateway: GatewayHarness, call: bytes, sent: bytes) -> tuple[int, str]:
    """The status, and the code of the problem where there is one."""
    _, body = CALLS[call]
    head = call.startswith(b"HEAD")
    connection = await RawConnection.open(gateway.port)
    fields = b"Host: x\r\nAuthorization: Bearer bretagne\r\nContent-Type: application/json\r\nPrefer: wait=10\r\n"
    await connection.send(call % sent + b" HTTP/1.1\r\n" + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    answer = await connection.answer(head=head)
    await connection.close()
    assert answer is not None
    return answer.status, "" if head or answer.status < 400 else str(answer.document["code"])


@pytest.mark.parametrize("sent", TAKEN)
async def test_an_address_that_decodes_to_a_canonical_id_names_its_offer(gateway: GatewayHarness, sent: bytes) -> None:
    """IDN-005: for every method alike; generated clients send ``%3A``."""
    await gateway.put(offer("a-1"))
    answers = {}
    for call in CALLS:
        await gateway.settled()  # a command of the operator loses to a change that the view does not show yet (WDR-006)
        answers[call] = (await _status(gateway, call, sent))[0]
    assert [200, 200, 422, 200, 200] == list(answers.values()), answers


@pytest.mark.parametrize("sent", REFUSED)
async def test_any_other_address_is_refused_alike(gateway: GatewayHarness, sent: bytes) -> None:
    """IDN-005: double encodings, encoded slashes, bytes that are no ASCII."""
    answers = {call: await _status(gateway, call, sent) for call in CALLS}
    assert {400} == {status for status, _ in answers.values()}, answers
    assert {"id-in-path", ""} == {code for _, code in answers.values()}, answers


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("sent", [b"", b"bretagne:a/1", b"bretagne:a;/../1"])
async def test_an_address_that_is_no_segment_is_not_found(gateway: GatewayHarness, call: bytes, sent: bytes) -> None:
    """IDN-005"""
    status, _ = await _status(gateway, call, sent)
    assert 404 == status


async def test_an_encoded_id_is_published_under_its_canonical_form(gateway: GatewayHarness) -> None:
    """IDN-005"""
    answer = await gateway.ask("PUT", "/v1/offers/bretagne%3A7", json=offer(7), headers={"Prefer": "wait=10"})
    assert (201, "bretagne:7") == (answer.status, answer.body["id"])
    assert ["bretagne:7"] == await gateway.live()
