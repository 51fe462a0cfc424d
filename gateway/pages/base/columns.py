"""A table whose address names what it is sorted by, and that is also a file: the same columns, the same rows. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from gateway.pages.base.csv_file import csv_file
from gateway.pages.base.page import Download, PageError
from gateway.pages.base.texts import Texts

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """``name``: in the address, and of its head among the page's texts. ``cell``: its text or number in a file, by
    which it also sorts unless ``key`` says otherwise; rows without a value come last. ``kind``: ``n`` for figures.
    """

    name: str
    cell: Callable[[Row], str | int | None]
    key: Callable[[Row], Any] | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class SortedTable(Generic[Row]):
    """The rows in the order that an address names. ``by``: the name of a column, with a hyphen before it for
    descending; empty for the order of the page. ``kept``: the filters of the address.
    """

    columns: Sequence[Column[Row]]
    rows: Sequence[Row]
    by: str
    kept: Mapping[str, str]

    def head(self, name: str, label: str, address: str) -> tuple[str, str, str, str | None]:
        """The head of a column: a link that sorts by it, the other way where it does already."""
        column = next(one for one in self.columns if one.name == name)
        order = {name: "ascending", f"-{name}": "descending"}.get(self.by)
        following = f"-{name}" if order == "ascending" else name
        return label, column.kind, f"{address}?{urlencode({**self.kept, 'sort': following})}", order

    def file(self, address: str) -> str:
        """The address of the same table as a file."""
        sort = {"sort": self.by} if self.by else {}
        return f"{address}?{urlencode({**self.kept, **sort, 'format': 'csv'})}"

    def csv(self, name: str, texts: Texts) -> Download:
        """The file."""
        heads = [str(texts(column.name)) for column in self.columns]
        rows = [["" if (cell := one.cell(row)) is None else cell for one in self.columns] for row in self.rows]
        return csv_file(name, heads, rows)


def table_of(
    query: Mapping[str, str], columns: Sequence[Column[Row]], rows: Sequence[Row], *, kept: Mapping[str, str]
) -> SortedTable[Row]:
    """The table that an address asks for. Raises PageError 400 for a column that it does not have."""
    by = query.get("sort", "")
    column = next((one for one in columns if one.name == by.removeprefix("-")), None)
    if by and column is None:
        raise PageError(400)
    filters = {name: value for name, value in kept.items() if value}
    if column is None:
        return SortedTable(columns, rows, "", filters)
    key: Callable[[Row], Any] = column.key or column.cell
    known = sorted((row for row in rows if key(row) is not None), key=key, reverse=by.startswith("-"))
    return SortedTable(columns, [*known, *(row for row in rows if key(row) is None)], by, filters)


def wants_file(query: Mapping[str, str]) -> bool:
    """Whether an address asks for the file of its list. Raises PageError 400 for another format."""
    form = query.get("format", "")
    if form not in ("", "csv"):
        raise PageError(400)
    return form == "csv"
