"""Moderation over HTTP: by the operator only, and above every publication."""

import asyncio

import pytest

from gateway.protocol.topic import COMMON, OFFERS
from tests.api_write.gateway_harness import GatewayHarness, offer

WAIT = {"Prefer": "wait=10"}


async def moderate(
    gateway: GatewayHarness, action: object, *, number: int = 1, who: str = "normandie/operate"
) -> tuple[int, str]:
    path = f"/v1/offers/bretagne:{number}/moderation"
    answer = await gateway.ask("POST", path, json={"action": action}, who=who, headers=WAIT)
    return answer.status, answer.body.get("verdict") or answer.body["code"]


async def test_a_moderated_offer_stays_away_until_it_is_lifted(gateway: GatewayHarness) -> None:
    """WDR-007: publishes are refused meanwhile; a higher revision brings it back afterwards."""
    await gateway.put(offer(1))
    await gateway.settled()
    assert (200, "accepted") == await moderate(gateway, "moderate")
    assert [] == await gateway.live()
    refused = await gateway.put(offer(1, 2))
    assert (409, "moderated") == (refused.status, refused.body["problems"][0]["code"])
    assert (200, "accepted") == await moderate(gateway, "lift")
    await gateway.settled()
    assert 201 == (await gateway.put(offer(1, 3))).status
    await gateway.settled()
    assert (200, "accepted") == await moderate(gateway, "moderate")


async def test_an_offer_accepted_a_moment_ago_is_known(gateway: GatewayHarness) -> None:
    """WDR-006: the command waits for the view, and concerns the revision that was accepted before it."""
    await gateway.harness.stop(OFFERS)
    assert 201 == (await gateway.put(offer(1))).status
    assert 200 == (await gateway.put(offer(1, 2))).status
    moderating = asyncio.create_task(moderate(gateway, "moderate"))
    await asyncio.sleep(0.05)
    assert not moderating.done()
    gateway.harness.start(OFFERS)
    assert (200, "accepted") == await moderating
    assert [] == await gateway.live()


async def test_moderating_twice_is_one_command(gateway: GatewayHarness) -> None:
    """RCP-003: the same state, the same receipt."""
    await gateway.put(offer(1))
    await gateway.settled()
    path = "/v1/offers/bretagne:1/moderation"
    answers = [
        await gateway.ask("POST", path, json={"action": "moderate"}, who="normandie/operate", headers=headers)
        for headers in ({}, WAIT)
    ]
    assert [answer.status for answer in answers] in ([202, 200], [202, 409])


async def test_only_an_operator_moderates(gateway: GatewayHarness) -> None:
    """SEC-002: the scope is asked for, not the platform."""
    await gateway.put(offer(1))
    assert (403, "scope-missing") == await moderate(gateway, "moderate", who="bretagne/offers:publish")


async def test_an_unknown_offer_cannot_be_moderated(gateway: GatewayHarness) -> None:
    """ERR-003: there is nothing to withdraw."""
    assert (404, "offer-unknown") == await moderate(gateway, "moderate", number=9)


@pytest.mark.parametrize("action", ["delete", None, ["moderate"]])
async def test_an_unknown_action_is_refused(gateway: GatewayHarness, action: object) -> None:
    """ERR-001: two words, nothing else."""
    assert (400, "body-malformed") == await moderate(gateway, action)


async def test_lifting_an_offer_that_is_not_moderated_is_stale(gateway: GatewayHarness) -> None:
    """WDR-006: answered as a conflict."""
    await gateway.put(offer(1))
    await gateway.settled()
    assert (409, "stale") == await moderate(gateway, "lift")


@pytest.mark.parametrize(
    "body", [{}, {"action": "lift", "reason": 5}, {"action": "lift", "why": "x"}, ["lift"], "lift"]
)
async def test_nothing_but_an_action_and_a_reason_is_taken(gateway: GatewayHarness, body: object) -> None:
    """ERR-001"""
    answer = await gateway.ask("POST", "/v1/offers/bretagne:1/moderation", json=body)
    assert (400, "body-malformed") == (answer.status, answer.code)


async def test_a_reason_is_neither_stored_nor_returned(gateway: GatewayHarness) -> None:
    """SEC-003: it may name people."""
    await gateway.put(offer(1))
    await gateway.settled()
    asked = {"action": "moderate", "reason": "Signalé par Mme Personne"}
    answer = await gateway.ask("POST", "/v1/offers/bretagne:1/moderation", json=asked, headers=WAIT)
    await gateway.settled()
    written = [record.value or b"" for topic in COMMON for record in await gateway.records(topic.name)]
    assert 200 == answer.status
    assert b"Personne" not in answer.raw + b"".join(written)
