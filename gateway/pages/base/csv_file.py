"""Files for spreadsheets.

Spreadsheets take a cell of digits for a number and drop its leading zeros. So no cell is a postcode or the code of a
department alone: each has its name beside it (``01000 Bourg-en-Bresse``, ``Ain (01)``), which makes it a text without
a sign that other programs would have to remove. Days are ISO 8601, which sorts.
"""

from collections.abc import Iterable, Sequence

from gateway.federation.csv_table import csv_table
from gateway.pages.base.page import Download


def csv_file(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Download:
    """A file of this name, with heads in the reader's language."""
    return Download(name, "text/csv; charset=utf-8; header=present", csv_table(heads, rows))
