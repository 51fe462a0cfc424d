"""Statistics: what submissions came to, counted as a gateway counts them (``GET /v1/statistics``)."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from conformance.standin.exchange import PRIVATE, REALM, HostAnswer, PartnerRequest, refused
from conformance.standin.parameters import Values

_DIMENSIONS = ("platform", "day", "verdict", "rule", "department")
_DEFAULT = ("platform", "day", "verdict")
_DAYS = timedelta(days=29)
_HEADERS: Mapping[str, str] = {**PRIVATE, "Vary": "Authorization, Accept"}


class _Cell(NamedTuple):
    """What is counted together. ``rules``: all that these submissions break."""

    platform: str
    day: str
    verdict: str
    rules: frozenset[str]
    department: str | None


class Statistics:
    """The counts since the start. ``day`` is the present day in Europe/Paris."""

    def __init__(self, day: Callable[[], date]) -> None:
        self._day = day
        self._counts: Counter[_Cell] = Counter()

    def add(self, platform: str, verdict: str, rules: Collection[str] = (), department: str | None = None) -> None:
        """Count one submission."""
        self._counts[_Cell(platform, self._day().isoformat(), verdict, frozenset(rules), department)] += 1

    def answer(self, ask: PartnerRequest, values: Values) -> HostAnswer:
        """``GET /v1/statistics``. Raises RefusedError."""
        last: date = values["to"] or self._day()
        first: date = values["from"] or last - _DAYS
        if "operate" not in ask.scopes and not values["platform"] <= {ask.platform}:
            challenge = f'{REALM}, error="insufficient_scope", scope="operate"'
            raise refused("scope-missing", headers={"WWW-Authenticate": challenge}, expected="operate")
        platforms = values["platform"] or (None if "operate" in ask.scopes else {ask.platform})
        by = tuple(name for name in _DIMENSIONS if name in values["group"]) or _DEFAULT
        rows = self._rows(first.isoformat(), last.isoformat(), platforms, by)
        if _takes_csv(ask):
            name = f"statistics-{first.isoformat()}-{last.isoformat()}.csv"
            headers = {
                "Content-Type": "text/csv; charset=utf-8; header=present",
                "Content-Disposition": f'attachment; filename="{name}"',
            }
            return HostAnswer(200, _table(by, rows), {**_HEADERS, **headers})
        listed = [{**dict(zip(by, row, strict=False)), "count": row[-1]} for row in rows]
        body = {"statistics": listed, "from": first.isoformat(), "to": last.isoformat(), "group": by}
        return HostAnswer(200, body, _HEADERS)

    def _rows(
        self, first: str, last: str, platforms: Collection[str] | None, by: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        grouped: Counter[tuple[str | None, ...]] = Counter()
        for cell, number in self._counts.items():
            if first <= cell.day <= last and (platforms is None or cell.platform in platforms):
                for key in _keys(cell, by):
                    grouped[key] += number
        return sorted(
            ((*key, number) for key, number in grouped.items()), key=lambda row: [part or "" for part in row[:-1]]
        )


def _keys(cell: _Cell, by: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    """The rows of a cell: one for each of its rules, where rules are counted apart."""
    known = cell._asdict()
    rules: list[str | None] = [*sorted(cell.rules)] if "rule" in by else []
    for rule in rules or [None]:
        yield tuple({**known, "rule": rule}[name] for name in by)


def _table(by: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow((*by, "count"))
    writer.writerows(tuple("" if part is None else part for part in row) for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _takes_csv(ask: PartnerRequest) -> bool:
    """Whether ``Accept`` prefers CSV to JSON."""
    weights = {"text/csv": 0.0, "application/json": 0.0}
    listed = ",".join(ask.headers.getall("Accept", ())).lower().replace(" ", "").split(",")
    for kind, _, parameters in sorted(part.partition(";") for part in listed):
        weight = parameters.partition("q=")[2].partition(";")[0] or "1"
        if kind in {"text/*", *weights}:
            weights["text/csv" if kind == "text/*" else kind] = float(weight) if weight[:1] in "01" else 0.0
    return weights["text/csv"] > weights["application/json"]
