"""Sector rule of a mapping: checks its targets, converts them to codes and counts the items that use a fallback."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.rule import Caught, Rule
from adapters.formats.sector import find_sectors, label_of, labels_of, nearest_sectors
from schemas import Problem
from schemas import problem as schema_problem
from schemas.personal import token
from schemas.rulebook import displayed
from schemas.spoken import Spoken

FIELD = "sector"
POINTER = f"/fields/{FIELD}"
_EXAMPLES = 5
_CODES: Mapping[str, str] = {"others": "sector-catch-all", "default": "sector-default", "constant": "sector-constant"}

Origin: TypeAlias = Literal["others", "default", "constant"]


@dataclass(frozen=True, slots=True)
class Fallback:
    """A sector not named by the item's own value: by ``*`` (with the ``value``), ``default`` or ``constant``."""

    origin: Origin
    sector: str
    value: str | None = None


@dataclass(slots=True)
class Fallbacks:
    """Counts of items with a fallback sector, and the first distinct values that ``*`` matched."""

    _counts: dict[tuple[Origin, str], int] = field(default_factory=dict)
    _values: dict[str, None] = field(default_factory=dict)

    def add(self, fallback: Fallback | None) -> None:
        """Count an item; None: its own value names the sector."""
        if fallback is None:
            return
        key = (fallback.origin, fallback.sector)
        self._counts[key] = self._counts.get(key, 0) + 1
        if fallback.value is not None and len(self._values) < _EXAMPLES:
            self._values.setdefault(fallback.value)

    def problems(self) -> Iterator[ReadingProblem]:
        """Yield one warning per origin and sector."""
        for (origin, sector), count in self._counts.items():
            near = Spoken(label_of(sector), label_of(sector))
            values = {} if origin != "others" else {"examples": _quoted([displayed(value) for value in self._values])}
            yield problem(_CODES[origin], pointer=f"/{FIELD}", actual=count, near=near, **values)


def fallback_of(rule: Rule, sector: str, found: Sequence[object]) -> Fallback | None:
    """Return the fallback of an item with this sector, None if there is none; ``found``: the values of the rule."""
    if rule.constant is not None:
        return Fallback("constant", sector)
    if not found:
        return Fallback("default", sector)
    first = found[0]
    return Fallback("others", sector, first.value) if isinstance(first, Caught) else None


def check_targets(rule: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each target of the sector's rule that names no sector, or more than one."""
    for key in ("constant", "default"):
        if isinstance(text := rule.get(key), str) and find_sectors(text).code is None:
            near = next(map(label_of, _candidates(text)), "–")
            yield schema_problem("not-in-list", pointer=f"{POINTER}/{key}", actual=text, allowed="s1 … s51", near=near)
    for key, target in rule.get("map", {}).items():
        pointer = f"{POINTER}/map/{token(key)}"
        listed = [(f"{pointer}/{index}", one) for index, one in enumerate(target)] if isinstance(target, list) else None
        for where, one in listed or [(pointer, target)]:
            if one is not None and find_sectors(str(one)).code is None:
                codes = _candidates(str(one))
                yield problem(
                    "mapping-sector-unknown", pointer=where, expected=list(codes), actual=one, near=labels_of(codes)
                )


def with_codes(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the sector's rule with codes instead of names; ``check_targets`` must have passed."""
    coded = dict(rule)
    for key in ("constant", "default"):
        if key in rule:
            coded[key] = _code(rule[key])
    if "map" in rule:
        coded["map"] = {
            key: [_code(one) for one in target] if isinstance(target, list) else _code(target)
            for key, target in rule["map"].items()
        }
    return coded


def _code(target: Any) -> Any:
    return None if target is None else find_sectors(str(target)).code


def _candidates(text: str) -> Sequence[str]:
    return find_sectors(text).codes or nearest_sectors(text)


def _quoted(values: Sequence[str]) -> Spoken:
    return Spoken(", ".join(f"“{value}”" for value in values), ", ".join(f"«\u00a0{value}\u00a0»" for value in values))
