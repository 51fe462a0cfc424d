"""Counts of submissions as people and programs get them: rows under the names of their columns, and the same as CSV."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.federation.csv_table import csv_table
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
    """The counts as a table, under the names of the API."""
    names = [*by, "count", *(("offers", "more_offers") if has_distinct_offers(by) else ())]
    cells = ([row.get(name, "") for name in names] for row in rows)
    return csv_table(names, (["true" if cell is True else cell for cell in row] for row in cells))
