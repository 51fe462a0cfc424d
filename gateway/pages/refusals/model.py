"""View model of refusals: counted by rule, by platform and by day, and those of feeds with their reasons. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gateway.federation.refused import RefusalRow, Refused
from gateway.pages.base.columns import Column, Row
from gateway.pages.partner.refused import BrokenRule, RefusedOffer, is_error, reason_of
from gateway.pages.partner.rules import of_rule
from gateway.protocol.paris_time import paris_date
from gateway.protocol.source_run import SourceRun
from gateway.store.refused_documents import RefusedFilter
from schemas.rulebook import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRefusal:
    """Items of the last reading of a feed that broke one rule: how many, the first of them, and the ids of some."""

    reason: BrokenRule
    number: int
    first: str
    offers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRefusals:
    """The refusals of the last reading of a feed."""

    platform: str
    at: int
    groups: Sequence[FeedRefusal]


def columns(names: Mapping[str, str], language: Language) -> Sequence[Column[RefusalRow]]:
    """The columns of the file."""
    return (
        Column("day", lambda row: row.day),
        Column("platform", lambda row: names.get(row.platform, row.platform)),
        Column("rule", lambda row: str(of_rule(row.rule, language).name.striptags())),
        Column("code", lambda row: row.rule),
        *figures(lambda row: row.refused),
    )


def figures(refused: Callable[[Row], Refused]) -> tuple[Column[Row], Column[Row]]:
    """The two numbers of every table of refusals."""
    return (
        Column("offers", lambda row: refused(row).offers, kind="n"),
        Column("sends", lambda row: refused(row).sends, kind="n"),
    )


def by_day(found: Mapping[str, Refused], wanted: RefusedFilter) -> Sequence[tuple[date, Refused]]:
    """Every day of the period, the last first, also those without a refusal."""
    days = [wanted.last - timedelta(days=number) for number in range((wanted.last - wanted.first).days + 1)]
    return [(day, found.get(day.isoformat(), Refused())) for day in days]


def feed_refusals(runs: Mapping[str, SourceRun], wanted: RefusedFilter, language: Language) -> Sequence[FeedRefusals]:
    """The refusals of the last reading of each feed, of these platforms, days and this rule."""
    return [
        FeedRefusals(platform=slug, at=run.ended_at, groups=groups)
        for slug, run in sorted(runs.items())
        if (wanted.platforms is None or slug in wanted.platforms)
        and wanted.first <= date.fromisoformat(paris_date(run.ended_at)) <= wanted.last
        and (groups := list(_groups(run, wanted.rule, language)))
    ]


def _groups(run: SourceRun, rule: str, language: Language) -> Iterator[FeedRefusal]:
    wanted = [one for one in run.problems if is_error(one) and one.get("position") and rule in ("", one["code"])]
    for one in sorted(wanted, key=lambda group: -group.get("count", 1)):
        first = str(one.get("id") or one["position"])
        offers = list(dict.fromkeys(item["id"] for item in (one, *one.get("examples", ())) if item.get("id")))
        yield FeedRefusal(reason=reason_of(one, language), number=one.get("count", 1), first=first, offers=offers)


def beside_feeds(named: Sequence[RefusedOffer], feeds: Sequence[FeedRefusals]) -> Sequence[RefusedOffer]:
    """The refused offers without the reasons that the last reading of their feed names, which has the values too."""
    known = {(offer, group.reason.rule.code) for feed in feeds for group in feed.groups for offer in group.offers}
    left = [
        replace(one, reasons=[reason for reason in one.reasons if (one.offer, reason.rule.code) not in known])
        for one in named
    ]
    return [one for one in left if one.reasons]
