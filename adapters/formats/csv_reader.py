"""Read the rows of CSV from spreadsheets: any usual separator, quoted cells with line feeds, a ``sep=`` line."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from adapters.formats.encoding import TextLine, cut_lines
from adapters.formats.item import ITEM_CHARACTERS, SourceItem
from adapters.formats.nearest_path import nearest_of
from adapters.formats.problem import UnusableFeedError, problem
from schemas.bilingual import Bilingual
from schemas.closed_list import closed_list
from schemas.rulebook import displayed

SEPARATORS = closed_list("separator")

_ENDLESS_ROW = Bilingual("endless row", "ligne sans fin")
_MALFORMED_ROW = "ligne mal formée : guillemets ou longueur"
_MAX_HINTS = 10
_MAX_COMPARED = 300

_QUOTED = re.compile(r'"[^"]*"?')
_DECLARED = re.compile(r"\s*\"?sep=([;,\t|])\"?\s*", re.IGNORECASE)
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
"""A text written as a formula, so that a spreadsheet keeps the leading zero of ``01000``."""


def read_rows(
    text: Iterable[str],
    *,
    separator: str | None,
    columns: Sequence[str] | None,
    needed: Iterable[Sequence[str]],
) -> Iterator[SourceItem]:
    """One record per row that is not blank. ``columns`` names the columns of a file without a header.

    ``needed`` holds the alternative names of each required column. Raises UnusableFeedError.
    """
    lines = _Lines(text)
    first = lines.peek()
    declared = _DECLARED.fullmatch(first)
    if declared:
        next(lines, None)
        first = lines.peek()
    rows = csv.reader(lines, delimiter=separator or (declared[1] if declared else _likeliest(first)), strict=True)
    names = columns
    if names is not None:
        _require(needed, names)
    for begin, cells in _rows(rows, lines):
        if isinstance(cells, str):
            yield SourceItem(begin, {}, problem("item-malformed", actual=cells, line=begin))
        elif names is None:
            names = _names(cells)
            _require(needed, names)
        else:
            yield _record(begin, cells, names, cut=not lines.ended)
    if names is None:
        raise _missing(list(needed), ())


class _Lines:
    """Iterator of lines for ``csv.reader``. Raises UnusableFeedError for a row longer than an item may be."""

    def __init__(self, text: Iterable[str]) -> None:
        self._lines = cut_lines(text)
        self._peeked: TextLine | None = None
        self.read = 0
        self.ended = True
        self.exhausted = False
        self.row_size = 0

    def peek(self) -> str:
        """The next line that is not blank, without consuming it."""
        self._peeked = next((line for line in self._lines if line.text is None or line.text.strip()), None)
        if self._peeked is None or self._peeked.text is None:
            return ""
        self.read = self._peeked.number - 1
        return self._peeked.text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, self._peeked = self._peeked or next(self._lines, None), None
        if line is None:
            self.exhausted = True
            raise StopIteration
        self.read, self.ended = line.number, line.ended
        self.row_size += ITEM_CHARACTERS + 1 if line.text is None else len(line.text)
        if line.text is None or self.row_size > ITEM_CHARACTERS:
            raise UnusableFeedError("feed-malformed", actual=_ENDLESS_ROW, line=line.number)
        return line.text + "\n"


def _rows(rows: Iterator[list[str]], lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    """Each row that is not blank with its first line number; a malformed row is replaced by the reason."""
    while True:
        begin, lines.row_size = lines.read + 1, 0
        try:
            cells = next(rows, None)
        except csv.Error as error:
            if lines.exhausted:
                raise UnusableFeedError("feed-cut", actual="CSV") from None
            yield begin, Bilingual(str(error), _MALFORMED_ROW)
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield begin, cells


def _record(begin: int, cells: list[str], names: Sequence[str], *, cut: bool) -> SourceItem:
    while len(cells) > len(names) and not cells[-1].strip():
        cells.pop()
    content: dict[str, Any] = {}
    for name, cell in zip_longest(names, cells[: len(names)], fillvalue=""):
        formula = _FORMULA.fullmatch(cell)
        value = formula[1] if formula else cell
        if name in content:
            known = content[name]
            content[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            content[name] = value
    if len(cells) == len(names):
        return SourceItem(begin, content)
    if cut and len(cells) < len(names):
        raise UnusableFeedError("feed-cut", actual="CSV")
    return SourceItem(begin, content, problem("row-width", expected=len(names), actual=len(cells)))


def _names(cells: list[str]) -> list[str]:
    return [unicodedata.normalize("NFC", cell).strip() for cell in cells]


def _require(needed: Iterable[Sequence[str]], names: Sequence[str]) -> None:
    missing = [known for known in needed if not set(known) & set(names)]
    if missing:
        raise _missing(missing, names)


def _missing(missing: Sequence[Sequence[str]], names: Sequence[str]) -> UnusableFeedError:
    """The error with the missing columns and the nearest column to each."""
    hints = list(_hints(missing, names))
    return UnusableFeedError(
        "columns-missing",
        pointer="/mapping",
        expected=[" | ".join(known) for known in missing],
        actual=", ".join(names) or "–",
        hint=Bilingual("; ".join(hints), " ; ".join(one.fr for one in hints)),
    )


def _hints(missing: Sequence[Sequence[str]], names: Sequence[str]) -> Iterator[Bilingual]:
    """The nearest column to each missing one; or a hint that the header or the separator is wrong."""
    if not names:
        yield Bilingual("No line can be read as the header", "Aucune ligne n’est lisible comme en-tête")
        return
    split = next((sign for sign in SEPARATORS if sign in names[0]), None)
    if len(names) == 1 and split is not None:
        yield Bilingual(
            f"The header is one single column: the separator may be “{split}”",
            f"L’en-tête est une seule colonne : le séparateur est peut-être « {split} »",
        )
        return
    listed = [(name,) for name in names[:_MAX_COMPARED]]
    for known in missing[:_MAX_HINTS]:
        near = nearest_of([(name,) for name in known], listed)
        if near is None or not near.related:
            continue
        column, why = displayed(near.path[0]), near.reason
        yield Bilingual(
            f"The nearest column to “{known[0]}” is “{column}”" + (f" ({why})" if why else ""),
            f"La colonne la plus proche de « {known[0]} » est « {column} »" + (f" ({why.fr})" if why else ""),
        )


def _likeliest(line: str) -> str:
    """The most frequent separator outside quotes."""
    plain = _QUOTED.sub("", line)
    return max(SEPARATORS, key=plain.count)
