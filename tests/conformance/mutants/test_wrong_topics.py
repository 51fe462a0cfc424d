"""The wrong subscriber topics of the kit's tests are wrong: each differs from the true topic of a history."""

from collections.abc import Iterable, Sequence

from gateway.protocol.record import OfferState
from gateway.protocol.submission import Known, Reason
from tests.conformance.mutants.topics import HONEST, WRONG_TOPICS, WrongTopic
from tests.conformance.topic_event import Event, Past, removal_of, upsert_of


def state(local: str, sequence: int, *, reason: Reason | None = None, **redistribution: bool) -> OfferState:
    offer = None if reason else {"title": str(sequence), "employer": {"name": "Atelier"}}
    if offer is not None and redistribution:
        offer["redistribution"] = redistribution
    publisher = "lecteur" if local == "own" else "bretagne"
    known = Known(
        revision=sequence,
        digest="aa",
        sequence=sequence,
        position=0,
        appended_at=0,
        reason=reason,
        provenance=(publisher,),
        shared=frozenset({"regions", "national"}),
    )
    return OfferState(f"{publisher}:{local}", known, offer, None if reason else {"department": "35"})


def masked(one: OfferState) -> Event:
    event = upsert_of(one)
    return event.giving(offer={**event.value["offer"], "employer": {}})


HISTORY: Sequence[tuple[OfferState, Event | None]] = [
    *((one, upsert_of(one)) for one in (state("a", 1), state("a", 2), state("b", 3))),
    (state("b", 4, reason="filled"), removal_of(state("b", 4, reason="filled"), "filled")),
    (state("b", 5), upsert_of(state("b", 5))),
    (state("c", 6, mask_employer=True), masked(state("c", 6, mask_employer=True))),
    (state("c", 7, mask_employer=True), masked(state("c", 7, mask_employer=True))),
    (state("a", 8, regions=False), removal_of(state("a", 8, regions=False), "out-of-scope")),
    (state("own", 9), None),
]


def written(topic: WrongTopic, history: Iterable[tuple[OfferState, Event | None]] = HISTORY) -> list[Event]:
    past = Past("lecteur", 3)
    found: list[Event] = []
    for one, event in history:
        past.offers[one.id] = one
        found += topic.state(one, past)
        if event is not None:
            past.note(event)
            found += topic.event(event, past)
    return found


def test_each_wrong_topic_differs_from_the_true_one() -> None:
    assert [event for _, event in HISTORY if event is not None] == written(HONEST)
    assert [] == [
        name for name, topic in WRONG_TOPICS.items() if topic.policy == "compact" and written(topic) == written(HONEST)
    ]


def test_each_fault_of_a_topic_has_its_own_name() -> None:
    assert len(WRONG_TOPICS) == len({topic.fault for topic in WRONG_TOPICS.values()})
