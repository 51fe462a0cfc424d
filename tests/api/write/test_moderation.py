"""Moderation over HTTP: by the operator only, and above every publication."""

import asyncio

import pytest

from gateway.protocol.journal import read_entry
from gateway.protocol.receipt import AFTER_LIFT
from gateway.protocol.topic import COMMON, JOURNAL, OFFERS, RECEIPTS, SUBMISSIONS
from tests.api.write.gateway_harness import Answer, GatewayHarness, offer

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


async def test_lifting_an_offer_that_is_not_moderated_is_a_conflict(gateway: GatewayHarness) -> None:
    """WDR-007: answered as a conflict."""
    await gateway.put(offer(1))
    await gateway.settled()
    assert (409, "not-moderated") == await moderate(gateway, "lift")


@pytest.mark.parametrize(
    "body", [{}, {"action": "lift", "reason": 5}, {"action": "lift", "why": "x"}, ["lift"], "lift"]
)
async def test_nothing_but_an_action_and_a_reason_is_taken(gateway: GatewayHarness, body: object) -> None:
    """ERR-001"""
    answer = await gateway.ask("POST", "/v1/offers/bretagne:1/moderation", json=body)
    assert (400, "body-malformed") == (answer.status, answer.code)


REASON = "Cette adresse n’est pas celle d’un employeur"


async def moderated(gateway: GatewayHarness, reason: str = REASON, action: str = "moderate") -> Answer:
    document = {"action": action, "reason": reason}
    answer = await gateway.ask(
        "POST", "/v1/offers/bretagne:1/moderation", json=document, who="normandie/operate", headers=WAIT
    )
    await gateway.settled()
    return answer


async def test_its_publisher_reads_the_reason_in_the_receipt_and_nobody_else(gateway: GatewayHarness) -> None:
    """WDR-007: not even as a receipt that exists."""
    await gateway.put(offer(1))
    receipt = (await moderated(gateway)).body
    assert {"action": "moderate", "reason": REASON} == receipt["moderation"]
    [listed] = (await gateway.ask("GET", "/v1/receipts?order=newest&limit=1")).body["receipts"]
    assert receipt["moderation"] == listed["moderation"]
    path = f"/v1/receipts/{receipt['receipt']}"
    assert REASON == (await gateway.ask("GET", path)).body["moderation"]["reason"]
    assert 404 == (await gateway.ask("GET", path, who="normandie/offers:publish")).status
    lifted = (await moderated(gateway, "Corrigée", "lift")).body
    assert {"action": "lift", "reason": "Corrigée", "next": AFTER_LIFT} == lifted["moderation"]


async def test_a_lifted_offer_comes_back_with_its_next_publication_as_the_receipt_says(gateway: GatewayHarness) -> None:
    """WDR-007."""
    await gateway.put(offer(1))
    await moderated(gateway)
    text = (await moderated(gateway, "Corrigée", "lift")).body["moderation"]["next"]
    assert ("révision plus haute" in text["fr"], "higher revision" in text["en"]) == (True, True)
    assert [] == await gateway.live()
    await gateway.put(offer(1, 2))
    await gateway.settled()
    assert 1 == len(await gateway.live())


async def test_a_reason_is_part_of_no_removal(gateway: GatewayHarness) -> None:
    """WDR-007, FEED-008: neither on the topic of offers nor in the feed of a reader or of the publisher."""
    await gateway.put(offer(1))
    await gateway.settled()
    feeds = {who: await gateway.ask("GET", "/v1/changes?territory=all", who=who) for who in ("normandie", "bretagne")}
    await moderated(gateway)
    for who, before in feeds.items():
        path = f"/v1/changes?territory=all&cursor={before.body['cursor']}"
        assert "employeur" not in (await gateway.ask("GET", path, who=who)).raw.decode()
    assert "employeur" not in (await gateway.ask("GET", "/v1/offers/bretagne:1")).raw.decode()
    holding = {t.name for t in COMMON if any(b"employeur" in (r.value or b"") for r in await gateway.records(t.name))}
    assert {SUBMISSIONS, RECEIPTS, JOURNAL} == holding


async def test_contact_data_in_a_reason_is_nowhere(gateway: GatewayHarness) -> None:
    """SEC-003, OFR-034"""
    await gateway.put(offer(1))
    answer = await moderated(gateway, "Signalé par personne@example.org, 06 12 34 56 78")
    assert "Signalé par […], […]" == answer.body["moderation"]["reason"]
    written = b"".join([record.value or b"" for topic in COMMON for record in await gateway.records(topic.name)])
    assert b"personne@example.org" not in written
    assert b"06 12" not in written


async def test_a_moderation_without_a_reason_has_the_receipt_of_before(gateway: GatewayHarness) -> None:
    """WDR-007: the record on the log is the same as that of an earlier version."""
    await gateway.put(offer(1))
    assert "moderation" not in (await moderated(gateway, " ")).body
    assert "why" not in (await gateway.submitted())[-1]


@pytest.mark.parametrize("reason", ["x" * 1_001, "a\u0000b"])
async def test_a_reason_that_no_receipt_may_have_is_refused(gateway: GatewayHarness, reason: str) -> None:
    """ERR-001"""
    await gateway.put(offer(1))
    answer = await moderated(gateway, reason)
    assert (400, "body-malformed") == (answer.status, answer.code)


async def test_asked_twice_is_a_conflict_and_changes_nothing(gateway: GatewayHarness) -> None:
    """WDR-007: no command, no receipt, no entry."""
    await gateway.put(offer(1))
    await moderated(gateway)
    before = [len(await gateway.records(topic)) for topic in (SUBMISSIONS, RECEIPTS, JOURNAL)]
    again = await moderated(gateway, "Another reason")
    assert (409, "already-moderated") == (again.status, again.code)
    assert before == [len(await gateway.records(topic)) for topic in (SUBMISSIONS, RECEIPTS, JOURNAL)]


async def test_every_moderation_is_in_the_journal_under_its_client(gateway: GatewayHarness) -> None:
    """WDR-007"""
    await gateway.put(offer(1))
    await moderated(gateway)
    await moderated(gateway, "Corrigée", "lift")
    found = [read_entry(record.value or b"") for record in await gateway.records(JOURNAL)]
    assert [("offer.moderate", REASON), ("offer.lift", "Corrigée")] == [(entry.act, entry.why) for entry in found]
    assert {("bretagne:1", "normandie", None)} == {(entry.about, entry.client, entry.person) for entry in found}
