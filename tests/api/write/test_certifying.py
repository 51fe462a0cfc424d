"""Certificates over HTTP: nonces, certificates from evidence under the gateway's key, and their revocation."""

from typing import Any

import pytest

from gateway.oauth.token import verify_certificate
from gateway.protocol.journal import read_entry
from gateway.protocol.record import utc
from gateway.protocol.topic import JOURNAL
from schemas.kit_cases import kit_version, seed_of
from tests.api.write.gateway_harness import Answer, GatewayHarness
from tests.api.write.test_openapi import held_to
from tests.harness import KEYS, URL
from tests.protocol.certified import evidence, report

OPERATOR = "normandie/operate"


async def act(gateway: GatewayHarness, path: str, body: Any, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await gateway.ask("POST", f"/v1/partners/bretagne/{path}", json=body, who=OPERATOR, headers=sent)
    assert [] == held_to("POST", f"/v1/partners/{{platform}}/{path}", answer), answer.raw
    return answer


async def fresh(gateway: GatewayHarness, **more: Any) -> dict[str, Any]:
    """Evidence of a run that has just ended, with a nonce that was issued over HTTP before it."""
    issued = (await act(gateway, "nonces", {})).body
    assert kit_version() == issued["kit"]
    gateway.clock.move(600)
    seed = seed_of(issued["nonce"], platform="bretagne", role="publisher")
    times = {"began": utc(gateway.clock() - 120_000), "milliseconds": 60_000, "seed": seed}
    return evidence(report(**{**times, **more}), nonce=issued["nonce"])


async def acts(gateway: GatewayHarness) -> list[tuple[str, str | None]]:
    found = [read_entry(record.value or b"") for record in await gateway.records(JOURNAL)]
    return [(entry.act, entry.client) for entry in found]


async def certified(gateway: GatewayHarness) -> list[str]:
    answer = await gateway.ask("GET", "/v1/partners/bretagne", who=OPERATOR)
    return [one["role"] for one in answer.body["certificates"]]


async def test_evidence_becomes_a_certificate_once(gateway: GatewayHarness) -> None:
    """CER-002, CER-004"""
    document = await fresh(gateway)
    signed = await act(gateway, "certificates", {"evidence": document, "days": 90, "reason": "Examined"})
    assert 201 == signed.status
    certificate = verify_certificate(signed.body["signed"], keys=KEYS.verifiers, now=gateway.clock())
    assert (URL, "bretagne", "publisher") == (certificate.issuer, certificate.platform, certificate.role)
    assert ("own-word", None) == (signed.body["statement"]["basis"], certificate.replayed_at)
    assert 90 * 24 * 3_600_000 == certificate.expires_at - certificate.issued_at
    assert ["publisher"] == await certified(gateway)
    again = await act(gateway, "certificates", {"evidence": document}, Accept_Language="en")
    assert (422, "evidence-insufficient") == (again.status, again.code)
    assert any("nonce" in finding for finding in again.body["findings"])
    assert ["publisher"] == await certified(gateway)
    revoked = await act(gateway, "certificates/revocation", {"role": "publisher"})
    assert {"platform": "bretagne", "role": "publisher"} == revoked.body
    assert [] == await certified(gateway)
    assert 404 == (await act(gateway, "certificates/revocation", {"role": "publisher"})).status
    expected = ["certificate.nonce", "certificate.sign", "certificate.revoke"]
    assert [(name, "normandie") for name in expected] == await acts(gateway)


@pytest.mark.parametrize(("members", "basis"), [({}, "own-word"), ({"replayed": True}, "replay")])
async def test_a_certificate_and_the_list_of_platforms_tell_what_it_rests_on(
    gateway: GatewayHarness, members: dict[str, Any], basis: str
) -> None:
    """CER-006"""
    signed = await act(gateway, "certificates", {"evidence": await fresh(gateway), **members})
    at = gateway.clock() // 1_000 * 1_000 if members else None
    certificate = verify_certificate(signed.body["signed"], keys=KEYS.verifiers, now=gateway.clock())
    assert (basis, at) == (certificate.basis, certificate.replayed_at)
    listed = (await gateway.ask("GET", "/v1/platforms", who="normandie/offers:read")).body["platforms"]
    [entry] = next(each["certificates"] for each in listed if each["platform"] == "bretagne")
    assert (basis, at and utc(at)) == (entry["basis"], entry["replayed"])


async def test_insufficient_evidence_signs_nothing_and_says_why(gateway: GatewayHarness) -> None:
    """CER-004: in the language that was asked for."""
    document = await fresh(gateway)
    wrong = {**document, "nonce": "another-nonce-of-no-one"}
    french = await act(gateway, "certificates", {"evidence": wrong})
    english = await act(gateway, "certificates", {"evidence": wrong}, Accept_Language="en")
    assert {(422, "evidence-insufficient")} == {(one.status, one.code) for one in (french, english)}
    assert french.body["findings"] != english.body["findings"]
    for document in ({}, {"evidence": "x"}, {"a": {"b": [[[[]]]]}}):
        assert 422 == (await act(gateway, "certificates", {"evidence": document})).status
    assert [] == await certified(gateway)
    assert [("certificate.nonce", "normandie")] == await acts(gateway)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("nonces", {"days": 0}),
        ("nonces", {"days": 91}),
        ("nonces", {"days": "30"}),
        ("certificates", {}),
        ("certificates", {"evidence": "x"}),
        ("certificates", {"evidence": {}, "days": 1_097}),
        ("certificates/revocation", {}),
        ("certificates/revocation", {"role": "operator"}),
        ("certificates/revocation", {"role": ["publisher"]}),
    ],
)
async def test_a_malformed_body_is_refused(gateway: GatewayHarness, path: str, body: Any) -> None:
    """ERR-002"""
    assert (400, "body-malformed") == ((answer := await act(gateway, path, body)).status, answer.code)
    assert [] == await acts(gateway)


async def test_evidence_beyond_its_limit_is_refused(gateway: GatewayHarness) -> None:
    """ERR-005"""
    body = {"evidence": {"evidence": "x" * (4 * 1024 * 1024)}}
    assert 413 == (await act(gateway, "certificates", body)).status
