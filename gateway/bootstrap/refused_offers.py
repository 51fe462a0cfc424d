"""Refused offers as pages need them: refused receipts, and the documents that refusals at the door name."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from gateway.federation import Federation
from gateway.pages.partner.port import RefusedFacts
from gateway.protocol.decide import paris_midnight
from gateway.protocol.record import read_utc
from gateway.store.receipt_search import ReceiptFilter
from gateway.store.refused_documents import RefusedFilter

_LISTED = 50
_RECEIPTS_AT_ONCE, _RECEIPTS_EXAMINED = 200, 2_000
_REJECTED = frozenset({"rejected"})


async def refused_offers(
    federation: Federation, platforms: Collection[str] | None, first: date, last: date, *, rule: str = ""
) -> RefusedFacts:
    """The newest of some days (both included), of all platforms or of these, by the time of the submission, as the
    statistics count them. Of days that ended before today, later receipts are read over, up to a bound; receipts have
    no index by rule.
    """
    since, until = paris_midnight(first), paris_midnight(last + timedelta(days=1))
    wanted = ReceiptFilter(verdicts=_REJECTED, since=since)  # no receipt is older than its submission
    found: list[Mapping[str, Any]] = []
    after, more, examined = None, True, 0
    while more and len(found) <= _LISTED and examined < _RECEIPTS_EXAMINED:
        receipts, after, more = await federation.receipts.page(
            platforms, after=after, limit=_RECEIPTS_AT_ONCE, asked=wanted, newest=True
        )
        examined += len(receipts)
        found += [one for one in receipts if since <= read_utc(one["at"]) < until and _breaks(one, rule)]
    named = RefusedFilter(first=first, last=last, platforms=platforms, rule=rule)
    documents = await federation.statistics.refused(named, most=_LISTED)
    return RefusedFacts(documents=documents, receipts=found[:_LISTED], more=more or len(found) > _LISTED)


def _breaks(receipt: Mapping[str, Any], rule: str) -> bool:
    """``codes`` has every rule where ``problems`` has the first ten."""
    return rule in ("", *receipt.get("codes", ()), *(problem["code"] for problem in receipt.get("problems", ())))
