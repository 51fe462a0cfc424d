"""Counts of submissions as people and programs get them: rows under the names of their columns, and the same as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.protocol.refused_offers import REFUSED
from gateway.protocol.statistics import Dimension
from gateway.store.statistics import SubmissionCount, has_distinct_offers


def count_row(by: Sequence[Dimension], count: SubmissionCount) -> dict[str, Any]:
    """A count with the members that ``by`` names; for refusals the number of ``offers``, and ``more_offers`` if there
    are further ones.
    """
    row: dict[str, Any] = {**{name: getattr(count, name) for name in by}, "count": count.number}
    if count.offers and count.verdict in REFUSED:
        row["offers"] = count.offers
        if count.more:
            row["more_offers"] = True
    return row


def counts_csv(by: Sequence[Dimension], rows: Iterable[dict[str, Any]]) -> bytes:
    """RFC 4180 with semicolons and a byte order mark, as the exports: codes, slugs and days, none of them a formula."""
    names = [*by, "count", *(("offers", "more_offers") if has_distinct_offers(by) else ())]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: "true" if value is True else value for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")
