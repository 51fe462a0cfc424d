"""A Region of the demo: its platform, what it publishes, how it tells, and what it holds of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from adapters.profile.profile import Profile
from gateway.client import Client
from gateway.demo.balance import Party
from gateway.demo.fate import Document, Fate, fates_of
from gateway.demo.region_site.simulator import RegionalPlatform
from gateway.demo.subscriber import Holding, counted
from gateway.demo.way import News, Way

_UPDATED, _WITHDRAWN = 10, 25
"""One live offer in so many is changed, or taken back."""


@dataclass(slots=True, kw_only=True)
class Region:
    """``platform`` is the simulator: it serves the feed, and holds what it reads; ``topic`` is its copy where it reads
    a Kafka topic instead. ``documents`` are all that it publishes now, wrong ones included, by offer id.
    """

    name: str
    label: str
    profile: Profile
    on: date
    client: Client
    way: Way
    platform: RegionalPlatform
    topic: Holding | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    _fates: dict[str, Fate | None] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Its platform's name in the federation."""
        return self.profile.platform

    @property
    def held(self) -> Mapping[str, str]:
        """The titles of what it holds, by offer id."""
        if self.topic is not None:
            return counted(self.topic.titles)
        return counted({offer_id: offer["title"] for offer_id, offer in self.platform.held.items()})

    @property
    def live(self) -> list[str]:
        """The ids of what must be live."""
        return [offer_id for offer_id, fate in self._fates.items() if fate is not None]

    def party(self) -> Party:
        """What is counted here."""
        return Party(
            slug=self.slug,
            name=self.name,
            way=self.label,
            territory=self.profile.territory,
            fates=self._fates,
            withdrawn=frozenset(self.withdrawn),
            refused=self.way.refused,
            held=self.held,
        )

    def publish(self, documents: Sequence[Document]) -> News:
        """Have these as well: what there is to tell."""
        self.documents.update({document["id"]: document for document in documents})
        self._fates.update(fates_of(documents, self.profile, self.on))
        return News(list(self.documents.values()), documents)

    def news(self) -> News:
        """All of it, told as new."""
        return News(list(self.documents.values()), list(self.documents.values()))

    def update(self, offer_ids: Sequence[str] | None = None) -> News:
        """Give some offers another title: what there is to tell."""
        chosen = self.live[::_UPDATED] if offer_ids is None else offer_ids
        return self.publish([_changed(self.documents[offer_id]) for offer_id in chosen])

    def withdraw(self, offer_ids: Sequence[str] | None = None) -> News:
        """Take some offers back: what there is to tell."""
        chosen = self.live[3::_WITHDRAWN] if offer_ids is None else offer_ids
        gone = {offer_id: self.documents.pop(offer_id)["revision"] + 1 for offer_id in chosen}
        for offer_id in gone:
            del self._fates[offer_id]
        self.withdrawn |= gone.keys()
        return News(list(self.documents.values()), [], gone)

    def draw(self, random: Random) -> News | None:
        """Change an offer, or take one back, as chance has it; None where there is nothing left."""
        if not self.live:
            return None
        chosen = [random.choice(self.live)]
        return self.withdraw(chosen) if random.random() < 0.2 else self.update(chosen)


def _changed(document: Document) -> Document:
    revision = document["revision"] + 1
    title = document["title"].partition(" – mise à jour")[0]
    return {**document, "revision": revision, "title": f"{title} – mise à jour {revision - 1}"[:150]}
