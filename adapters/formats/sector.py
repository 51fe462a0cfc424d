"""Sectors as people name them: by code, by French name, or by a NAF code of any level that leads to one sector only.

The NAF rev. 2 codes lead to sectors by ``schemas/codes/naf.json``. A text that could mean two sectors is never guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import schemas
from adapters.formats.text import plain
from schemas.codelist import sectors_by_naf
from schemas.spoken import Spoken

NEAREST = 3
"""How many sectors a message proposes."""

_LONGEST = 100
"""Longer texts name no sector, and are compared by their beginning."""

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
_PLURAL = 3
"""Shorter words keep their last letter: a plural is not told from a word that ends in s."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The sectors that a text can mean: none, one, or several that a coarse NAF code covers."""

    codes: tuple[str, ...]

    @property
    def code(self) -> str | None:
        """The one sector that is meant."""
        return self.codes[0] if len(self.codes) == 1 else None


@lru_cache(maxsize=4096)
def find_sectors(text: str) -> Meant:
    """The sectors that a text can mean. Case, accents, signs, plurals and the word *et* do not count in names."""
    if len(text) > _LONGEST:
        return Meant(())
    words = plain(text)
    known = _names().get(_key(text))
    if known is not None:
        return Meant((known,))
    if (match := _CODE.fullmatch(words)) is not None:
        return _only(f"s{match[1]}")
    if (match := _LABELLED_CODE.fullmatch(words)) is not None:
        code = f"s{match[1]}"
        return _only(code) if _names().get(_key(match[2])) == code else Meant(())
    return _find_naf(words)


def label_of(code: str) -> str:
    """A sector as messages name it: ``s31 (Informatique et réseaux)``."""
    return f"{code} ({_listed()[code]})"


def labels_of(codes: Iterable[str]) -> Spoken:
    """Sectors as messages list them."""
    listed = ", ".join(map(label_of, codes))
    return Spoken(listed or "none", listed or "aucun")


def nearest_sectors(text: str) -> tuple[str, ...]:
    """The codes of the three sectors whose names resemble a text most, the most similar first; fewer where no more
    have anything in common with it.
    """
    return _nearest(text[:_LONGEST])


@lru_cache(maxsize=1024)
def _nearest(text: str) -> tuple[str, ...]:
    wanted = _pairs(_key(text))

    def likeness(item: tuple[str, frozenset[str]]) -> float:
        shared = len(wanted & item[1])
        if not shared:
            return 0.0
        return 2 * shared / (len(wanted) + len(item[1])) + shared / min(len(wanted), len(item[1]))

    ranked = sorted(_spelled().items(), key=likeness, reverse=True)
    return tuple(item[0] for item in ranked[:NEAREST] if likeness(item))


def _find_naf(words: str) -> Meant:
    """The sectors below a NAF code. Bare digits that may be a number of another list are none: two up to 51, which may
    be a sector's, and three or four without a dot. With ``NAF`` or ``APE`` before them they are a code.
    """
    bare = _NAF_PREFIX.sub("", words, count=1)
    named = bare != words
    if (match := _LABELLED_NAF.fullmatch(bare)) is not None:
        return Meant(_below(f"{match[1]}.{match[2]}{match[3]}{match[4].upper()}"))
    if (match := _CLASS.fullmatch(bare)) is not None:
        return Meant(_below(f"{match[1]}.{match[3]}{match[4] or ''}") if named or match[2] else ())
    if _DIVISION.fullmatch(bare):
        return Meant(_below(f"{bare}.") if named or f"s{int(bare)}" not in _listed() else ())
    if (match := _SECTION.fullmatch(bare)) is not None:
        first, last = _SECTIONS[match[1]]
        below = {code for division in range(first, last + 1) for code in _below(f"{division:02}.")}
        return Meant(tuple(sorted(below, key=_number)))
    return Meant(())


@lru_cache(maxsize=1024)
def _below(start: str) -> tuple[str, ...]:
    found = {sector for naf, sector in sectors_by_naf().items() if naf.startswith(start)}
    return tuple(sorted(found, key=_number))


def _only(code: str) -> Meant:
    return Meant((code,)) if code in _listed() else Meant(())


def _number(code: str) -> int:
    return int(code[1:])


def _key(text: str) -> str:
    """A name for comparison: no accents, case and signs, no word *et*, words without the mark of the plural."""
    words = plain(text.replace("&", " et ").replace("+", " et ")).split()
    return " ".join(_singular(word) for word in words if word != "et")


def _singular(word: str) -> str:
    return word.rstrip("sx") if len(word) > _PLURAL else word


@cache
def _listed() -> Mapping[str, str]:
    return {item["code"]: item["name"] for item in schemas.reference("sectors")["items"]}


@cache
def _names() -> Mapping[str, str]:
    """The code by each spelling of a name: whole, without what is in brackets, and what is in brackets alone."""
    return {_key(spelling): code for code, name in _listed().items() for spelling in _spellings(name)}


def _spellings(name: str) -> Iterator[str]:
    yield name
    if (match := re.fullmatch(r"(.+) \((\w+)\)", name)) is not None:
        yield from match.groups()


@cache
def _spelled() -> Mapping[str, frozenset[str]]:
    return {code: _pairs(_key(name)) for code, name in _listed().items()}


def _pairs(key: str) -> frozenset[str]:
    """The pairs of letters within words, which likeness counts."""
    return frozenset(f" {word} "[at : at + 2] for word in key.split() for at in range(len(word) + 1))
