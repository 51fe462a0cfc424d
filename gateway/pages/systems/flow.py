"""The flow of this week, in numbers: from each publishing system through the gateway to each subscriber. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.federation.systems import SystemsFacts
from gateway.operate.status import is_platform
from gateway.pages.base.wording import typographic
from gateway.pages.partner.days import WITHDRAWN
from gateway.pages.systems.model import Lag, lag_of
from gateway.partners.onboarding import presets
from gateway.protocol.identity import NATIONAL
from gateway.protocol.partner import Partner
from gateway.protocol.refused_offers import REFUSED
from gateway.store.statistics import SubmissionCount
from schemas.communes import plain_name

Access: TypeAlias = Literal["site", "topic", "api"]
"""The way by which a subscriber gets offers: delivered to the national site, written to its Kafka topic, or read from
the API.
"""
_ACCEPTED, _UNCHANGED, _STALE = "accepted", "duplicate", "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFlow:
    """The submissions of one system, or of all: ``platform`` is empty then. ``accepted``: new and changed offers."""

    platform: str
    name: str
    accepted: int
    withdrawn: int
    unchanged: int
    stale: int
    refused: int

    @property
    def relayed(self) -> int:
        """The part that subscribers get."""
        return self.accepted + self.withdrawn

    @property
    def received(self) -> int:
        """All that it sent."""
        return self.relayed + self.unchanged + self.stale + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One subscriber, or the national site. ``offered``: accepted offers of the others in its departments, for the site
    those that the gateway delivers. Of the site also what was delivered and is due, and the age of the oldest due; of a
    topic the changes that are not yet written. None where it is not known: a subscriber of the API alone knows its
    cursor.
    """

    platform: str
    name: str
    access: Access
    offered: int
    delivered: int | None = None
    pending: int | None = None
    lag: Lag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """All sources and subscribers, most offers first."""

    sources: Sequence[SystemFlow]
    total: SystemFlow
    subscribers: Sequence[Subscriber]


def flow(found: SystemsFacts) -> Flow:
    """The flow of these facts."""
    numbers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for count in found.flow.counts:
        numbers[count.platform or ""][count.verdict or ""] += count.number
    partners = found.facts.partners
    slugs = {*presets(), *numbers, *(slug for slug, one in partners.items() if _publishes(one))}
    totals = sum(numbers.values(), Counter[str]())
    sources = [_source(slug, _name(slug, partners), numbers[slug]) for slug in slugs]
    return Flow(
        sources=sorted(sources, key=lambda one: (-one.received, plain_name(one.name))),
        total=_source("", "", totals),
        subscribers=sorted(_subscribers(found), key=lambda one: (-one.offered, plain_name(one.name))),
    )


def _source(platform: str, name: str, verdicts: Counter[str]) -> SystemFlow:
    return SystemFlow(
        platform=platform,
        name=name,
        accepted=verdicts[_ACCEPTED],
        withdrawn=sum(verdicts[one] for one in WITHDRAWN),
        unchanged=verdicts[_UNCHANGED],
        stale=verdicts[_STALE],
        refused=sum(verdicts[one] for one in REFUSED),
    )


def _subscribers(found: SystemsFacts) -> Iterator[Subscriber]:
    partners, accepted = found.facts.partners, [one for one in found.flow.counts if one.verdict == _ACCEPTED]
    site = bool(found.facts.accounts)
    if site:
        yield _site(found, accepted)
    for slug, partner in partners.items():
        if partner.revoked or "offers:read" not in partner.scopes or not is_platform(partner):
            continue
        if slug == NATIONAL and site:
            continue
        yield Subscriber(
            platform=slug,
            name=_name(slug, partners),
            access="topic" if partner.feed else "api",
            offered=_offered(accepted, slug, partner.territory),
            pending=found.flow.unwritten.get(slug) if partner.feed else None,
        )


def _site(found: SystemsFacts, accepted: Sequence[SubmissionCount]) -> Subscriber:
    facts = found.facts
    summaries = facts.deliveries.values()
    own = {slug for slug, one in facts.partners.items() if one.national_delivery == "self"}
    due = [one.due_since for one in summaries if one.due_since is not None]
    return Subscriber(
        platform=NATIONAL,
        name=_name(NATIONAL, facts.partners),
        access="site",
        offered=_offered([one for one in accepted if one.platform not in own], NATIONAL, frozenset()),
        delivered=sum(found.flow.delivered.values()),
        pending=sum(one.states.get("pending", 0) for one in summaries),
        lag=lag_of(facts.now - min(due)) if due else None,
    )


def _offered(accepted: Sequence[SubmissionCount], subscriber: str, departments: frozenset[str]) -> int:
    """The accepted offers of all others, in these departments; without any in all of them."""
    return sum(
        one.number
        for one in accepted
        if one.platform != subscriber and (not departments or one.department in departments)
    )


def _publishes(partner: Partner) -> bool:
    has_transport = partner.inbox or partner.profile is not None or "offers:publish" in partner.scopes
    return has_transport and not partner.revoked


def _name(slug: str, partners: Mapping[str, Partner]) -> str:
    """The first part of a platform's name, which is its Region's; empty for the national site, which pages name."""
    if slug == NATIONAL:
        return ""
    known = partners.get(slug) or presets().get(slug)
    return slug if known is None else typographic(known.name).partition(" – ")[0]
