"""The history of one offer, from its receipts, its state and its delivery alone."""

from dataclasses import replace
from typing import Any

import pytest

import schemas
from gateway.federation.offers import HistoryFacts, refused_item
from gateway.pages.partner.history import refusal, standing, steps
from gateway.protocol.delivery import Delivery, DeliveryPart, State
from gateway.protocol.record import OfferState, utc
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.source_run import SourceRun
from gateway.protocol.submission import Known, Reason

NOW = 1_796_000_000_000
ID = "bretagne:a"


def receipt(number: int, verdict: str = "accepted", *, created: bool = False, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"receipt": f"r{number}", "id": ID, "publisher": "bretagne", "verdict": verdict}
    body |= {"at": utc(NOW + 1_000 * number), "revision": number, "problems": ()}
    if verdict == "accepted":
        body |= {"sequence": number, "created": created}
    return body | more


def state(sequence: int, reason: Reason | None = None) -> OfferState:
    known = Known(
        revision=sequence,
        digest="d",
        sequence=sequence,
        position=0,
        appended_at=NOW,
        reason=reason,
        expires_on="2027-06-27",
    )
    return OfferState(ID, known, offer=None if reason else {"title": "a"}, territory=None)


def names(facts: HistoryFacts) -> list[str]:
    return [step.name for step in steps(facts, "fr")]


def facts(receipts: list[dict[str, Any]], present: OfferState | None, delivery: Delivery | None = None) -> HistoryFacts:
    return HistoryFacts(state=present, receipts=receipts, delivery=delivery, duplicates=(), more=False)


def test_a_withdrawal_shows_in_what_follows_it() -> None:
    """Published, changed, withdrawn, published again, withdrawn as filled."""
    receipts = [
        receipt(1, created=True),
        receipt(2),
        receipt(3),
        receipt(4, created=True),
        receipt(5),
    ]
    found = names(facts(receipts, state(5, "filled")))
    assert ["published", "changed", "gone", "published", "gone_filled"] == found


def test_what_the_gateway_did_itself_is_said() -> None:
    receipts = [receipt(1, created=True, batch="b1"), receipt(2, publisher="gateway")]
    (first, second) = steps(facts(receipts, state(2, "moderated")), "en")
    assert ("batch", None) == (first.values["way"], second.values["way"])
    assert ("gone_moderated", "look") == (second.name, second.kind)


def test_a_moderation_and_its_end_have_their_reasons() -> None:
    """WDR-007: whatever follows them; a publication afterwards does not make a withdrawal of the lift."""
    receipts = [
        receipt(1, created=True),
        receipt(2, publisher="gateway", moderation={"action": "moderate", "reason": "Adresse fausse"}),
        receipt(3, publisher="gateway", moderation={"action": "lift", "reason": "Corrigée"}),
        receipt(4, created=True),
    ]
    found = steps(facts(receipts, state(4)), "fr")[:4]
    assert [("fine", None), ("look", "Adresse fausse"), ("fine", "Corrigée"), ("fine", None)] == [
        (step.kind, step.why) for step in found
    ]
    assert ["published", "gone_moderated", "lifted", "published"] == [step.name for step in found]
    [_, last] = steps(facts(receipts[:2], state(2, "moderated")), "fr")
    assert ("gone_moderated", "look", "Adresse fausse") == (last.name, last.kind, last.why)


def test_an_end_without_a_reason_is_no_absence() -> None:
    """The state that it leaves is ``absent`` too; a complete snapshot names itself in its receipts."""
    moderated = receipt(2, publisher="gateway", moderation={"action": "moderate", "reason": "Adresse fausse"})
    lifted, absent = receipt(3, publisher="gateway"), receipt(3, publisher="gateway", snapshot="s1")
    present = state(3, "absent")
    for receipts, name, found in (
        ([moderated, lifted], ["lifted"], "lifted"),
        ([receipt(1, created=True), lifted], ["lifted"], "lifted"),
        ([receipt(1, created=True), absent], ["gone_absent"], "absent"),
        ([receipt(1, created=True)], ["published"], "offline"),
        ([], [], "offline"),
    ):
        assert name == names(facts(receipts, present))[-1:]
        assert found == standing(facts(receipts, present))


@pytest.mark.parametrize(
    ("present", "found"),
    [
        (None, None),
        (state(2), None),
        (state(2, "moderated"), "moderated"),
        (state(2, "filled"), "filled"),
        (state(2, "expired"), "expired"),
    ],
)
def test_the_standing_of_any_other_state_is_its_reason(present: OfferState | None, found: str | None) -> None:
    assert found == standing(facts([receipt(2)], present))


def test_a_refusal_at_the_door_is_a_step_with_rule_and_field() -> None:
    one = RefusedDocument(platform="bretagne", at=NOW + 1_500, id=ID, fields={"text-blank": "/title", "new": None})
    known = replace(facts([receipt(1, created=True), receipt(2)], state(2)), refused=(one,))
    found = steps(known, "fr")
    assert ["published", "refused_door", "changed", "expires"] == [step.name for step in found]
    assert [("text-blank", "/title"), ("new", None)] == [
        (reason.rule.code, reason.pointer) for reason in found[1].reasons
    ]


