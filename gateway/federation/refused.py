"""Refused offers: refused receipts, and the documents that refusals on reception name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.federation.federation import Federation
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.record import read_utc
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.refused_offers import REFUSED
from gateway.protocol.statistics import Dimension
from gateway.store.receipt_search import ReceiptFilter
from gateway.store.refused_documents import RefusedFilter
from gateway.store.statistics import SubmissionCount

_LISTED = 50
_RECEIPTS_AT_ONCE, _RECEIPTS_EXAMINED = 200, 2_000
_REJECTED = frozenset({"rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFacts:
    """Refused offers of some days, newest first: documents refused at the door, of which few are named, and refused
    receipts; ``more``: whether there may be further receipts.
    """

    documents: Sequence[RefusedDocument]
    receipts: Sequence[Mapping[str, Any]]
    more: bool


async def refused_offers(federation: Federation, wanted: RefusedFilter) -> RefusedFacts:
    """The newest refusals, by the time of the submission, as the statistics count them. Of days that ended before
    today, later receipts are read over, up to a bound; receipts have no index by rule.
    """
    since, until = paris_midnight(wanted.first), paris_midnight(wanted.last + timedelta(days=1))
    rejected = ReceiptFilter(verdicts=_REJECTED, since=since)  # no receipt is older than its submission
    found: list[Mapping[str, Any]] = []
    after, more, examined = None, True, 0
    while more and len(found) <= _LISTED and examined < _RECEIPTS_EXAMINED:
        receipts, after, more = await federation.receipts.page(
            wanted.platforms, after=after, limit=_RECEIPTS_AT_ONCE, criteria=rejected, newest=True
        )
        examined += len(receipts)
        found += [one for one in receipts if since <= read_utc(one["at"]) < until and _breaks(one, wanted.rule)]
    documents = await federation.statistics.refused(wanted, most=_LISTED)
    return RefusedFacts(documents=documents, receipts=found[:_LISTED], more=more or len(found) > _LISTED)


def _breaks(receipt: Mapping[str, Any], rule: str) -> bool:
    """``codes`` has every rule where ``problems`` has the first ten."""
    return rule in ("", *receipt.get("codes", ()), *(problem["code"] for problem in receipt.get("problems", ())))


@dataclass(frozen=True, slots=True)
class Refused:
    """Refusals: the offers, at least where ``more``, and how often they were sent."""

    offers: int = 0
    sends: int = 0
    more: bool = False

    @classmethod
    def of(cls, count: SubmissionCount) -> "Refused":
        """Those of a count. Where distinct offers are not known, each one that was sent is one."""
        return cls(count.offers, count.number, count.more) if count.offers else cls(count.number, count.number)

    def __add__(self, other: "Refused") -> "Refused":
        """Those of other days, platforms or verdicts as well."""
        return Refused(self.offers + other.offers, self.sends + other.sends, self.more or other.more)


async def refusal_counts(federation: Federation, wanted: RefusedFilter, by: Dimension | None) -> Mapping[str, Refused]:
    """The refusals of some days by platform, day or rule, or all under an empty name: those that break the wanted rule,
    if there is one. A submission that breaks two rules counts under each by rule, and once otherwise.
    """
    names = {"verdict", *([by] if by else ()), *(["rule"] if wanted.rule else ())}
    counts = await federation.statistics.counts(wanted.first, wanted.last, by=names, platforms=wanted.platforms)
    return count_refusals(counts, by, rule=wanted.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRow:
    """The refusals of one day, platform and rule."""

    day: str
    platform: str
    rule: str
    refused: Refused


async def refusal_rows(federation: Federation, wanted: RefusedFilter) -> Sequence[RefusalRow]:
    """The refusals of some days by day, platform and rule, the last day first; those that break the wanted rule, if
    there is one.
    """
    by: tuple[Dimension, ...] = ("day", "platform", "verdict", "rule")
    found: dict[tuple[str, str, str], Refused] = {}
    for one in await federation.statistics.counts(wanted.first, wanted.last, by=by, platforms=wanted.platforms):
        if one.verdict in REFUSED and one.rule is not None and wanted.rule in ("", one.rule):
            key = str(one.day), str(one.platform), one.rule
            found[key] = found.get(key, Refused()) + Refused.of(one)
    rows = [RefusalRow(day=day, platform=slug, rule=rule, refused=one) for (day, slug, rule), one in found.items()]
    rows.sort(key=lambda row: (row.platform, row.rule))
    return sorted(rows, key=lambda row: row.day, reverse=True)


def count_refusals(
    counts: Sequence[SubmissionCount], by: str | None = None, *, rule: str = ""
) -> Mapping[str, Refused]:
    """The refusals by platform, day or rule, or all under an empty name; with a rule, those that break it. ``counts``
    are by verdict too.
    """
    found: dict[str, Refused] = {}
    for count in counts:
        name = getattr(count, by) if by else ""
        if count.verdict in REFUSED and name is not None and rule in ("", count.rule):
            found[name] = found.get(name, Refused()) + Refused.of(count)
    return found


def most_first(found: Mapping[str, Refused]) -> Sequence[tuple[str, Refused]]:
    """The refusals by name, most offers first."""
    return sorted(found.items(), key=lambda one: (-one[1].offers, -one[1].sends, one[0]))
