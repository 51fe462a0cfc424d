"""Balance: offers counted at external systems, compared with the expected outcome of those that were published. Pure.

External systems are the subscribers' own copies, the national site's rows, and the answers that platforms received.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

import orjson

import schemas
from adapters.formats.item import OfferItem, judge
from adapters.formats.mapping import FeedMapping
from adapters.formats.reading import read
from adapters.national.mapping.body import remote_id
from adapters.national.mapping.deliverability import DeliveryTerms, Ready
from adapters.national.mapping.mapping import map_offer
from adapters.profile.profile import Profile
from demo.region_site.feed import write_feed
from schemas import Verdict

Document: TypeAlias = dict[str, Any]
"""An offer of a platform in the shared schema, valid or not."""
NATIONAL = "national"


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
        remote_id(verdict.id, part.suffix)
        for part in map_offer(offer, on=on, terms=DeliveryTerms())
        if isinstance(part.deliverability, Ready)
    )
    return ExpectedOffer(offer["title"], territory["department"] if territory else "", names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A regional platform. ``expected``: expected outcomes of all offers that it publishes now; ``withdrawn``: ids that
    it withdrew; ``refused``: number of refusals that it received; ``held``: titles in its copy of the others, by
    offer id.
    """

    slug: str
    name: str
    channel: str
    territory: frozenset[str]
    expected: ExpectedOffers
    withdrawn: frozenset[str] = frozenset()
    refused: int = 0
    held: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCounts:
    """All counts. ``live``: titles in the copy of a subscriber without a territory, by offer id; ``gone``: ids removed
    from it; ``delivered``: remote ids and titles of the platforms' rows at the national site; ``made``: offers that
    employers made there, by their id in the federation; ``uncovered``: departments of each Region without a platform.
    """

    parties: tuple[Party, ...]
    live: Mapping[str, str]
    gone: frozenset[str]
    delivered: tuple[tuple[str, str], ...]
    made: Mapping[str, ExpectedOffer]
    uncovered: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A platform's row of the table; numbers are offers. ``differences`` are the differences, as sentences."""

    slug: str
    name: str
    channel: str
    sent: int
    refused: int
    withdrawn: int
    live: int
    on_site: int
    received: int
    differences: tuple[str, ...]

    @property
    def not_for_site(self) -> int:
        """Number of live offers that are not at the national site; at least 0."""
        return max(0, self.live - self.on_site)


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A Region without a platform: offers made for it, live ones, and how many each neighbour holds."""

    name: str
    made: int
    live: int
    received: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Balance:
    """All rows: the nine platforms, the national site, and the Regions without a platform."""

    lines: tuple[BalanceRow, ...]
    national: BalanceRow
    uncovered: tuple[Uncovered, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        """All differences, each with the name of its platform."""
        return tuple(f"{line.name}: {one}" for line in (*self.lines, self.national) for one in line.differences)


def compute_balance(ends: ExternalCounts) -> Balance:
    """The balance of these counts."""
    published = {offer_id: offer for party in ends.parties for offer_id, offer in party.expected.items() if offer}
    everything = {**published, **ends.made}
    rows = Counter(name for name, _ in ends.delivered)
    titles = dict(ends.delivered)
    lines = tuple(_line(party, ends, everything, rows, titles) for party in ends.parties)
    return Balance(lines, _national(ends, rows), tuple(_uncovered(ends)))


def _line(
    party: Party,
    ends: ExternalCounts,
    everything: Mapping[str, ExpectedOffer],
    rows: Counter[str],
    titles: Mapping[str, str],
) -> BalanceRow:
    own = {offer_id: offer for offer_id, offer in party.expected.items() if offer}
    live = _of(party.slug, ends.live)
    gone = {offer_id for offer_id in ends.gone if _platform(offer_id) == party.slug}
    sent = len(party.expected) + len(party.withdrawn)
    on_site = {name.partition("~")[0] for name in titles if _platform(name) == party.slug}
    expected = {
        offer_id: offer.title
        for offer_id, offer in everything.items()
        if offer.department in party.territory and _platform(offer_id) != party.slug
    }
    names = {name: offer.title for offer in own.values() for name in offer.names}
    differences = [
        *_compare("in the federation", {offer_id: offer.title for offer_id, offer in own.items()}, live),
        *_compare("at the national site", names, _of(party.slug, titles)),
        *(f"{name} is {rows[name]} times at the national site" for name in sorted(names) if rows[name] > 1),
        *_compare("in its copy", expected, party.held),
        *_sum(sent, live=len(live), refused=party.refused, withdrawn=len(gone)),
    ]
    return BalanceRow(
        party.slug,
        party.name,
        party.channel,
        sent,
        party.refused,
        len(gone),
        len(live),
        len(on_site),
        len(party.held),
        tuple(differences),
    )


def _national(ends: ExternalCounts, rows: Counter[str]) -> BalanceRow:
    """The site's own row: offers made there, and offers received."""
    live = _of(NATIONAL, ends.live)
    gone = [offer_id for offer_id in ends.gone if _platform(offer_id) == NATIONAL]
    slugs = {party.slug for party in ends.parties}
    received = {name.partition("~")[0] for name in rows}
    differences = [
        *_compare("in the federation", {offer_id: offer.title for offer_id, offer in ends.made.items()}, live),
        *(f"{name} belongs to no platform" for name in sorted(received) if _platform(name) not in slugs),
    ]
    return BalanceRow(
        NATIONAL,
        "National site",
        "search, delivery API",
        len(ends.made) + len(gone),
        0,
        len(gone),
        len(live),
        len(ends.made),
        len(received),
        tuple(differences),
    )


def _uncovered(ends: ExternalCounts) -> Iterator[Uncovered]:
    for name, departments in ends.uncovered.items():
        made = {offer_id for offer_id, offer in ends.made.items() if offer.department in departments}
        received = {
            party.name: len(made & party.held.keys()) for party in ends.parties if party.territory & departments
        }
        yield Uncovered(name, len(made), len(made & ends.live.keys()), received)


def _sum(sent: int, *, live: int, refused: int, withdrawn: int) -> Iterator[str]:
    if sent != live + refused + withdrawn:
        yield f"{sent} sent, but {live} live + {refused} refused + {withdrawn} withdrawn"


def _compare(where: str, expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """Differences: missing, unexpected, or with another title."""
    for offer_id in sorted(expected.keys() | found.keys()):
        if offer_id not in found:
            yield f"{offer_id} is missing {where}"
        elif offer_id not in expected:
            yield f"{offer_id} should not be {where}"
        elif expected[offer_id] != found[offer_id]:
            yield f"{offer_id} is an old or another one {where}"


def _of(slug: str, titles: Mapping[str, str]) -> dict[str, str]:
    return {offer_id: title for offer_id, title in titles.items() if _platform(offer_id) == slug}


def _platform(offer_id: str) -> str:
    return offer_id.partition(":")[0]
