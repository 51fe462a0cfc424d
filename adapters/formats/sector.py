"""Sectors: the sector that a text means, and the sector's rule of a mapping with its fallbacks.

A text names a sector by code, by French name, or by a NAF code of any level that covers only one sector
(``schemas/codes/naf.json``). A text that could mean two sectors is never guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Literal, TypeAlias

import schemas
from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.rule import Caught, MappingRule
from adapters.formats.sector_evidence import name_key, nearest_sectors
from adapters.formats.text import plain
from schemas import Problem
from schemas import problem as schema_problem
from schemas.bilingual import Bilingual
from schemas.codelist import sectors_by_naf
from schemas.failure import NO_NEAR_VALUE
from schemas.personal import token
from schemas.rulebook import displayed

_MAX_CHARACTERS = 100
"""Longer texts name no sector."""

_CODE = re.compile(r"s ?0{0,2}([1-9][0-9]?)")
_LABELLED_CODE = re.compile(r"s ?0{0,2}([1-9][0-9]?) (.+)")
_NAF_PREFIX = re.compile(r"(?:code )?(?:naf|ape|naf ape|ape naf) (?:rev ?2 )?")
_CLASS = re.compile(r"([0-9]{2})( ?)([0-9])([0-9])?")
_DIVISION = re.compile(r"[0-9]{2}")
_LABELLED_NAF = re.compile(r"([0-9]{2}) ?([0-9])([0-9]) ?([a-z])(?: .+)?")
_SECTION = re.compile(r"(?:section )?([a-u])")
_SECTIONS: Mapping[str, tuple[int, int]] = {
    "a": (1, 3), "b": (5, 9), "c": (10, 33), "d": (35, 35), "e": (36, 39), "f": (41, 43), "g": (45, 47),
    "h": (49, 53), "i": (55, 56), "j": (58, 63), "k": (64, 66), "l": (68, 68), "m": (69, 75), "n": (77, 82),
    "o": (84, 84), "p": (85, 85), "q": (86, 88), "r": (90, 93), "s": (94, 96), "t": (97, 98), "u": (99, 99),
}  # fmt: skip
"""The first and last division of each section of NAF rev. 2."""
SECTOR_FIELD = "sector"
SECTOR_POINTER = f"/fields/{SECTOR_FIELD}"
_EXAMPLES = 5
_CODES: Mapping[str, str] = {"others": "sector-catch-all", "default": "sector-default", "constant": "sector-constant"}
Origin: TypeAlias = Literal["others", "default", "constant"]


def find_sector(text: str) -> str | None:
    """The sector that a text means; None if it can mean none, or several."""
    codes = find_sectors(text)
    return codes[0] if len(codes) == 1 else None


@lru_cache(maxsize=4096)
def find_sectors(text: str) -> tuple[str, ...]:
    """The possible sectors of a text: none, one, or the several that a coarse NAF code covers. Names match without
    case, accents, punctuation, plurals and *et*.
    """
    if len(text) > _MAX_CHARACTERS:
        return ()
    words = plain(text)
    known = _names().get(name_key(text))
    if known is not None:
        return (known,)
    if (match := _CODE.fullmatch(words)) is not None:
        return _only(f"s{match[1]}")
    if (match := _LABELLED_CODE.fullmatch(words)) is not None:
        code = f"s{match[1]}"
        return _only(code) if _names().get(name_key(match[2])) == code else ()
    return _find_naf(words)


def label_of(code: str) -> str:
    """The label of a sector for messages: ``s31 (Informatique et réseaux)``."""
    return f"{code} ({_listed()[code]})"


def labels_of(codes: Iterable[str]) -> Bilingual:
    """The labels of sectors as a list for messages."""
    listed = ", ".join(map(label_of, codes))
    return Bilingual(listed or "none", listed or "aucun")


def _find_naf(words: str) -> tuple[str, ...]:
    """The sectors below a NAF code.

    Bare digits that may be a number of another list are no NAF code: two digits up to 51, which may be a sector's
    number, and three or four digits without a dot. After ``NAF`` or ``APE`` they are one.
    """
    bare = _NAF_PREFIX.sub("", words, count=1)
    named = bare != words
    if (match := _LABELLED_NAF.fullmatch(bare)) is not None:
        return _below(f"{match[1]}.{match[2]}{match[3]}{match[4].upper()}")
    if (match := _CLASS.fullmatch(bare)) is not None:
        return _below(f"{match[1]}.{match[3]}{match[4] or ''}") if named or match[2] else ()
    if _DIVISION.fullmatch(bare):
        return _below(f"{bare}.") if named or f"s{int(bare)}" not in _listed() else ()
    if (match := _SECTION.fullmatch(bare)) is not None:
        first, last = _SECTIONS[match[1]]
        below = {code for division in range(first, last + 1) for code in _below(f"{division:02}.")}
        return tuple(sorted(below, key=_number))
    return ()


@lru_cache(maxsize=1024)
def _below(start: str) -> tuple[str, ...]:
    found = {sector for naf, sector in sectors_by_naf().items() if naf.startswith(start)}
    return tuple(sorted(found, key=_number))


def _only(code: str) -> tuple[str, ...]:
    return (code,) if code in _listed() else ()


def _number(code: str) -> int:
    return int(code[1:])


@cache
def _listed() -> Mapping[str, str]:
    return {item["code"]: item["name"] for item in schemas.reference("sectors")["items"]}


@cache
def _names() -> Mapping[str, str]:
    """The code by each spelling of a name: in full, without its brackets, and the text in brackets alone."""
    return {name_key(spelling): code for code, name in _listed().items() for spelling in _spellings(name)}


def _spellings(name: str) -> Iterator[str]:
    yield name
    if (match := re.fullmatch(r"(.+) \((\w+)\)", name)) is not None:
        yield from match.groups()


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
        """One warning per origin and sector."""
        for (origin, sector), count in self._counts.items():
            near = Bilingual(label_of(sector), label_of(sector))
            values = {} if origin != "others" else {"examples": _quoted([displayed(value) for value in self._values])}
            yield problem(_CODES[origin], pointer=f"/{SECTOR_FIELD}", actual=count, near=near, **values)


def fallback_of(rule: MappingRule, sector: str, found: Sequence[object]) -> Fallback | None:
    """The fallback of an item with this sector, None if there is none; ``found``: the values of the rule."""
    if rule.constant is not None:
        return Fallback("constant", sector)
    if not found:
        return Fallback("default", sector)
    first = found[0]
    return Fallback("others", sector, first.value) if isinstance(first, Caught) else None


def check_sector_rule(rule: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem for each target of the sector's rule that names no sector, or more than one."""
    for key in ("constant", "default"):
        if isinstance(text := rule.get(key), str) and find_sector(text) is None:
            near = next(map(label_of, _candidates(text)), NO_NEAR_VALUE)
            yield schema_problem(
                "not-in-list", pointer=f"{SECTOR_POINTER}/{key}", actual=text, allowed="s1 … s51", near=near
            )
    for key, target in rule.get("map", {}).items():
        pointer = f"{SECTOR_POINTER}/map/{token(key)}"
        listed = [(f"{pointer}/{index}", one) for index, one in enumerate(target)] if isinstance(target, list) else None
        for where, one in listed or [(pointer, target)]:
            if one is not None and find_sector(str(one)) is None:
                codes = _candidates(str(one))
                yield problem(
                    "mapping-sector-unknown", pointer=where, expected=list(codes), actual=one, near=labels_of(codes)
                )


def sector_rule_in_codes(rule: dict[str, Any]) -> dict[str, Any]:
    """The sector's rule with codes instead of names; ``check_sector_rule`` must have passed."""
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
    return None if target is None else find_sector(str(target))


def _candidates(text: str) -> Sequence[str]:
    return find_sectors(text) or nearest_sectors(text)


def _quoted(values: Sequence[str]) -> Bilingual:
    return Bilingual(
        ", ".join(f"“{value}”" for value in values), ", ".join(f"«\u00a0{value}\u00a0»" for value in values)
    )
