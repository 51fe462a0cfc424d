"""The plan, without any site: which call comes next, in whatever order changes and answers come."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from adapters.national.answer import AlreadyDeleted, Done, Missing, Refused
from adapters.national.outbox_outcome import attempting, dead, deleted, found, moderated, occupied, revived, settle
from adapters.national.plan import RANKS, Wish, aim, body_digest, next_call
from adapters.national.prospect import NotDeliverable, Past, Ready, Waiting
from adapters.national.refusal import refusal
from gateway.protocol.delivery import Delivery, delivery_record, read_delivery

ID = "bretagne:1"
DONE = Done(("2027-W24",), ("seconde",), shown=True)


def ready(title):
    return {"lycee": Wish("", Ready({"title": title}, ("2027-W24",), ("seconde",)))}


UNFIT = {"lycee": Wish("", NotDeliverable((refusal("not-deliverable:reuse"),)))}
GONE: dict = {}


def step(delivery, wishes, sequence):
    return aim(delivery, wishes, sequence=sequence, account="a", now=sequence)


def due(delivery, wishes):
    part = delivery.part("lycee")
    return None if part is None else next_call(part, wishes.get("lycee"), account="a")


def answer(delivery, wishes, outcome, sequence):
    call = due(delivery, wishes)
    delivery = delivery.with_part(attempting(call, sequence=sequence))
    part = settle(call, outcome, sequence=sequence, now=sequence)
    return step(delivery.with_part(part), wishes, sequence)


def delivered():
    return answer(step(Delivery(id=ID, sequence=1), ready("a"), 1), ready("a"), DONE, 1)


def test_withdrawals_come_before_new_offers_and_those_before_updates():
    assert ["delete", "create", "update"] == sorted(RANKS, key=RANKS.__getitem__)


def test_an_offer_that_was_never_sent_is_withdrawn_without_a_call():
    delivery = step(step(Delivery(id=ID, sequence=1), ready("a"), 1), GONE, 2)
    assert ("withdrawn", None) == (delivery.part("lycee").state, due(delivery, GONE))
    again = step(delivery, ready("a"), 3)
    assert (1, "create") == (len(again.parts), due(again, ready("a")).call)


def test_the_same_change_again_alters_nothing():
    delivery = delivered()
    assert delivery == step(delivery, ready("a"), 1)
    refused = answer(step(delivery, ready("b"), 2), ready("b"), Refused((refusal("national-refused:other"),)), 2)
    assert refused == step(refused, ready("b"), 2)


def test_a_withdrawal_that_was_not_sent_yet_is_called_off_by_a_new_publication():
    delivery = step(step(delivered(), GONE, 2), ready("b"), 3)
    assert "update" == due(delivery, ready("b")).call


def test_a_deletion_that_was_begun_is_gone_through_with():
    gone = step(delivered(), GONE, 2)
    begun = gone.with_part(attempting(due(gone, GONE), sequence=2))
    assert "delete" == due(step(begun, ready("b"), 3), ready("b")).call


def test_what_can_no_longer_be_delivered_is_deleted_first_and_then_says_why():
    delivery = step(delivered(), UNFIT, 2)
    assert "delete" == due(delivery, UNFIT).call
    delivery = answer(delivery, UNFIT, DONE, 2)
    assert ["dead", "not-deliverable"] == [part.state for part in delivery.parts]
    assert "not-deliverable:reuse" == delivery.part("lycee").problems[0]["code"]
    assert f"{ID}~2" == delivery.part("lycee").remote_id
    assert "create" == due(step(delivery, ready("c"), 3), ready("c")).call


def test_a_part_of_another_account_is_deleted_there_before_it_is_created_here():
    delivery = aim(delivered(), ready("a"), sequence=2, account="b", now=2)
    call = next_call(delivery.part("lycee"), ready("a")["lycee"], account="b")
    assert ("delete", "a") == (call.call, call.part.account)
    gone = delivery.with_part(settle(call, DONE, sequence=2, now=2))
    delivery = aim(gone, ready("a"), sequence=2, account="b", now=2)
    assert ("create", "b") == (
        next_call(delivery.part("lycee"), ready("a")["lycee"], account="b").call,
        delivery.part("lycee").account,
    )


def test_a_waiting_part_says_until_when():
    wishes = {"lycee": Wish("", Waiting(date(2027, 7, 1)))}
    delivery = step(Delivery(id=ID, sequence=1), wishes, 1)
    assert ("pending", "2027-07-01", None) == (
        delivery.part("lycee").state,
        delivery.part("lycee").until,
        due(delivery, wishes),
    )


def test_answers_lead_where_they_must():
    there = delivered()
    update = due(step(there, ready("b"), 2), ready("b"))
    assert "moderated" == settle(update, Missing(), sequence=2, now=2).state
    delete = due(step(there, GONE, 2), GONE)
    assert {"withdrawn"} == {
        settle(delete, one, sequence=2, now=2).state for one in (DONE, AlreadyDeleted(), Missing())
    }
    hidden = settle(update, replace(DONE, shown=False), sequence=2, now=2)
    assert ("delivered", False) == (hidden.state, hidden.visible)
    dropped = settle(update, Done(("2027-W25",), ("seconde",), shown=True), sequence=2, now=2)
    assert ("national-weeks-dropped", ["2027-W25"]) == (dropped.problems[0]["code"], dropped.answered["weeks"])


def test_a_moderated_part_moves_only_by_the_operators_hand():
    part = moderated(delivered().part("lycee"), 2)
    delivery = step(delivered().with_part(part), ready("b"), 3)
    assert (None, "moderated") == (due(delivery, ready("b")), delivery.part("lycee").state)
    assert "moderated" == step(step(delivery, GONE, 4), ready("c"), 5).part("lycee").state
    revived_one = step(delivery.with_part(revived(part, 6)), ready("b"), 6)
    assert ("create", f"{ID}~2") == (due(revived_one, ready("b")).call, revived_one.part("lycee").remote_id)


class SmallSite:
    """The site in small: names that are alive, and names that were ever used. Calls are made as the connector makes
    them: announced, answered or not, and a creation without an answer looked up before it is tried again.
    """

    def __init__(self):
        self.alive: dict[str, str] = {}
        self.used: set[str] = set()

    def work(self, delivery, wishes, sequence, fate):
        """Make calls until nothing is due, or until an answer is lost."""
        while fate != "idle" and (call := due(delivery, wishes)) is not None:
            part = call.part
            if call.call == "create" and part.attempt is not None:
                known = found(part, now=sequence) if part.remote_id in self.alive else replace(part, attempt=None)
                delivery = step(delivery.with_part(known), wishes, sequence)
                continue
            delivery = delivery.with_part(attempting(call, sequence=sequence))
            if fate == "lost before":
                return delivery
            if call.call == "create" and fate == "dead name":
                self.used.add(part.remote_id)
                fate = "answered"
            known = self.answer(call, delivery.part("lycee"), sequence)
            if fate == "lost after":
                return delivery
            delivery = step(delivery.with_part(known), wishes, sequence)
        return delivery

    def answer(self, call, part, sequence):
        """Do what is asked; the part as it is then known."""
        name = part.remote_id
        if call.call == "create" and name in self.used:
            return occupied(part) if name in self.alive else dead(part, sequence)
        if call.call == "delete":
            outcome = DONE if name in self.alive else AlreadyDeleted() if name in self.used else Missing()
            self.alive.pop(name, None)
        else:
            assert call.call == "create" or name in self.alive
            self.used.add(name)
            self.alive[name] = call.wish.body["title"]
            outcome = DONE
        return settle(call, outcome, sequence=sequence, now=sequence)


FATES = ["answered", "lost before", "lost after", "idle", "dead name"]
CHANGES = st.lists(st.tuples(st.sampled_from(["a", "b", "gone", "unfit"]), st.sampled_from(FATES)), max_size=12)


@given(CHANGES)
def test_whatever_comes_the_site_ends_as_the_last_change_has_it_and_no_name_is_used_twice(changes):
    site, delivery, wishes = SmallSite(), Delivery(id=ID, sequence=0), GONE
    for sequence, (wish, fate) in enumerate(changes, start=1):
        wishes = {"gone": GONE, "unfit": UNFIT}.get(wish) if wish in {"gone", "unfit"} else ready(wish)
        delivery = site.work(step(delivery, wishes, sequence), wishes, sequence, fate)
        record = delivery_record(delivery)
        assert delivery == read_delivery(record.key, record.value)
    delivery = site.work(delivery, wishes, len(changes) + 1, "answered")
    last = changes[-1][0] if changes else "gone"
    assert ([last] if last in {"a", "b"} else []) == list(site.alive.values())
    names = [part.remote_id for part in delivery.parts]
    assert len(names) == len(set(names))


def test_a_digest_does_not_depend_on_the_order_of_fields():
    assert body_digest({"a": 1, "b": 2}) == body_digest({"b": 2, "a": 1})


def test_a_part_deleted_without_ever_having_been_there_keeps_its_name():
    part = step(Delivery(id=ID, sequence=1), ready("a"), 1).part("lycee")
    assert None is deleted(part, 2, sequence=None).sequence


def test_an_offer_whose_year_is_over_and_that_was_never_sent_is_not_deliverable_with_its_reason():
    """Its publisher reads why; a withdrawn part would say nothing."""
    obstacle = refusal("not-deliverable:reuse")
    over = {"lycee": Wish("", Past((obstacle,)))}
    part = step(Delivery(id=ID, sequence=1), over, 1).part("lycee")
    assert ("not-deliverable", (obstacle.to_json(),)) == (part.state, part.problems)
    assert due(step(Delivery(id=ID, sequence=1), over, 1), over) is None


def test_an_offer_whose_year_is_over_stays_as_it_is_at_the_site():
    over = {"lycee": Wish("", Past((refusal("not-deliverable:reuse"),)))}
    part = step(delivered(), over, 2).part("lycee")
    assert ("delivered", ()) == (part.state, part.problems)
