"""Conditions of ``only``: which items of a feed are offers of the federation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from adapters.formats.moment import read_date
from adapters.formats.path import Path, scalars, select
from adapters.formats.text import fold, spell
from schemas.bilingual import Bilingual

TODAY = "today"
_MAX_VALUES = 5

Values: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Filter of a feed's items by the values at its paths: the first path with a value counts.

    Exactly one of ``among`` (one value is in it), ``except_for`` (no value is in it; both folded), ``exists`` (there is
    a value, or none) and the span from ``since`` to ``until`` (one value is a date in it; ``today`` or an ISO date).
    """

    paths: tuple[Path, ...]
    among: frozenset[str] = frozenset()
    except_for: frozenset[str] = frozenset()
    exists: bool | None = None
    since: str | None = None
    until: str | None = None

    def holds(self, content: Any, on: date) -> bool:
        """Whether the item meets the condition on a day. Raises UnreadableValueError for a value that is no date."""
        values = self.values(content)
        if self.exists is not None:
            return bool(values) == self.exists
        if self.since is not None or self.until is not None:
            return any(self._in_span(read_date(value), on) for value in values)
        folded = {fold(value) for value in values}
        return folded.isdisjoint(self.except_for) if self.except_for else not folded.isdisjoint(self.among)

    def values(self, content: Any) -> Values:
        """The values at the first path that has one."""
        for path in self.paths:
            if found := scalars(select(content, path)[0]):
                return tuple(map(spell, found))
        return ()

    @property
    def key(self) -> str:
        """The key of the mapping that gives the values."""
        if self.exists is not None:
            return "exists"
        if self.since is not None:
            return "from"
        if self.until is not None:
            return "until"
        return "not_in" if self.except_for else "in"

    @property
    def excludes(self) -> bool:
        """Whether an item without a value at the paths meets it: a misspelt path would exclude nothing."""
        return bool(self.except_for) or self.exists is False

    @property
    def sought(self) -> Bilingual:
        """The values that meet it, for messages."""
        if self.exists is not None:
            return Bilingual("a value", "une valeur") if self.exists else Bilingual("no value", "aucune valeur")
        if self.since is not None or self.until is not None:
            return Bilingual(*(f"{self.since or '…'} – {self.until or '…'}",) * 2)
        values = sorted(self.among or self.except_for)
        listed = ", ".join(values[:_MAX_VALUES]) + (" …" if len(values) > _MAX_VALUES else "")
        return (
            Bilingual(f"none of: {listed}", f"aucune de : {listed}") if self.except_for else Bilingual(listed, listed)
        )

    def _in_span(self, day: date, on: date) -> bool:
        since, until = (_day(bound, on) for bound in (self.since, self.until))
        return (since is None or since <= day) and (until is None or day <= until)


def _day(bound: str | None, on: date) -> date | None:
    if bound is None:
        return None
    return on if bound == TODAY else date.fromisoformat(bound)


def is_bound(text: str) -> bool:
    """Whether a text is ``today`` or a date of the calendar."""
    try:
        return text == TODAY or bool(date.fromisoformat(text))
    except ValueError:
        return False


def load_condition(condition: Mapping[str, Any], paths: tuple[Path, ...]) -> Condition:
    """The condition of a mapping document."""
    return Condition(
        paths,
        among=frozenset(map(fold, condition.get("in", ()))),
        except_for=frozenset(map(fold, condition.get("not_in", ()))),
        exists=condition.get("exists"),
        since=condition.get("from"),
        until=condition.get("until"),
    )