def test_only_a_refusal_that_nothing_of_the_platform_followed_is_the_head_of_the_page() -> None:
    """Its errors alone, with their values; a delivery after it does not take its place, an accepted version does."""
    codes = ("week-malformed", "employer-undescribed")
    error, hint = (schemas.problem(code, actual="2027-W9").to_json() for code in codes)
    problems = [{**hint, "severity": "warning"}, error]
    rejected = receipt(2, "rejected", problems=problems)
    part = DeliveryPart(group="lycee", generation=1, account="a", state="pending", since=NOW + 90_000)
    delivery = Delivery(id=ID, sequence=1, parts=(part,))
    found = refusal(steps(facts([receipt(1, created=True), rejected], state(1), delivery), "fr"))
    assert found is not None
    assert ["week-malformed"] == [reason.rule.code for reason in found.reasons]
    assert refusal(steps(facts([receipt(1, created=True), rejected, receipt(3)], state(3)), "fr")) is None
    assert refusal(steps(facts([], None), "fr")) is None


def test_refusals_and_repetitions_change_nothing_and_are_steps() -> None:
    problem = schemas.problem("week-malformed", actual="2027-W9").to_json()
    receipts = [
        receipt(1, created=True),
        receipt(2, "duplicate"),
        receipt(3, "stale"),
        receipt(4, "rejected", problems=[problem]),
    ]
    found = steps(facts(receipts, state(1)), "fr")
    assert ["published", "duplicate", "stale", "rejected", "expires"] == [step.name for step in found]
    assert ["fine", "fine", "fine", "blocked", "none"] == [step.kind for step in found]
    assert ["week-malformed"] == [reason.rule.code for reason in found[3].reasons]
    assert "2027-06-27" == found[-1].on


@pytest.mark.parametrize(
    ("value", "visible", "found"),
    [
        ("pending", None, ["delivery_pending"]),
        ("delivered", None, ["delivery_delivered"]),
        ("delivered", True, ["delivery_visible"]),
        ("delivered", False, ["delivery_hidden"]),
        ("refused", None, ["delivery_refused"]),
        ("not-deliverable", None, ["delivery_not_deliverable"]),
        ("moderated", None, ["delivery_moderated"]),
        ("withdrawn", None, ["delivery_withdrawn"]),
    ],
)
def test_each_state_of_a_delivery_is_a_step(value: State, *, visible: bool | None, found: list[str]) -> None:
    part = DeliveryPart(group="lycee", generation=1, account="a", state=value, since=NOW, visible=visible)
    assert found == names(facts([], None, Delivery(id=ID, sequence=1, parts=(part,))))


def test_steps_are_in_the_order_of_their_times() -> None:
    part = DeliveryPart(
        group="lycee", generation=1, account="a", state="refused", since=NOW + 1_500, delivered_at=NOW + 500
    )
    receipts = [receipt(1, created=True), receipt(2)]
    found = names(facts(receipts, state(2), Delivery(id=ID, sequence=1, parts=(part,))))
    assert ["delivery_earlier", "published", "delivery_refused", "changed", "expires"] == found


def test_equal_steps_that_follow_each_other_are_one_with_the_first_and_the_last_time() -> None:
    receipts = [receipt(1, created=True), *(receipt(n, "duplicate", revision=1) for n in range(2, 86))]
    published, again = steps(facts(receipts, state(1)), "fr")[:2]
    assert ("published", 1, None) == (published.name, published.times, published.since)
    assert ("duplicate", 84, NOW + 2_000, NOW + 85_000) == (again.name, again.times, again.since, again.at)


def test_steps_of_another_revision_or_with_another_step_between_stay_apart() -> None:
    receipts = [
        receipt(1, created=True),
        receipt(2, "duplicate", revision=1),
        receipt(3),
        receipt(4, "duplicate", revision=3),
        receipt(5, "duplicate", revision=3),
    ]
    found = steps(facts(receipts, state(3)), "fr")[:-1]
    assert [("published", 1), ("duplicate", 1), ("changed", 1), ("duplicate", 2)] == [
        (step.name, step.times) for step in found
    ]


def test_a_refused_item_of_the_last_run_is_a_step_with_the_value_at_fault() -> None:
    """PUB-003: the first item of a group has the sentence, which names the value; a further one the value alone."""
    items = [{"position": str(n), "id": f"bretagne:{n}", "pointer": "/weeks/0", "value": f"2027-W{n}"} for n in (1, 2)]
    group = {**schemas.problem("week-malformed", actual="2027-W1").to_json(), "position": "1", "id": "bretagne:1"}
    run = SourceRun(
        platform="bretagne", started_at=NOW, ended_at=NOW, outcome="applied", problems=({**group, "examples": items},)
    )
    for number, sentence, value in ((1, True, None), (2, False, "2027-W2")):
        item = refused_item(run, f"bretagne:{number}", now=NOW)
        (step,) = steps(replace(facts([], None), item=item), "fr")
        (reason,) = step.reasons
        assert ("refused_feed", NOW, str(number)) == (step.name, step.at, step.values["position"])
        assert ("/weeks/0", sentence, value) == (reason.pointer, reason.rule.sentence is not None, reason.value)
    assert refused_item(run, "bretagne:3", now=NOW) is None
    assert refused_item(run, "bretagne:1", now=NOW + 31 * 24 * 3_600_000) is None
