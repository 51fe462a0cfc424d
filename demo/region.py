"""Region of the demo: its platform, published offers, transport, and copy of the other Regions' offers."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo.balance import Party
from demo.channel import Channel
from demo.client import Client
from demo.region_site.simulator import RegionalPlatform
from demo.subscriber import OfferCopy, counted
from demo.traffic import Publications


@dataclass(slots=True, kw_only=True)
class RegionSystems(Publications):
    """``platform``: the simulator, which serves the feed and holds the copy of the changes feed; ``topic``: the copy of
    a Kafka topic instead.
    """

    name: str
    label: str
    client: Client
    channel: Channel
    platform: RegionalPlatform
    topic: OfferCopy | None = None

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

    def party(self) -> Party:
        """The Region's counts."""
        return Party(
            slug=self.slug,
            name=self.name,
            channel=self.label,
            territory=self.profile.territory,
            expected=self.expected,
            withdrawn=frozenset(self.withdrawn),
            refused=self.channel.refused,
            held=self.held,
        )
