"""Region of the demo: its platform, published offers, transport, and copy of the other Regions' offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from adapters.profile.profile import Profile
from gateway.client import Client
from gateway.demo.balance import Document, ExpectedOffer, Party, expected_offers
from gateway.demo.channel import ChangeSet, Channel
from gateway.demo.region_site.simulator import RegionalPlatform
from gateway.demo.subscriber import OfferCopy, counted

_UPDATED, _WITHDRAWN = 10, 25
"""One live offer of this many is updated, or withdrawn."""


@dataclass(slots=True, kw_only=True)
class Region:
    """``platform``: the simulator, which serves the feed and holds the copy of the changes feed; ``topic``: the copy of
    a Kafka topic instead. ``documents``: all offers published now, also invalid ones, by offer id.
    """

    name: str
    label: str
    profile: Profile
    on: date
    client: Client
    channel: Channel
    platform: RegionalPlatform
    topic: OfferCopy | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    _expected: dict[str, ExpectedOffer | None] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The platform's slug."""
        return self.profile.platform

    @property
    def held(self) -> Mapping[str, str]:
        """Titles in its copy, by offer id."""
        if self.topic is not None:
            return counted(self.topic.titles)
        return counted({offer_id: offer["title"] for offer_id, offer in self.platform.held.items()})

    @property
    def live(self) -> list[str]:
        """Ids of its offers that must be live."""
        return [offer_id for offer_id, offer in self._expected.items() if offer is not None]

    def party(self) -> Party:
        """The Region's counts."""
        return Party(
            slug=self.slug,
            name=self.name,
            channel=self.label,
            territory=self.profile.territory,
            expected=self._expected,
            withdrawn=frozenset(self.withdrawn),
            refused=self.channel.refused,
            held=self.held,
        )

    def publish(self, documents: Sequence[Document]) -> ChangeSet:
        """Add or replace documents; returns the changes to send."""
        self.documents.update({document["id"]: document for document in documents})
        self._expected.update(expected_offers(documents, self.profile, self.on))
        return ChangeSet(list(self.documents.values()), documents)

    def changes(self) -> ChangeSet:
        """All documents as changes to send."""
        return ChangeSet(list(self.documents.values()), list(self.documents.values()))

    def update(self, offer_ids: Sequence[str] | None = None) -> ChangeSet:
        """Change the title of some offers (default: one live offer in ten); returns the changes to send."""
        chosen = self.live[::_UPDATED] if offer_ids is None else offer_ids
        return self.publish([_changed(self.documents[offer_id]) for offer_id in chosen])

    def withdraw(self, offer_ids: Sequence[str] | None = None) -> ChangeSet:
        """Withdraw some offers (default: one live offer in 25); returns the changes to send."""
        chosen = self.live[3::_WITHDRAWN] if offer_ids is None else offer_ids
        gone = {offer_id: self.documents.pop(offer_id)["revision"] + 1 for offer_id in chosen}
        for offer_id in gone:
            del self._expected[offer_id]
        self.withdrawn |= gone.keys()
        return ChangeSet(list(self.documents.values()), [], gone)

    def draw(self, random: Random) -> ChangeSet | None:
        """Update or withdraw a random live offer; None where none is live."""
        if not self.live:
            return None
        chosen = [random.choice(self.live)]
        return self.withdraw(chosen) if random.random() < 0.2 else self.update(chosen)


def _changed(document: Document) -> Document:
    revision = document["revision"] + 1
    title = document["title"].partition(" – mise à jour")[0]
    return {**document, "revision": revision, "title": f"{title} – mise à jour {revision - 1}"[:150]}
