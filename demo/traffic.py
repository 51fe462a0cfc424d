"""Traffic of a platform: which offers come, change, are corrected and go next; its number of offers stays. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import islice
from random import Random
from sys import maxsize

from adapters.profile.profile import Profile
from demo.balance import Document, ExpectedOffer, expected_offers
from demo.generator import GeneratedOffer, generate

WRONG = 0.06
"""Share of offers with a fault."""
_UPDATED, _WITHDRAWN = 10, 25
"""One live offer of this many is updated, or withdrawn, by a step of the scenario."""
_CHANGES = 0.4
_CORRECTED = 4
"""A refused offer is corrected after this many acts per usual offer, on average."""
_PULL = 2
"""The strength with which the number of live offers returns to its usual one."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes of a platform: ``everything`` published now, new and changed documents, and withdrawn ids (``gone``),
    each with the revision of its withdrawal.
    """

    everything: Sequence[Document]
    changed: Sequence[Document]
    gone: Mapping[str, int] = field(default_factory=dict)

    def lines(self) -> Iterator[Document]:
        """The changes as documents: offers, then withdrawals."""
        yield from self.changed
        for offer_id, revision in self.gone.items():
            yield {"id": offer_id, "revision": revision, "withdrawn": "cancelled"}


class OfferAct(Enum):
    """An act of a platform on one offer."""

    ARRIVAL = "arrival"
    CHANGE = "change"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"


def next_act(random: Random, *, live: int, refused: int, usual: int) -> OfferAct:
    """The next act of a platform with ``live`` accepted and ``refused`` refused offers; ``usual`` is the number of live
    offers to which arrivals and withdrawals return.
    """
    drawn = random.random()
    correct = min(_CHANGES, refused / (_CORRECTED * max(1, usual)))
    if drawn < correct:
        return OfferAct.CORRECTION
    if live and drawn < correct + _CHANGES:
        return OfferAct.CHANGE
    come = 0.5 + _PULL * (usual - live) / max(1, usual)
    return OfferAct.ARRIVAL if live <= 1 or random.random() < come else OfferAct.WITHDRAWAL


class Arrivals:
    """New offers of a platform, one after another, each for the weeks ahead of its day."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self._seed = seed
        self._profile = profile
        self._on: date | None = None
        self._made: Iterable[GeneratedOffer] = ()
        self._number = 1

    def take(self, count: int, on: date) -> list[GeneratedOffer]:
        """The next ``count`` offers; fewer where the platform's feed cannot hold the fault of some."""
        if on != self._on:
            days = (on - (self._on or on)).days
            self._seed, self._on = self._seed + days, on
            self._made = generate(
                self._seed, self._profile.platform, maxsize - self._number, on, wrong=WRONG, first=self._number
            )
        self._number += count
        # A feed has a fixed column for the description, so the fault of a misspelt name cannot occur.
        named = self._profile.mapping is None
        return [one for one in islice(self._made, count) if named or "description" in one.document]


@dataclass(slots=True, kw_only=True)
class Publications:
    """The publications of a platform. ``documents``: all offers published now, also invalid ones, by offer id;
    ``corrections``: what the refused ones should have been.
    """

    profile: Profile
    arrivals: Arrivals
    documents: dict[str, Document] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    corrections: dict[str, Document] = field(default_factory=dict)
    expected: dict[str, ExpectedOffer | None] = field(default_factory=dict)
    acts: dict[OfferAct, int] = field(default_factory=lambda: dict.fromkeys(OfferAct, 0))
    """The number of acts that ``draw`` has drawn."""

    @property
    def live(self) -> list[str]:
        """Ids of its offers that must be live."""
        return [offer_id for offer_id, offer in self.expected.items() if offer is not None]

    def arrive(self, count: int, on: date) -> ChangeSet:
        """Publish new offers, some with faults, on a day; returns the changes to send."""
        offers = self.arrivals.take(count, on)
        changes = self.publish([one.document for one in offers], on)
        refused = (one for one in offers if self.expected[one.id] is None)
        self.corrections.update({one.id: one.sound for one in refused if one.sound is not None})
        return changes

    def publish(self, documents: Sequence[Document], on: date) -> ChangeSet:
        """Add or replace documents on a day; returns the changes to send."""
        self.documents.update({document["id"]: document for document in documents})
        self.expected.update(expected_offers(documents, self.profile, on))
        return ChangeSet(list(self.documents.values()), documents)

    def changes(self) -> ChangeSet:
        """All documents as changes to send."""
        return ChangeSet(list(self.documents.values()), list(self.documents.values()))

    def update(self, on: date, offer_ids: Sequence[str] | None = None) -> ChangeSet:
        """Change the title of some offers (default: one live offer in ten); returns the changes to send."""
        chosen = self.live[::_UPDATED] if offer_ids is None else offer_ids
        return self.publish([_changed(self.documents[offer_id]) for offer_id in chosen], on)

    def withdraw(self, offer_ids: Sequence[str] | None = None) -> ChangeSet:
        """Withdraw some offers (default: one live offer in 25); returns the changes to send."""
        chosen = self.live[3::_WITHDRAWN] if offer_ids is None else offer_ids
        gone = {offer_id: self.documents.pop(offer_id)["revision"] + 1 for offer_id in chosen}
        for offer_id in gone:
            del self.expected[offer_id]
        self.withdrawn |= gone.keys()
        return ChangeSet(list(self.documents.values()), [], gone)

    def draw(self, random: Random, count: int, on: date, *, usual: int) -> ChangeSet:
        """At most ``count`` random acts on a day, each on another offer; returns the changes to send."""
        changed: list[Document] = []
        gone: dict[str, int] = {}
        for _ in range(count):
            live, refused = self.live, list(self.corrections)
            act = next_act(random, live=len(live), refused=len(refused), usual=usual)
            offer_id = random.choice({OfferAct.CORRECTION: refused, OfferAct.ARRIVAL: [""]}.get(act, live))
            if any(document["id"] == offer_id for document in changed):
                continue
            self.acts[act] += 1
            match act:
                case OfferAct.ARRIVAL:
                    step = self.arrive(1, on)
                case OfferAct.CHANGE:
                    step = self.update(on, [offer_id])
                case OfferAct.CORRECTION:
                    revision = self.documents[offer_id]["revision"] + 1
                    step = self.publish([{**self.corrections.pop(offer_id), "revision": revision}], on)
                case OfferAct.WITHDRAWAL:
                    step = self.withdraw([offer_id])
            changed += step.changed
            gone |= step.gone
        return ChangeSet(list(self.documents.values()), changed, gone)


def _changed(document: Document) -> Document:
    revision = document["revision"] + 1
    title = document["title"].partition(" – mise à jour")[0]
    return {**document, "revision": revision, "title": f"{title} – mise à jour {revision - 1}"[:150]}
