"""The plan, without any site: the next call, for any order of changes and answers."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.national.delivery.outcome import (
    as_dead,
    as_deleted,
    as_found,
    as_moderated,
    as_pending,
    as_taken,
    attempting,
    settle,
)
from adapters.national.delivery.plan import RANKS, Due, WantedParts, body_digest, next_call, set_wanted_state
from adapters.national.mapping.deliverability import DeliverableLater, NotDeliverable, Past, Ready, WantedPart, refusal
from adapters.national.site.answer import AlreadyDeleted, DoneAnswer, Missing, Outcome, RefusedAnswer
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record, read_delivery

pytestmark = pytest.mark.slow

ID = "bretagne:1"
DONE = DoneAnswer(("2027-W24",), ("seconde",), published=True)


def ready(title: str) -> WantedParts:
    return {"lycee": WantedPart("", Ready({"title": title}, ("2027-W24",), ("seconde",)))}


UNFIT: WantedParts = {"lycee": WantedPart("", NotDeliverable((refusal("not-deliverable:reuse"),)))}
GONE: WantedParts = {}


def lycee(delivery: Delivery) -> DeliveryPart:
    part = delivery.part("lycee")
    assert part is not None
    return part


def due_now(delivery: Delivery, wanted: WantedParts) -> Due:
    """The call that is due, where there must be one."""
    call = due(delivery, wanted)
    assert call is not None
    return call


def settled(call: Due, outcome: Outcome, sequence: int) -> DeliveryPart:
    """The part after an outcome that leaves nothing to try again."""
    part = settle(call, outcome, sequence=sequence, now=sequence)
    assert isinstance(part, DeliveryPart)
    return part


def step(delivery: Delivery, wanted: WantedParts, sequence: int) -> Delivery:
    return set_wanted_state(delivery, wanted, sequence=sequence, account="a", now=sequence)


def due(delivery: Delivery, wanted: WantedParts) -> Due | None:
    part = delivery.part("lycee")
    return None if part is None else next_call(part, wanted.get("lycee"), account="a")


def answer(delivery: Delivery, wanted: WantedParts, outcome: Outcome, sequence: int) -> Delivery:
    call = due_now(delivery, wanted)
    delivery = delivery.with_part(attempting(call, sequence=sequence))
    return step(delivery.with_part(settled(call, outcome, sequence)), wanted, sequence)


def delivered() -> Delivery:
    return answer(step(Delivery(id=ID, sequence=1), ready("a"), 1), ready("a"), DONE, 1)


def test_withdrawals_come_before_new_offers_and_those_before_updates() -> None:
    assert ["delete", "create", "update"] == sorted(RANKS, key=RANKS.__getitem__)


def test_an_offer_that_was_never_sent_is_withdrawn_without_a_call() -> None:
    delivery = step(step(Delivery(id=ID, sequence=1), ready("a"), 1), GONE, 2)
    assert ("withdrawn", None) == (lycee(delivery).state, due(delivery, GONE))
    again = step(delivery, ready("a"), 3)
    assert (1, "create") == (len(again.parts), due_now(again, ready("a")).call)


def test_the_same_change_again_alters_nothing() -> None:
    delivery = delivered()
    assert delivery == step(delivery, ready("a"), 1)
    refused = answer(step(delivery, ready("b"), 2), ready("b"), RefusedAnswer((refusal("national-refused:other"),)), 2)
    assert refused == step(refused, ready("b"), 2)


def test_a_withdrawal_that_was_not_sent_yet_is_cancelled_by_a_new_publication() -> None:
    delivery = step(step(delivered(), GONE, 2), ready("b"), 3)
    assert "update" == due_now(delivery, ready("b")).call


def test_a_deletion_that_was_begun_is_completed() -> None:
    gone = step(delivered(), GONE, 2)
    begun = gone.with_part(attempting(due_now(gone, GONE), sequence=2))
    assert "delete" == due_now(step(begun, ready("b"), 3), ready("b")).call


def test_an_offer_that_became_undeliverable_is_deleted_first_and_then_states_the_reason() -> None:
    delivery = step(delivered(), UNFIT, 2)
    assert "delete" == due_now(delivery, UNFIT).call
    delivery = answer(delivery, UNFIT, DONE, 2)
    assert ["dead", "not-deliverable"] == [part.state for part in delivery.parts]
    assert "not-deliverable:reuse" == lycee(delivery).problems[0]["code"]
    assert f"{ID}~2" == lycee(delivery).remote_id
    assert "create" == due_now(step(delivery, ready("c"), 3), ready("c")).call


def test_a_part_of_another_account_is_deleted_there_before_it_is_created_here() -> None:
    delivery = set_wanted_state(delivered(), ready("a"), sequence=2, account="b", now=2)
    call = next_call(lycee(delivery), ready("a")["lycee"], account="b")
    assert call is not None
    assert ("delete", "a") == (call.call, call.part.account)
    gone = delivery.with_part(settled(call, DONE, 2))
    delivery = set_wanted_state(gone, ready("a"), sequence=2, account="b", now=2)
    call = next_call(lycee(delivery), ready("a")["lycee"], account="b")
    assert call is not None
    assert ("create", "b") == (call.call, lycee(delivery).account)


def test_a_waiting_part_says_until_when() -> None:
    wanted: WantedParts = {"lycee": WantedPart("", DeliverableLater(date(2027, 7, 1)))}
    delivery = step(Delivery(id=ID, sequence=1), wanted, 1)
    assert ("pending", "2027-07-01", None) == (
        lycee(delivery).state,
        lycee(delivery).until,
        due(delivery, wanted),
    )


def test_answers_lead_where_they_must() -> None:
    there = delivered()
    update = due_now(step(there, ready("b"), 2), ready("b"))
    assert "moderated" == settled(update, Missing(), 2).state
    delete = due_now(step(there, GONE, 2), GONE)
    assert {"withdrawn"} == {settled(delete, one, 2).state for one in (DONE, AlreadyDeleted(), Missing())}
    hidden = settled(update, replace(DONE, published=False), 2)
    assert ("delivered", False) == (hidden.state, hidden.visible)
    dropped = settled(update, DoneAnswer(("2027-W25",), ("seconde",), published=True), 2)
    assert dropped.answered is not None
    assert ("national-weeks-dropped", ["2027-W25"]) == (dropped.problems[0]["code"], dropped.answered["weeks"])


def test_a_moderated_part_changes_only_by_an_operators_order() -> None:
    part = as_moderated(lycee(delivered()), 2)
    delivery = step(delivered().with_part(part), ready("b"), 3)
    assert (None, "moderated") == (due(delivery, ready("b")), lycee(delivery).state)
    assert "moderated" == lycee(step(step(delivery, GONE, 4), ready("c"), 5)).state
    revived_one = step(delivery.with_part(as_pending(part, 6)), ready("b"), 6)
    assert ("create", f"{ID}~2") == (due_now(revived_one, ready("b")).call, lycee(revived_one).remote_id)


class SmallSite:
    """The site in small: names that are alive, and names that were ever used. Calls are made as the connector makes
    them: announced, answered or not, and a creation without an answer looked up before it is tried again.
    """

    def __init__(self) -> None:
        self.alive: dict[str | None, str] = {}
        self.used: set[str | None] = set()

    def work(self, delivery: Delivery, wanted: WantedParts, sequence: int, fault: str) -> Delivery:
        """Make calls until nothing is due, or until an answer is lost."""
        while fault != "idle" and (call := due(delivery, wanted)) is not None:
            part = call.part
            if call.call == "create" and part.attempt is not None:
                known = as_found(part, now=sequence) if part.remote_id in self.alive else replace(part, attempt=None)
                delivery = step(delivery.with_part(known), wanted, sequence)
                continue
            delivery = delivery.with_part(attempting(call, sequence=sequence))
            if fault == "lost before":
                return delivery
            if call.call == "create" and fault == "dead name":
                self.used.add(part.remote_id)
                fault = "answered"
            known = self.answer(call, lycee(delivery), sequence)
            if fault == "lost after":
                return delivery
            delivery = step(delivery.with_part(known), wanted, sequence)
        return delivery

    def answer(self, call: Due, part: DeliveryPart, sequence: int) -> DeliveryPart:
        """Make the call. Returns the part as known afterwards."""
        name = part.remote_id
        if call.call == "create" and name in self.used:
            return as_taken(part) if name in self.alive else as_dead(part, sequence)
        if call.call == "delete":
            outcome: Outcome = DONE if name in self.alive else AlreadyDeleted() if name in self.used else Missing()
            self.alive.pop(name, None)
        else:
            assert call.call == "create" or name in self.alive
            self.used.add(name)
            assert call.wanted is not None
            self.alive[name] = call.wanted.body["title"]
            outcome = DONE
        return settled(call, outcome, sequence)


FAULTS = ["answered", "lost before", "lost after", "idle", "dead name"]
CHANGES = st.lists(st.tuples(st.sampled_from(["a", "b", "gone", "unfit"]), st.sampled_from(FAULTS)), max_size=12)


@given(CHANGES)
def test_after_any_events_the_site_has_the_last_change_and_no_remote_id_is_used_twice(
    changes: list[tuple[str, str]],
) -> None:
    site, delivery, wanted = SmallSite(), Delivery(id=ID, sequence=0), GONE
    for sequence, (wish, fault) in enumerate(changes, start=1):
        wanted = {"gone": GONE, "unfit": UNFIT}[wish] if wish in {"gone", "unfit"} else ready(wish)
        delivery = site.work(step(delivery, wanted, sequence), wanted, sequence, fault)
        record = delivery_record(delivery)
        assert delivery == read_delivery(record.key or b"", record.value or b"")
    delivery = site.work(delivery, wanted, len(changes) + 1, "answered")
    last = changes[-1][0] if changes else "gone"
    assert ([last] if last in {"a", "b"} else []) == list(site.alive.values())
    names = [part.remote_id for part in delivery.parts]
    assert len(names) == len(set(names))


def test_a_digest_does_not_depend_on_the_order_of_fields() -> None:
    assert body_digest({"a": 1, "b": 2}) == body_digest({"b": 2, "a": 1})


def test_a_part_deleted_without_ever_having_been_there_keeps_its_name() -> None:
    part = lycee(step(Delivery(id=ID, sequence=1), ready("a"), 1))
    assert None is as_deleted(part, 2, sequence=None).sequence


def test_an_offer_whose_year_is_over_and_that_was_never_sent_is_not_deliverable_with_its_reason() -> None:
    """Its publisher reads the reason; a withdrawn part would have none."""
    obstacle = refusal("not-deliverable:reuse")
    over: WantedParts = {"lycee": WantedPart("", Past((obstacle,)))}
    part = lycee(step(Delivery(id=ID, sequence=1), over, 1))
    assert ("not-deliverable", (obstacle.to_json(),)) == (part.state, part.problems)
    assert due(step(Delivery(id=ID, sequence=1), over, 1), over) is None


def test_an_offer_whose_year_is_over_stays_as_it_is_at_the_site() -> None:
    over: WantedParts = {"lycee": WantedPart("", Past((refusal("not-deliverable:reuse"),)))}
    part = lycee(step(delivered(), over, 2))
    assert ("delivered", ()) == (part.state, part.problems)
