"""Moderation over HTTP: only the operator, and it loses to nothing but the truth."""

import asyncio

import pytest

from gateway.protocol.topic import COMMON, OFFERS
from tests.api_write.gate import Gate, offer

WAIT = {"Prefer": "wait=10"}


async def moderate(gate: Gate, action: object, *, number: int = 1, who: str = "normandie/operate") -> tuple[int, str]:
    path = f"/v1/offers/bretagne:{number}/moderation"
    answer = await gate.ask("POST", path, json={"action": action}, who=who, headers=WAIT)
    return answer.status, answer.body.get("verdict") or answer.body["code"]


async def test_a_moderated_offer_stays_away_until_it_is_lifted(gate: Gate) -> None:
    """WDR-007: publishes are refused meanwhile; a higher revision brings it back afterwards."""
    await gate.put(offer(1))
    await gate.settled()
    assert (200, "accepted") == await moderate(gate, "moderate")
    assert [] == await gate.live()
    refused = await gate.put(offer(1, 2))
    assert (409, "moderated") == (refused.status, refused.body["problems"][0]["code"])
    assert (200, "accepted") == await moderate(gate, "lift")
    await gate.settled()
    assert 201 == (await gate.put(offer(1, 3))).status
    await gate.settled()
    assert (200, "accepted") == await moderate(gate, "moderate")


async def test_an_offer_accepted_a_moment_ago_is_known(gate: Gate) -> None:
    """WDR-006: the command waits for the view, and concerns the revision that was accepted before it."""
    await gate.harness.stop(OFFERS)
    assert 201 == (await gate.put(offer(1))).status
    assert 200 == (await gate.put(offer(1, 2))).status
    moderating = asyncio.create_task(moderate(gate, "moderate"))
    await asyncio.sleep(0.05)
    assert not moderating.done()
    gate.harness.start(OFFERS)
    assert (200, "accepted") == await moderating
    assert [] == await gate.live()


async def test_moderating_twice_is_one_command(gate: Gate) -> None:
    """RCP-003: the same state, the same receipt."""
    await gate.put(offer(1))
    await gate.settled()
    path = "/v1/offers/bretagne:1/moderation"
    answers = [
        await gate.ask("POST", path, json={"action": "moderate"}, who="normandie/operate", headers=headers)
        for headers in ({}, WAIT)
    ]
    assert [answer.status for answer in answers] in ([202, 200], [202, 409])


async def test_only_an_operator_moderates(gate: Gate) -> None:
    """SEC-002: the scope is asked for, not the platform."""
    await gate.put(offer(1))
    assert (403, "scope-missing") == await moderate(gate, "moderate", who="bretagne/offers:publish")


async def test_an_unknown_offer_cannot_be_moderated(gate: Gate) -> None:
    """ERR-003: there is nothing to withdraw."""
    assert (404, "offer-unknown") == await moderate(gate, "moderate", number=9)


@pytest.mark.parametrize("action", ["delete", None, ["moderate"]])
async def test_an_unknown_action_is_refused(gate: Gate, action: object) -> None:
    """ERR-001: two words, nothing else."""
    assert (400, "body-malformed") == await moderate(gate, action)


async def test_lifting_what_is_not_moderated_is_stale(gate: Gate) -> None:
    """WDR-006: told as a conflict."""
    await gate.put(offer(1))
    await gate.settled()
    assert (409, "stale") == await moderate(gate, "lift")


@pytest.mark.parametrize(
    "body", [{}, {"action": "lift", "reason": 5}, {"action": "lift", "why": "x"}, ["lift"], "lift"]
)
async def test_nothing_but_an_action_and_a_reason_is_taken(gate: Gate, body: object) -> None:
    """ERR-001"""
    answer = await gate.ask("POST", "/v1/offers/bretagne:1/moderation", json=body)
    assert (400, "body-malformed") == (answer.status, answer.code)


async def test_a_reason_is_neither_stored_nor_told(gate: Gate) -> None:
    """SEC-003: it may name people."""
    await gate.put(offer(1))
    await gate.settled()
    asked = {"action": "moderate", "reason": "Signalé par Mme Personne"}
    answer = await gate.ask("POST", "/v1/offers/bretagne:1/moderation", json=asked, headers=WAIT)
    await gate.settled()
    written = [record.value or b"" for topic in COMMON for record in await gate.records(topic.name)]
    assert 200 == answer.status
    assert b"Personne" not in answer.raw + b"".join(written)
