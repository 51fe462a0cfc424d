"""CSV for people and programs: the one writer of tables with counts and lists."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets compute a cell that begins with one of these; an apostrophe before it makes it a text."""


def csv_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """RFC 4180 with semicolons and a byte order mark, as French spreadsheets read it; no text is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows(
        [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode("utf-8-sig")
