"""Expected outcomes of a platform's documents, by the rules alone. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import orjson

import schemas
from adapters.formats import FeedMapping, OfferItem, judge, read
from adapters.national.mapping.mapping import Ready, Terms, map_offer
from adapters.national.mapping.remote_id import remote_id
from adapters.profile.profile import Profile
from gateway.demo.region_site.feed import write_feed
from schemas import Verdict

Document: TypeAlias = dict[str, Any]
"""An offer of a platform in the shared schema, valid or not."""


@dataclass(frozen=True, slots=True)
class ExpectedOffer:
    """An offer that must be live: title, department (INSEE code), and the remote ids of its parts at the national site,
    none where it is not deliverable.
    """

    title: str
    department: str
    names: tuple[str, ...] = ()


ExpectedOffers: TypeAlias = Mapping[str, ExpectedOffer | None]
"""Expected outcome by offer id; None for an offer that must be refused."""


def expected_offers(documents: Sequence[Document], profile: Profile, on: date) -> dict[str, ExpectedOffer | None]:
    """The expected outcome of each document on a day, with the format and mapping of the platform's profile."""
    verdicts = (
        ((document["id"], schemas.check(orjson.dumps(document), on=on)) for document in documents)
        if profile.mapping is None
        else _read(documents, profile, profile.mapping, on)
    )
    return {offer_id: _expected(verdict, on) for offer_id, verdict in verdicts}


def _read(
    documents: Sequence[Document], profile: Profile, mapping: FeedMapping, on: date
) -> Iterator[tuple[str, Verdict]]:
    feed = write_feed(profile.format or "", documents)
    for item in read([feed], mapping, platform=profile.platform, on=on):
        if isinstance(item, OfferItem):
            yield item.id, judge(item, revision=1, on=on)


def _expected(verdict: Verdict, on: date) -> ExpectedOffer | None:
    if not verdict.accepted or verdict.offer is None or verdict.id is None:
        return None
    offer = verdict.offer
    territory = verdict.territory
    names = tuple(
        remote_id(verdict.id, part.group)
        for part in map_offer(offer, on=on, terms=Terms())
        if isinstance(part.deliverability, Ready)
    )
    return ExpectedOffer(offer["title"], territory["department"] if territory else "", names)
