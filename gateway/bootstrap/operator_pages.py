"""What the pages of an operator need of the federation: systems and feeds, refusals, any offer and its moderation."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta

from aiohttp import web

from gateway.api.work import work_of
from gateway.errors import CodedError, LogError
from gateway.federation import Federation
from gateway.federation.offers import OfferPage, offer_history, search_offers
from gateway.federation.platform import platform_names
from gateway.log.positions import end_of, unread
from gateway.operate.feeds import has_feed, new_order, order_now, set_paused, write_run_entry
from gateway.operate.moderation import Moderation, moderation_command, write_entry
from gateway.operate.status import Facts
from gateway.pages.moderation import ModerationPort
from gateway.pages.moderation.port import ModerationOutcome, OfferFacts
from gateway.pages.refusals.model import numbers
from gateway.pages.systems import SystemsPort
from gateway.pages.systems.model import DAYS
from gateway.pages.systems.port import FeedAct, FeedOutcome, FlowFacts, SignedEntry, SystemsFacts
from gateway.protocol.decide import paris_date, paris_midnight
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import ActName, Actor, JournalFilter
from gateway.protocol.partner import Partner
from gateway.protocol.receipt import refusals_key, unlisted
from gateway.protocol.source_run import Pause
from gateway.protocol.topic import INBOX, JOURNAL, OFFERS, RUNS, SUBMISSIONS
from gateway.publish.subscriber_topics import feed_scope, subscribes
from gateway.store.search.search import OUTSIDER
from gateway.store.statistics import Count, StatisticsView

DECISION_SECONDS = 10.0
"""How long a form waits for the decision of a moderation."""
_CATCH_UP_SECONDS = 10.0
_SEEN_SECONDS = 5.0
"""How long a form waits until the next page displays what it did."""
_EXAMINED = 100_000
"""Offers that one request compares with a searched text."""
_ACTS = 20
_MODERATION: frozenset[ActName] = frozenset({"offer.moderate", "offer.lift"})


def systems_port(federation: Federation) -> SystemsPort:
    """The port of the page of systems."""
    feeds = _Feeds(federation)
    return SystemsPort(ready=lambda: federation.caught_up, facts=feeds.facts, act=feeds.act)


def moderation_port(federation: Federation, *, decision_seconds: float = DECISION_SECONDS) -> ModerationPort:
    """The port of the page of any offer."""
    desk = _Offers(federation, decision_seconds)
    return ModerationPort(
        ready=lambda: federation.caught_up,
        platforms=lambda: platform_names(federation),
        search=desk.search,
        offer=desk.offer,
        moderate=desk.moderate,
    )


class _Feeds:
    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._week = _Week(federation.statistics)

    async def facts(self) -> SystemsFacts:
        federation = self._federation
        partners = {partner.platform: partner for partner in federation.partners.all()}
        inboxes = [slug for slug, one in partners.items() if one.inbox and not one.revoked]
        undecided, *lags = await asyncio.gather(
            self._unread(SUBMISSIONS), *(self._unread(INBOX + slug) for slug in inboxes)
        )
        today, pauses = date.fromisoformat(paris_date(federation.clock())), await federation.runs.paused()
        first = today - timedelta(days=DAYS - 1)
        counts, rules = await self._week.counts(first, today)
        facts = Facts(
            now=federation.clock(),
            partners=partners,
            live={slug: await federation.offers.count(slug) for slug in partners},
            receipts=await federation.receipts.counts(),
            deliveries=await federation.deliveries.summaries(),
            runs=await federation.runs.last(),
            pauses=pauses,
            accounts=await federation.deliveries.accounts(),
            unlisted={slug: unlisted(federation.positions.of(refusals_key(INBOX + slug))) for slug in inboxes},
            inbox_lag={slug: lag for slug, lag in zip(inboxes, lags, strict=True) if lag is not None},
        )
        return SystemsFacts(
            facts=facts,
            terms=federation.terms,
            undecided=undecided,
            refused=numbers(counts, "platform"),
            rules=rules,
            pauses={slug: entry for slug in pauses for entry in await _acts(federation, slug, {"feed.pause"}, most=1)},
            flow=FlowFacts(
                counts=counts,
                delivered=await federation.deliveries.delivered_since(paris_midnight(first)),
                unwritten=await self._unwritten(
                    [one for one in partners.values() if subscribes(one) and not one.revoked]
                ),
            ),
        )

    async def act(self, act: FeedAct, actor: Actor) -> FeedOutcome:
        """As the API does; and wait a moment until the page can display it."""
        federation, slug = self._federation, act.platform
        partner = federation.partners.get(slug)
        if partner is None or partner.revoked or not has_feed(partner):
            return "no-feed"
        known, at = await federation.runs.paused(), federation.clock()
        if act.action == "run":
            try:
                order = new_order(slug, at=at, confirm=act.confirm, known=known)
            except CodedError:
                return "paused"
            await write_run_entry(federation.acts, slug, confirm=act.confirm, actor=actor, why=act.why)
            await order_now(federation.log, order)
            return "done"
        pause = Pause(platform=slug, paused=act.action == "pause", at=at)
        if not await set_paused(federation.log, federation.acts, pause, known=known, actor=actor, why=act.why):
            return "already"
        await _displayed(federation, RUNS, JOURNAL)
        return "done"

    async def _unread(self, topic: str) -> int | None:
        return await unread(self._federation.log, topic, self._federation.positions.of(topic))

    async def _unwritten(self, subscribers: Sequence[Partner]) -> Mapping[str, int | None]:
        """The changes that are not yet on the topic of each."""
        log, positions = self._federation.log, self._federation.positions
        lags = await asyncio.gather(*(unread(log, OFFERS, positions.of(feed_scope(one))) for one in subscribers))
        return {one.platform: lag for one, lag in zip(subscribers, lags, strict=True)}


class _Week:
    """The counts of this week by platform, verdict and department, and by verdict and rule. They are read again when
    the day or the view has changed; its topic has records once a minute.
    """

    def __init__(self, statistics: StatisticsView) -> None:
        self._statistics = statistics
        self._read_at: tuple[object, ...] | None = None
        self._counts: tuple[Sequence[Count], Sequence[Count]] = ((), ())

    async def counts(self, first: date, last: date) -> tuple[Sequence[Count], Sequence[Count]]:
        """The counts of the days from the first to the last."""
        view = self._statistics
        at = (view.began, view.positions, first, last)
        if self._read_at != at:
            self._counts = (
                await view.counts(first, last, by=("platform", "verdict", "department")),
                await view.counts(first, last, by=("verdict", "rule")),
            )
            self._read_at = at
        return self._counts


class _Offers:
    def __init__(self, federation: Federation, decision_seconds: float) -> None:
        self._federation = federation
        self._decision_seconds = decision_seconds

    async def search(self, platforms: Sequence[str], query: str, after: str | None) -> OfferPage:
        return await search_offers(self._federation.offers, platforms, query, after, most=_EXAMINED)

    async def offer(self, offer_id: str) -> OfferFacts | None:
        history = await offer_history(self._federation, offer_id, duplicates_for=OUTSIDER)
        if history is None:
            return None
        return OfferFacts(history=history, acts=await _acts(self._federation, offer_id, _MODERATION, most=_ACTS))

    async def moderate(self, request: web.Request, asked: Moderation, sequence: int, actor: Actor) -> ModerationOutcome:
        """As the API does: any newer change of the offer prevails (WDR-006). Raises LogError."""
        federation, work = self._federation, work_of(request)
        end = await end_of(federation.log, OFFERS, partition_of(asked.offer_id, federation.log.partitions))
        if not await work.wait(federation.offers.reached(end, _CATCH_UP_SECONDS), otherwise=False):
            return "behind"
        state = await federation.offers.get(asked.offer_id)
        known = None if state is None else state.known
        try:
            command = moderation_command(asked, known, ids=federation.ids, partitions=federation.log.partitions)
        except CodedError as error:
            return _refusal(error.code)
        if known is None or known.sequence != sequence:
            return "changed"
        await write_entry(federation.acts, asked, actor)
        [outcome] = await federation.submissions.submit([command])
        if isinstance(outcome, LogError):
            raise outcome
        receipt = await work.wait(federation.receipts.wait(command.receipt, self._decision_seconds), None)
        await _displayed(federation, OFFERS, JOURNAL)
        if receipt is None:
            return "undecided"
        return "done" if receipt["verdict"] == "accepted" else "overtaken"


def _refusal(code: str) -> ModerationOutcome:
    match code:
        case "offer-unknown" | "already-moderated" | "not-moderated":
            return code
    raise ValueError(f"{code} is no refusal of a moderation")


async def _acts(federation: Federation, about: str, acts: Collection[str], *, most: int) -> Sequence[SignedEntry]:
    """The newest acts about an offer or a platform."""
    asked = JournalFilter(acts=frozenset(acts), about=about)
    entries, _, _ = await federation.journal.page(before=None, limit=most, asked=asked)
    names = federation.acts.names.state
    found = ((entry, names.get(entry.person or "")) for entry in entries)
    return [SignedEntry(entry, None if name is None else name.name) for entry, name in found]


async def _displayed(federation: Federation, *topics: str) -> None:
    """Wait until these views have what is on the log, at most some seconds: the next page displays it. The act is done
    already, so that an error of the log is none of it.
    """
    for topic in topics:
        with suppress(LogError):
            await federation.views[topic].reached(await federation.log.ends(topic), _SEEN_SECONDS)
