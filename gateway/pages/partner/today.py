"""View model of what needs a platform now: feed, refusals, moderations, deliveries, certificate, keys. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

from gateway.federation.platform import TodayFacts
from gateway.federation.refused import count_refusals, most_first
from gateway.pages.partner.moderations import moderations
from gateway.pages.partner.refused import RefusedOffer, refusals
from gateway.pages.partner.rules import RuleText, of_problem, of_rule
from gateway.protocol.certificate import certified_until, notice_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import SUCCESSES
from schemas.rulebook import Language

Kind: TypeAlias = Literal["blocked", "look"]
MAX_RULES = 5
"""Rules that are each a thing to do; the statistics have them all."""
_OF_ITEMS: Sequence[tuple[str, Kind, str]] = (("error", "blocked", "feed_refused"), ("warning", "look", "feed_warned"))
_MISSED = 2
_MAX_EXAMPLES = 3
_DAY_MS = 24 * 3_600_000
_SOON_MS = 2 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Example:
    """A refused offer, and the field that the rule names in it."""

    refusal: RefusedOffer
    pointer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """One thing to do: the keys of its texts (``todo_{name}``, ``todo_{name}_fact``), and their values. ``rule``: the
    rule or the failure in the catalogue's words; ``page``: where to look, or ``anchor``: where on this page;
    ``examples``: some of the offers.
    """

    kind: Kind
    name: str
    values: dict[str, Any] = field(default_factory=dict)
    rule: RuleText | None = None
    failure: str | None = None
    page: str | None = None
    query: str = ""
    anchor: str | None = None
    examples: Sequence[Example] = ()


def todos(facts: TodayFacts, partner: Partner, *, required: date | None, language: Language) -> Sequence[Todo]:
    """The tasks of the platform, blocked things first."""
    found = [
        *_feed(facts, language),
        *_refusals(facts, language),
        *_moderations(facts),
        *_certificate(partner, required, facts.now),
        *_deliveries(facts, language),
        *_keys(partner, facts.now),
    ]
    return sorted(found, key=lambda todo: todo.kind != "blocked")


def _feed(facts: TodayFacts, language: Language) -> Iterator[Todo]:
    run = facts.run
    if facts.every_ms is None:
        return
    if facts.paused_at is not None:
        yield Todo(kind="look", name="feed_paused", values={"at": facts.paused_at})
    if run is None:
        if facts.paused_at is None:
            yield Todo(kind="look", name="feed_never")
        return
    if run.outcome == "failed" and run.last_error is not None:
        failure = run.last_error.fr if language == "fr" else run.last_error.en
        name = "feed_failed" if run.last_success_at is None else "feed_failed_since"
        since: dict[str, Any] = {"live": facts.live, "since": run.last_success_at}
        yield Todo(kind="blocked", name=name, values=since, failure=failure)
    elif run.outcome == "pending":
        yield Todo(kind="blocked", name="feed_pending", values={"n": run.would_withdraw or 0, "live": facts.live})
    elif facts.paused_at is None and run.outcome in SUCCESSES and facts.now - run.ended_at > _MISSED * facts.every_ms:
        yield Todo(kind="blocked", name="feed_silent", values={"since": run.ended_at, "live": facts.live})
    for severity, kind, name in _OF_ITEMS:
        groups = [one for one in run.problems if one["severity"] == severity and one.get("position")]
        for group in sorted(groups, key=lambda one: -one.get("count", 1))[:MAX_RULES]:
            text = of_problem(group, language)
            values = {"n": group.get("count", 1), "first": _first(group)}
            yield Todo(kind=kind, name=name, values=values, rule=text)


def _first(group: Any) -> str:
    return str(group.get("id") or group.get("position"))


def _refusals(facts: TodayFacts, language: Language) -> Iterator[Todo]:
    """Of a platform that publishes by itself; those of a feed are the run's."""
    if facts.every_ms is not None:
        return
    named = refusals(facts.refused, language)
    for rule, refused in most_first(count_refusals(facts.rules, "rule"))[:MAX_RULES]:
        text = of_rule(rule, language)
        examples = list(_examples(named, text.code))[:_MAX_EXAMPLES]
        values = {"n": refused.offers}
        yield Todo(kind="blocked", name="refused", values=values, rule=text, page="figures", examples=examples)


def _examples(named: Sequence[RefusedOffer], rule: str) -> Iterator[Example]:
    """The newest refusals by a rule, each offer once."""
    seen: set[str | int | None] = set()
    for one in named:
        name = one.offer or one.number or one.receipt
        for reason in one.reasons:
            if reason.rule.code == rule and name not in seen:
                seen.add(name)
                yield Example(one, reason.pointer)


def _moderations(facts: TodayFacts) -> Iterator[Todo]:
    """Offers that are moderated, and those that may be published again and are not."""
    standings = [one.standing for one in moderations(facts.moderations)]
    if number := standings.count("moderated"):
        yield Todo(kind="blocked", name="moderated", values={"n": number}, anchor="moderations")
    if number := standings.count("lifted"):
        yield Todo(kind="look", name="lifted", values={"n": number}, anchor="moderations")


def _certificate(partner: Partner, required: date | None, now: int) -> Iterator[Todo]:
    if "offers:publish" not in partner.scopes:
        return
    day = notice_of(partner.certificates, required=required, now=now)
    if day is None:
        return
    until = certified_until(partner.certificates, now=now)
    if until is None:
        refused = day.isoformat() <= paris_date(now)
        name = "certificate_missing" if refused else "certificate_wanted"
        yield Todo(kind="blocked" if refused else "look", name=name, values={"day": day})
    else:
        left = max(0, (until - now) // _DAY_MS)
        yield Todo(kind="look", name="certificate_ends", values={"n": left, "day": day})


def _deliveries(facts: TodayFacts, language: Language) -> Iterator[Todo]:
    if facts.deliveries is None:
        return
    states = facts.deliveries.states
    if states.get("refused"):
        part = facts.deliveries.refused
        text = of_problem(part.problems[0], language) if part is not None and part.problems else None
        values = {"n": states["refused"]}
        yield Todo(
            kind="blocked", name="undelivered", values=values, rule=text, page="deliveries", query="state=refused"
        )
    if states.get("not-deliverable"):
        values = {"n": states["not-deliverable"]}
        yield Todo(kind="look", name="undeliverable", values=values, page="deliveries", query="state=not-deliverable")


def _keys(partner: Partner, now: int) -> Iterator[Todo]:
    for secret in partner.secrets:
        if secret.ends_at is not None and now < secret.ends_at <= now + _SOON_MS:
            yield Todo(kind="look", name="secret_ends", values={"at": secret.ends_at}, page="keys")
