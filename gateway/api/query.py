"""Queries of the read API: filters and paging out of query strings, with every wrong parameter named at once."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import TypeVar

from multidict import MultiMapping

import schemas
from gateway.api.problem import ProblemError
from gateway.protocol.identity import is_slug
from gateway.protocol.partner import Partner
from gateway.protocol.routing import Filter

MAX_WAIT = 30
"""How long a long poll may last, in seconds."""
DEFAULT_LIMIT = 100

_LISTED = ("region", "department", "level", "week", "sector", "platform")
_FILTERS = (*_LISTED, "bbox", "territory")
_LEVELS = ("quatrieme", "troisieme", "seconde")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_SHOWN = 8
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a reader asks for: which offers, from where on, how many, and how long it would wait (seconds)."""

    asked: Filter
    cursor: str | None
    limit: int
    wait: float


def read_offers_query(given: MultiMapping[str], partner: Partner, *, most: int) -> Query:
    """The query of a list of offers. Raises ProblemError."""
    return _Parameters(given, {*_FILTERS, "limit", "cursor"}, most=most).query(partner)


def read_changes_query(given: MultiMapping[str], partner: Partner, *, most: int) -> Query:
    """The query of the changes feed. Raises ProblemError."""
    return _Parameters(given, {*_FILTERS, "limit", "cursor", "wait"}, most=most).query(partner)


def read_paging(given: MultiMapping[str], *, most: int) -> tuple[str | None, int]:
    """Cursor and limit of a plain list. Raises ProblemError."""
    parameters = _Parameters(given, {"limit", "cursor"}, most=most)
    paging = parameters.cursor(), parameters.limit()
    parameters.check()
    return paging


def refuse_parameters(given: MultiMapping[str]) -> None:
    """For a call that takes none. Raises ProblemError."""
    _Parameters(given, set(), most=0).check()


class _Parameters:
    """Reads parameters one by one and keeps what is wrong with them."""

    def __init__(self, given: MultiMapping[str], known: Collection[str], *, most: int) -> None:
        self._given = given
        self._known = sorted(known)
        self._most = most
        self._wrong: list[ProblemError] = [self._unknown(name) for name in dict.fromkeys(given) if name not in known]

    def query(self, partner: Partner) -> Query:
        query = Query(asked=self._filter(partner), cursor=self.cursor(), limit=self.limit(), wait=self._wait())
        self.check()
        return query

    def check(self) -> None:
        """Raise the first problem, with all of them in it."""
        if self._wrong:
            first = self._wrong[0]
            if len(self._wrong) > 1:
                first.problems = [error.explanation.to_json() for error in self._wrong]
            raise first

    def cursor(self) -> str | None:
        return self._single("cursor", str, lambda text: text != "", "…")

    def limit(self) -> int:
        limit = self._single("limit", int, lambda limit: 1 <= limit <= self._most, f"1..{self._most}")
        return min(DEFAULT_LIMIT, self._most) if limit is None else limit

    def _wait(self) -> float:
        return self._single("wait", float, lambda seconds: 0 <= seconds <= MAX_WAIT, f"0..{MAX_WAIT}") or 0.0

    def _filter(self, partner: Partner) -> Filter:
        """What is asked; where no place is named, the partner's own territory, unless ``territory=all``."""
        chosen = {name: self._values(name) for name in _LISTED}
        territory = self._single("territory", str, lambda text: text == "all", "all")
        if territory is None and not chosen["region"] and not chosen["department"]:
            chosen["department"] = partner.territory
        return Filter(**chosen, bbox=self._single("bbox", _box, _on_earth, "west,south,east,north (WGS 84)"))

    def _values(self, name: str) -> frozenset[str]:
        """A parameter that may be repeated, its values also separated by commas."""
        values = [value for text in self._given.getall(name, ()) for value in text.split(",")]
        valid, expected = _vocabulary(name)
        for value in values:
            if not valid(value):
                self._refuse(name, value, expected)
        return frozenset(values)

    def _single(
        self, name: str, read: Callable[[str], Value], valid: Callable[[Value], bool], expected: str
    ) -> Value | None:
        """A parameter that is given once or not at all."""
        texts = self._given.getall(name, ())
        if not texts:
            return None
        try:
            value = read(texts[0])
            if len(texts) == 1 and valid(value):
                return value
        except ValueError:
            pass
        self._refuse(name, ",".join(texts), expected)
        return None

    def _refuse(self, name: str, actual: str, expected: str) -> None:
        self._wrong.append(ProblemError("parameter-invalid", parameter=name, actual=actual, expected=expected))

    def _unknown(self, name: str) -> ProblemError:
        near = get_close_matches(name, self._known, n=1, cutoff=0.5)
        expected = ", ".join(dict.fromkeys([*near, *sorted(self._known)])) or "–"
        return ProblemError(
            "parameter-unknown", actual=name, expected=expected, members={"nearest": near[0]} if near else {}
        )


def _vocabulary(name: str) -> tuple[Callable[[str], bool], str]:
    """What a filter's values may be, and how to say so."""
    match name:
        case "level":
            return _LEVELS.__contains__, ", ".join(_LEVELS)
        case "week":
            return _is_week, "2027-W24"
        case "platform":
            return is_slug, "bretagne"
        case _:
            codes = _codes(f"{name}s")
            return codes.__contains__, f"{', '.join(list(codes)[:_SHOWN])}… (/v1/reference/{name}s)"


@cache
def _codes(name: str) -> Mapping[str, None]:
    return dict.fromkeys(item["code"] for item in schemas.reference(name)["items"])


def _is_week(text: str) -> bool:
    found = _WEEK.fullmatch(text)
    if found is None:
        return False
    try:
        date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        return False
    return True


def _box(text: str) -> tuple[float, float, float, float]:
    west, south, east, north = (float(part) for part in text.split(","))
    return west, south, east, north


def _on_earth(box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    return -180 <= west <= east <= 180 and -90 <= south <= north <= 90
