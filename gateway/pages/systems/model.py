"""View model of the systems: exceptions first, each with its lag, its last run, its last error, its queue. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.federation.journal import SignedEntry
from gateway.federation.refused import Refused, count_refusals, most_first
from gateway.federation.systems import SystemsFacts
from gateway.operate.feeds import has_feed
from gateway.operate.health import Health, systems
from gateway.operate.status import Details, Status, statuses
from gateway.pages.base.columns import Column
from gateway.pages.base.texts import Texts
from gateway.pages.base.wording import spaced, stamp
from gateway.pages.national.model import UNTAKEN
from gateway.pages.partner.rules import RuleText, of_rule
from gateway.protocol.identity import NATIONAL
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import SourceRun
from schemas.communes import plain_name
from schemas.rulebook import Language

Kind: TypeAlias = Literal["fine", "look", "blocked", "none"]
Transport: TypeAlias = Literal["feed", "inbox", "push", "reads", "national", "uncovered", "none"]
"""Days of the refusals, today included."""
Condition: TypeAlias = Literal["fresh", "late", "down", "unconnected", "paused", "failing", "waiting", "revoked"]
"""The state of a system for an operator. ``failing``: its last run failed while its schedule is kept; ``waiting``: its
last run waits for a confirmation.
"""
KINDS: Mapping[Condition, Kind] = {
    "down": "blocked",
    "waiting": "blocked",
    "late": "look",
    "failing": "look",
    "paused": "look",
    "fresh": "fine",
    "unconnected": "none",
    "revoked": "none",
}
"""In the order of the table: those that need an operator first."""
_MINUTE_MS = 60_000
_MAX_RULES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """A duration as days and hours, or hours and minutes."""

    days: int
    hours: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRow:
    """One system. ``lag``: since its last exchange, None where it is fresh; ``run``: the last one of its feed;
    ``refused``: its offers of this week, those of its feed too;
    ``unread`` and ``pending``: its queues, at its inbox and at the national site; ``would_withdraw``: the offers that
    its last run would withdraw and waits to, None where it does not wait.
    """

    platform: str | None
    name: str
    transport: Transport
    live: int | None
    condition: Condition
    paused_at: int | None
    paused_by: SignedEntry | None
    lag: Lag | None
    last_success: int | None
    run: SourceRun | None
    would_withdraw: int | None
    error: str | None
    error_at: int | None
    refused: Refused
    unread: int | None
    pending: int
    certified_until: int | None
    has_feed: bool
    is_partner: bool

    @property
    def kind(self) -> Kind:
        """The shape of its condition."""
        return KINDS[self.condition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The row of all systems. ``pending`` has the deliveries of every platform, as the row of the national site has."""

    live: int
    refused: Refused
    unread: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The page. ``rows``: the twelve systems, ``totals`` of them; ``others``: further platforms; ``exceptions``: those
    that need an operator; ``rules``: the most frequent reasons of refusals, with their numbers; ``requests`` and
    ``stopped``: as in the facts.
    """

    now: int
    fresh: int
    rows: Sequence[SystemRow]
    totals: Totals
    others: Sequence[SystemRow]
    exceptions: Sequence[SystemRow]
    undecided: int | None
    refused: Refused
    rules: Sequence[tuple[RuleText, Refused]]
    pending: int
    undelivered: int
    requests: int
    stopped: int

    @property
    def todos(self) -> int:
        """The number of things that wait for a person."""
        return len(self.exceptions) + sum(1 for one in (self.requests, self.undelivered, self.stopped) if one)


def overview(found: SystemsFacts, language: Language) -> Overview:
    """The systems, exceptions first."""
    facts = found.facts
    health = {(one.platform, one.region): one.health for one in systems(facts, found.terms, others=True)}
    lines = list(statuses(facts, asker="", operator=True))
    every = [(line, _row(found, line, health[line.platform, line.region], language)) for line in lines]
    rows = [row for line, row in every if line.kind != "other"]
    rows.sort(key=lambda row: ([*KINDS].index(row.condition), plain_name(row.name)))
    others = [row for line, row in every if line.kind == "other"]
    rules = most_first(count_refusals(found.rules, "rule"))
    national = next((line.details for line in lines if line.platform == NATIONAL), None) or Details()
    return Overview(
        now=facts.now,
        fresh=sum(row.kind == "fine" for row in rows),
        rows=rows,
        totals=Totals(
            live=sum(row.live or 0 for row in rows),
            refused=sum((row.refused for row in rows), Refused()),
            unread=sum(row.unread or 0 for row in rows),
            pending=national.pending or 0,
        ),
        others=others,
        exceptions=[row for row in (*rows, *others) if row.kind in ("blocked", "look") and row.platform is not None],
        undecided=found.undecided,
        refused=sum(found.refused.values(), Refused()),
        rules=[(of_rule(rule, language), one) for rule, one in rules[:_MAX_RULES]],
        pending=national.pending or 0,
        undelivered=sum(one.states.get(state, 0) for one in facts.deliveries.values() for state in UNTAKEN),
        requests=found.requests,
        stopped=found.stopped,
    )


def columns(texts: Texts) -> Sequence[Column[SystemRow]]:
    """The columns of the table that sort it, and of its file."""
    return (
        Column("system", lambda row: row.name, lambda row: plain_name(row.name)),
        Column("access", lambda row: str(texts(f"transport_{row.transport}"))),
        Column("state", lambda row: str(texts(f"health_{row.condition}")), lambda row: [*KINDS].index(row.condition)),
        Column(
            "exchange", lambda row: stamp(row.last_success) if row.last_success else "", lambda row: row.last_success
        ),
        Column("refused_week", lambda row: row.refused.offers, kind=""),
        Column("sends_col", lambda row: row.refused.sends, kind="n"),
        Column("queue", lambda row: (row.unread or 0) + row.pending),
        Column("online", lambda row: row.live, kind="n"),
        Column(
            "certificate",
            lambda row: paris_date(row.certified_until) if row.certified_until else "",
            lambda row: row.certified_until,
        ),
        Column("error", lambda row: row.error or ""),
    )


def lag_of(milliseconds: int) -> Lag:
    """A duration, cut to minutes."""
    minutes = max(0, milliseconds) // _MINUTE_MS
    return Lag(days=minutes // 1_440, hours=minutes // 60 % 24, minutes=minutes % 60)


def _row(found: SystemsFacts, line: Status, health: Health, language: Language) -> SystemRow:
    facts, slug, details = found.facts, line.platform or "", line.details or Details()
    partner, run, error = facts.partners.get(slug), facts.runs.get(slug), details.last_error
    elapsed = None if details.last_success is None else facts.now - details.last_success
    return SystemRow(
        platform=line.platform,
        name=line.name,
        transport=_transport(line, partner),
        live=None if line.platform is None else line.live,
        condition=_condition(health, partner, run, paused=details.paused_at is not None),
        paused_at=details.paused_at,
        paused_by=found.pauses.get(slug),
        lag=None if health in ("fresh", "unconnected") or elapsed is None else lag_of(elapsed),
        last_success=details.last_success,
        run=run,
        would_withdraw=run.would_withdraw if run is not None and run.outcome == "pending" else None,
        error=None if error is None else (spaced(error.fr) if language == "fr" else error.en),
        error_at=None if error is None else error.at,
        refused=found.refused.get(slug, Refused()),
        unread=details.inbox_lag,
        pending=details.pending or 0,
        certified_until=line.certified_until,
        has_feed=partner is not None and not partner.revoked and has_feed(partner),
        is_partner=partner is not None,
    )


def _condition(health: Health, partner: Partner | None, run: SourceRun | None, *, paused: bool) -> Condition:
    """Its health, unless an operator must know more than that an exchange was not missed."""
    if partner is not None and partner.revoked:
        return "revoked"
    outcome = run.outcome if run is not None and partner is not None and has_feed(partner) else None
    if outcome == "pending":
        return "waiting"
    if health == "down":
        return "down"
    if paused:
        return "paused"
    return "failing" if outcome == "failed" and health != "late" else health


def _transport(line: Status, partner: Partner | None) -> Transport:
    if line.kind == "uncovered":
        return "uncovered"
    if line.kind == "national":
        return "national"
    if partner is None or partner.revoked:
        return "none"
    if has_feed(partner):
        return "feed"
    if partner.inbox:
        return "inbox"
    return "push" if "offers:publish" in partner.scopes else "reads"
