"""The systems of the federation as an operator reads them: state, backlog and refusals of each, and the week's flow."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.errors import LogError
from gateway.federation.federation import Federation
from gateway.federation.journal import SignedEntry, acts_about
from gateway.federation.refused import Refused, count_refusals
from gateway.federation.status import facts_of
from gateway.log.positions import unread
from gateway.notices.request_acts import listed
from gateway.operate.health import HealthTerms
from gateway.operate.status import Facts
from gateway.protocol.paris_time import paris_date, paris_midnight
from gateway.protocol.partner import Partner
from gateway.protocol.statistics import Dimension
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from gateway.publish.subscriber_topics import feed_scope, subscribes
from gateway.push.acts import state_of
from gateway.push.book import settings_of
from gateway.store.statistics import StatisticsView, SubmissionCount

DAYS = 7
"""Days of the counts, today included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFacts:
    """The flow through the gateway this week. ``counts``: submissions by platform, verdict and department;
    ``delivered``: deliveries to the national site, by the platform of the offer; ``unwritten``: changes that are not
    yet on the topic of each Kafka-native subscriber, None if the log does not answer.
    """

    counts: Sequence[SubmissionCount] = ()
    delivered: Mapping[str, int] = field(default_factory=dict)
    unwritten: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemsFacts:
    """The federation at this moment. ``undecided``: submissions without a decision, None if the log does not answer;
    ``refused``: those of this week by platform, ``rules``: by verdict and rule; ``pauses``: who paused each feed that
    is paused, and why. ``requests``: those of strangers that wait for an answer; ``stopped``: disabled subscriptions.
    """

    facts: Facts
    terms: HealthTerms
    undecided: int | None
    refused: Mapping[str, Refused]
    rules: Sequence[SubmissionCount]
    pauses: Mapping[str, SignedEntry]
    flow: FlowFacts = field(default_factory=FlowFacts)
    requests: int = 0
    stopped: int = 0


class Systems:
    """The systems of a federation."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._week = _Week(federation.statistics)

    async def facts(self) -> SystemsFacts:
        """The systems at this moment."""
        federation = self._federation
        partners = {partner.platform: partner for partner in federation.partners.all()}
        inboxes = [slug for slug, one in partners.items() if one.inbox and not one.revoked]
        live = {slug: await federation.offers.count(slug) for slug in partners}
        undecided, facts = await asyncio.gather(
            unread(federation.log, SUBMISSIONS, federation.positions.of(SUBMISSIONS)),
            facts_of(federation, live=live, inboxes=inboxes),
        )
        today = date.fromisoformat(paris_date(facts.now))
        first = today - timedelta(days=DAYS - 1)
        counts, verdicts, rules = await self._week.counts(first, today)
        return SystemsFacts(
            facts=facts,
            terms=federation.terms,
            undecided=undecided,
            refused=count_refusals(verdicts, "platform"),
            rules=rules,
            pauses={
                slug: entry
                for slug in facts.pauses
                for entry in await acts_about(federation, slug, {"feed.pause"}, most=1)
            },
            requests=await self._requests(),
            stopped=await self._stopped(partners.values()),
            flow=FlowFacts(
                counts=counts,
                delivered=await federation.deliveries.delivered_since(paris_midnight(first)),
                unwritten=await self._unwritten(
                    [one for one in partners.values() if subscribes(one) and not one.revoked]
                ),
            ),
        )

    async def _requests(self) -> int:
        book = self._federation.contacts.requests
        with suppress(LogError):  # what is known is shown
            await book.catch_up()
        return len(listed(book.state))

    async def _stopped(self, partners: Iterable[Partner]) -> int:
        book = self._federation.subscriptions
        with suppress(LogError):
            await book.catch_up()
        return sum(
            state_of(book, partner.platform, one) == "disabled"
            for partner in partners
            for one in settings_of(book.state, partner).items
        )

    async def _unwritten(self, subscribers: Sequence[Partner]) -> Mapping[str, int | None]:
        """The changes that are not yet on the topic of each."""
        log, positions = self._federation.log, self._federation.positions
        lags = await asyncio.gather(*(unread(log, OFFERS, positions.of(feed_scope(one))) for one in subscribers))
        return {one.platform: lag for one, lag in zip(subscribers, lags, strict=True)}


class _Week:
    """The counts of this week in three groupings. They are read again when the day or the view has changed; its topic
    has records once a minute.
    """

    _GROUPS: Sequence[Sequence[Dimension]] = (
        ("platform", "verdict", "department"),
        ("platform", "verdict"),
        ("verdict", "rule"),
    )

    def __init__(self, statistics: StatisticsView) -> None:
        self._statistics = statistics
        self._read_at: tuple[object, ...] | None = None
        self._counts: Sequence[Sequence[SubmissionCount]] = ()

    async def counts(self, first: date, last: date) -> Sequence[Sequence[SubmissionCount]]:
        """The counts of the days from the first to the last."""
        view = self._statistics
        at = (view.began, view.positions, first, last)
        if self._read_at != at:
            self._counts = [await view.counts(first, last, by=by) for by in self._GROUPS]
            self._read_at = at
        return self._counts
