"""Unknown members of records are ignored: during a rolling update a later version may add some."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from gateway.notices.notice import Event, due, notice_record, read_notice
from gateway.partners.record import changed_record, read_partner
from gateway.protocol.contact import Contact, contact_record, read_contact
from gateway.protocol.delivery import Attempt, Delivery, DeliveryPart, delivery_record, read_delivery
from gateway.protocol.delivery_order import Adopt, Erase, Placed, Reconcile, Replay
from gateway.protocol.delivery_order import order_record as national_order_record
from gateway.protocol.delivery_order import read_order as read_national_order
from gateway.protocol.partner import Generation, Partner, Secret
from gateway.protocol.record import (
    OfferState,
    Record,
    offer_record,
    outline_offer,
    read_offer,
    read_submission,
    skim_submission,
    submission_record,
)
from gateway.protocol.source_run import (
    Counts,
    Failure,
    RunOrder,
    SourceRun,
    order_record,
    read_run,
    run_record,
)
from gateway.protocol.submission import Forget, Lift, Publish, Retire, Withdraw
from tests.protocol.example import OFFER, SUBMISSIONS, TERRITORY, known

Read = Callable[[bytes, bytes], Any]

SKIMMED = [one for one in SUBMISSIONS if not isinstance(one, Publish)]
PART = DeliveryPart(
    group="lycee", generation=1, account="a", state="pending", since=5, attempt=Attempt("create", 1, "d")
)
FAILURE = Failure(at=1, code="c", fr="f", en="e")
RUN = SourceRun(
    platform="bretagne",
    started_at=1,
    ended_at=2,
    outcome="failed",
    counts=Counts(items=1),
    last_error=FAILURE,
    applied_counts=Counts(items=2),
    applied_problems=({"code": "x"},),
)
PARTNER = Partner(
    platform="bretagne",
    name="B",
    scopes=frozenset({"offers:read"}),
    secrets=(Secret(hash="sha256:x", created_at=1),),
    generation=Generation(id="g", since=1),
)

CONTACT = Contact(
    id="c", platform="b", address="a@example.org", name="A", language="fr", asked_at=1, choices={"ends": "never"}
)


def records() -> Iterator[tuple[str, Any, Record, Read]]:
    """One of each kind of record, and its reader."""
    for one in SUBMISSIONS:
        yield f"submission {type(one).__name__}", one, submission_record(one), lambda _, value: read_submission(value)
    for skimmed in SKIMMED:
        name = f"skimmed {type(skimmed).__name__}"
        yield name, skimmed, submission_record(skimmed), lambda _, value: skim_submission(value)
    state = OfferState("bretagne:1", known(), OFFER, TERRITORY, "1.0-2026.11", ("personal-data",))
    yield "offer", state, offer_record(state), read_offer
    record = offer_record(state)
    yield "outline", outline_offer(record.value or b""), record, lambda _, value: outline_offer(value)
    delivery = Delivery(id="bretagne:1", sequence=1, parts=(PART,))
    yield "delivery", delivery, delivery_record(delivery), read_delivery
    yield "run", RUN, run_record(RUN), read_run
    yield "contact", CONTACT, contact_record(CONTACT), read_contact
    notice = due(Event(contact="c", kind="ends"), now=1)
    yield "notice", notice, notice_record(notice), lambda _, value: read_notice(value)
    order = RunOrder(platform="bretagne", id="o", ordered_at=1, confirm=3)
    yield "order", order, order_record(order), read_run
    yield "partner", PARTNER, changed_record(None, PARTNER), lambda _, value: read_partner(value)
    for asked in (Replay(("a:1",)), Adopt("bretagne", apply=True, confirm=1), Reconcile(repair=True), Erase("a:1")):
        placed = Placed("a", "n", asked)
        yield f"order {type(asked).__name__}", placed, national_order_record(placed), read_national_order


def _with_more(value: Any) -> Any:
    """The same with an unknown member in every object that is the gateway's own, before all others."""
    if isinstance(value, dict):
        own = {
            name: inner if name in {"offer", "territory", "validators"} else _with_more(inner)
            for name, inner in value.items()
        }
        return {"later": {"deep": [1]}, **own}
    return [_with_more(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("expected", "record", "read"), [pytest.param(*rest, id=name) for name, *rest in records()])
def test_members_of_a_later_version_are_passed_over(expected: Any, record: Record, read: Read) -> None:
    value = orjson.dumps(_with_more(orjson.loads(record.value or b"")))
    assert b'"later"' in value
    found = read(record.key or b"", value)
    if isinstance(found, Publish | SourceRun) and found.__class__ is expected.__class__:
        assert expected.__class__ is found.__class__
        assert _names(expected) == _names(found)
        return
    assert expected == found


def _names(value: Any) -> dict[str, Any]:
    """The fields without the problems, whose members are the catalogue's."""
    return {name: getattr(value, name) for name in value.__slots__ if name not in {"problems", "applied_problems"}}


def test_every_kind_of_submission_is_among_them() -> None:
    assert {Publish, Withdraw, Retire, Lift, Forget} == {type(one) for one in SUBMISSIONS}
