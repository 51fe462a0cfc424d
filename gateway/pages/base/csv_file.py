"""Files for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence

from gateway.pages.base.page import Download

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets compute a cell that begins with one of these; an apostrophe before it makes it a text."""


def csv_file(name: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Download:
    """RFC 4180 with semicolons and a byte order mark, as French spreadsheets read it; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([f"'{cell}" if cell.startswith(_FORMULAS) else cell for cell in row] for row in rows)
    return Download(name, "text/csv; charset=utf-8; header=present", text.getvalue().encode("utf-8-sig"))
