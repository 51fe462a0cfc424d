"""Wrong subscriber topics as a table: the records of our gateway's topic written again, one fault each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gateway.protocol.record import OfferState
from tests.conformance.topic_event import UPSERT, Event, Past, removal_of, upsert_of

Rewrite: TypeAlias = Callable[[Event, Past], Iterable[Event]]
Invent: TypeAlias = Callable[[OfferState, Past], Iterable[Event]]


def _as_it_is(event: Event, _: Past) -> Iterable[Event]:
    return (event,)


def _nothing(_: OfferState, __: Past) -> Iterable[Event]:
    return ()


@dataclass(frozen=True, slots=True)
class WrongTopic:
    """A wrong topic: what is wrong with it, and the requirement that it violates. ``event`` gives what is written in
    place of a true record, ``state`` what is written for a state of an offer, whether its reader may see it or not.
    """

    name: str
    fault: str
    names: str
    event: Rewrite = _as_it_is
    state: Invent = _nothing
    policy: str = "compact"


WRONG_TOPICS: dict[str, WrongTopic] = {}
HONEST = WrongTopic("honest", "nothing at all", "FEED-011")
REPEATING = WrongTopic(
    "repeating",
    "repeats records, skips states that a newer one has replaced, has more headers: all of which it may",
    "FEED-011",
    event=lambda event, past: (
        ()
        if not event.is_removal and past.offers[event.key].known.sequence > event.sequence
        else (event.showing(ce_of="us", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),) * 2
    ),
)


def wrong(names: str, name: str, fault: str, **how: Any) -> None:
    """Register a row of the table."""
    WRONG_TOPICS[name] = WrongTopic(name, fault, names, **how)


def _removals(removal: Callable[[Event, Past], Iterable[Event]]) -> Rewrite:
    """Removals written in another way."""
    return lambda event, past: removal(event, past) if event.is_removal else (event,)


def _upserts(upsert: Callable[[Event, Past], Iterable[Event]]) -> Rewrite:
    """Upserts written in another way."""
    return lambda event, past: (event,) if event.is_removal else upsert(event, past)


def _state(event: Event, past: Past) -> OfferState:
    return past.offers[event.key]


def _left_scope(event: Event) -> bool:
    return event.headers.get("ce_reason") == "out-of-scope"


def _before(event: Event, past: Past) -> list[Event]:
    return past.events[event.key][:-1]


def _kept_upsert(event: Event, past: Past) -> Iterable[Event]:
    """The offer as the log has it, in place of its removal."""
    state = _state(event, past)
    return (upsert_of(state),) if _left_scope(event) and state.offer else (event,)


wrong(
    "FEED-011",
    "topic-drops-removals",
    "writes no removal: what was withdrawn stays",
    event=_removals(lambda *_: ()),
)
wrong(
    "FEED-006",
    "topic-drops-out-of-scope",
    "writes withdrawals, and no removal of an offer that the reader may no longer see",
    event=_removals(lambda event, _: () if _left_scope(event) else (event,)),
)
wrong(
    "FEED-006",
    "topic-keeps-what-left",
    "goes on writing the states of an offer that has left the reader's territory, or is no longer for it",
    event=_removals(_kept_upsert),
)
wrong(
    "RTE-005",
    "topic-unmasks",
    "writes the employer of a masked offer",
    event=_upserts(lambda event, past: (event.giving(offer=_state(event, past).offer),)),
)
wrong(
    "RTE-005",
    "topic-unmasks-updates",
    "masks the first state of an offer only",
    event=_upserts(
        lambda event, past: (event.giving(offer=_state(event, past).offer),) if _before(event, past) else (event,)
    ),
)
wrong(
    "RTE-003",
    "topic-returns-own-offers",
    "writes the reader's own offers",
    state=lambda state, past: (
        [upsert_of(state)] if state.offer is not None and state.id.startswith(f"{past.reader}:") else []
    ),
)
wrong(
    "RTE-002",
    "topic-shows-hidden",
    "writes offers that are not for the reader's audience",
    state=lambda state, past: [upsert_of(state)] if state.offer is not None and _is_hidden(state, past) else [],
)
wrong(
    "FEED-007",
    "topic-removes-what-was-never-shared",
    "writes the removal of offers that the reader could never see",
    state=lambda state, past: (
        [removal_of(state, "out-of-scope")] if state.offer is not None and _is_hidden(state, past) else []
    ),
)
wrong(
    "FEED-001",
    "topic-ends-with-the-former-state",
    "writes the state before once more behind each state",
    event=lambda event, past: (event, *_before(event, past)[-1:]),
)
wrong(
    "FEED-001",
    "topic-keeps-first-states",
    "writes the first state of an offer and its removal, and no update",
    event=_upserts(lambda event, past: () if _before(event, past) else (event,)),
)
wrong(
    "FEED-011",
    "topic-omits-new-offers",
    "writes an offer from its second state on",
    event=_upserts(lambda event, past: (event,) if _before(event, past) else ()),
)
wrong(
    "FEED-011",
    "topic-forgets-what-returns",
    "writes no offer that was removed before",
    event=_upserts(lambda event, past: () if any(one.is_removal for one in _before(event, past)) else (event,)),
)
wrong(
    "FEED-011",
    "topic-keys-by-local-id",
    "takes the part of the id behind the platform as key",
    event=lambda event, _: (replace(event, key=event.key.partition(":")[2]),),
)
wrong(
    "FEED-011",
    "topic-writes-removals-as-documents",
    "writes a removal as a document, as the changes feed does, not as a null value",
    event=_removals(
        lambda event, _: (
            replace(
                event,
                value={
                    "op": "removal",
                    "id": event.key,
                    "sequence": event.sequence,
                    "reason": event.headers["ce_reason"],
                },
            ),
        )
    ),
)
wrong(
    "FEED-011",
    "topic-removes-without-reason",
    "writes removals without ce_reason",
    event=_removals(lambda event, _: (event.without("ce_reason"),)),
)
wrong(
    "FEED-008",
    "topic-has-one-reason",
    "gives each removal the reason out-of-scope",
    event=_removals(lambda event, _: (event.showing(ce_reason="out-of-scope"),)),
)
wrong(
    "FEED-011",
    "topic-numbers-its-records",
    "takes the number of the record of an offer as ce_sequence",
    event=lambda event, past: (event.showing(ce_sequence=str(len(past.events[event.key]))),),
)
wrong(
    "FEED-011",
    "topic-writes-the-offer-alone",
    "writes the offer in place of the change document",
    event=_upserts(lambda event, _: (replace(event, value=event.value["offer"]),)),
)
wrong(
    "RTE-010",
    "topic-has-ids-of-its-own",
    "gives each event an id other than the offer's with its sequence",
    event=lambda event, _: (event.showing(ce_id=f"event-{event.sequence}"),),
)
wrong(
    "RTE-010",
    "topic-writes-envelopes",
    "writes CloudEvents in structured mode, the event as JSON in the value",
    event=_upserts(
        lambda event, _: (
            replace(
                event,
                value={
                    **{
                        name.removeprefix("ce_"): text for name, text in event.headers.items() if name.startswith("ce_")
                    },
                    "data": event.value,
                },
                headers={"content-type": "application/cloudevents+json"},
            ),
        )
    ),
)
wrong(
    "RTE-010",
    "topic-types-all-as-published",
    "gives removals the type of a publication",
    event=_removals(lambda event, _: (event.showing(ce_type=UPSERT),)),
)
wrong(
    "RTE-010",
    "topic-repeats-headers",
    "gives ce_id twice, first as it was written once before",
    event=lambda event, _: (replace(event, before=(("ce_id", f"{event.key}:0"),)),),
)
wrong(
    "IDN-004",
    "topic-spreads-its-records",
    "writes the records of an offer to one partition after the other",
    event=lambda event, past: (
        replace(event, partition=(past.partition(event.key) + len(past.events[event.key])) % past.partitions),
    ),
)
wrong(
    "FEED-001",
    "topic-ends-with-what-was-removed",
    "writes the last state once more behind its removal, under the removal's sequence",
    event=_removals(lambda event, past: (event, *_risen(event, past))),
)
wrong(
    "FEED-011",
    "topic-numbers-removals-anew",
    "gives removals a sequence of their own",
    event=_removals(
        lambda event, _: (
            event.showing(ce_sequence=str(event.sequence + 1), ce_id=f"{event.key}:{event.sequence + 1}"),
        )
    ),
)
wrong(
    "RTE-005",
    "topic-names-employers-in-headers",
    "writes the name of a masked employer as a header",
    event=_upserts(
        lambda event, past: (
            event.showing(ce_employer=(_state(event, past).offer or {}).get("employer", {}).get("name", "")),
        )
    ),
)
wrong("FEED-011", "topic-is-not-compacted", "deletes records by age, with the states of live offers", policy="delete")


def _risen(event: Event, past: Past) -> list[Event]:
    """The last upsert under the sequence of the removal."""
    sequence = event.headers["ce_sequence"]
    again = {"ce_sequence": sequence, "ce_id": f"{event.key}:{sequence}"}
    before = [one for one in _before(event, past) if not one.is_removal][-1:]
    return [one.showing(**again).giving(sequence=event.sequence) for one in before]


def _is_hidden(state: OfferState, past: Past) -> bool:
    """Whether the publisher keeps the offer from the reader's audience."""
    audience = "national" if past.reader == "national" else "regions"
    return not (state.offer or {}).get("redistribution", {}).get(audience, True)
