"""Find the sector of a text: by code, by French name, or by a NAF code of any level that covers only one sector.

``schemas/codes/naf.json`` maps NAF rev. 2 codes to sectors. A text that could mean two sectors is never guessed.
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
"""Number of sectors that a message proposes."""

_LONGEST = 100
"""Longer texts name no sector; only their beginning is compared."""

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
"""Words up to this length keep a final s or x, which may not be a plural."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The possible sectors of a text: none, one, or the several that a coarse NAF code covers."""

    codes: tuple[str, ...]

    @property
    def code(self) -> str | None:
        """The sector if there is exactly one, else None."""
        return self.codes[0] if len(self.codes) == 1 else None


@lru_cache(maxsize=4096)
def find_sectors(text: str) -> Meant:
    """Return the possible sectors of a text. Names match without case, accents, punctuation, plurals and *et*."""
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
    """Return the label of a sector for messages: ``s31 (Informatique et réseaux)``."""
    return f"{code} ({_listed()[code]})"


def labels_of(codes: Iterable[str]) -> Spoken:
    """Return the labels of sectors as a list for messages."""
    listed = ", ".join(map(label_of, codes))
    return Spoken(listed or "none", listed or "aucun")


def nearest_sectors(text: str) -> tuple[str, ...]:
    """Return the codes of the three sectors with the most similar names, the most similar first.

    Fewer if fewer names share a pair of letters with the text.
    """
    return _nearest(text[:_LONGEST])


@lru_cache(maxsize=1024)
def _nearest(text: str) -> tuple[str, ...]:
    wanted = _pairs(_key(text))

    def similarity(item: tuple[str, frozenset[str]]) -> float:
        shared = len(wanted & item[1])
        if not shared:
            return 0.0
        return 2 * shared / (len(wanted) + len(item[1])) + shared / min(len(wanted), len(item[1]))

    ranked = sorted(_spelled().items(), key=similarity, reverse=True)
    return tuple(item[0] for item in ranked[:NEAREST] if similarity(item))


def _find_naf(words: str) -> Meant:
    """Return the sectors below a NAF code.

    Bare digits that may be a number of another list are no NAF code: two digits up to 51, which may be a sector's
    number, and three or four digits without a dot. After ``NAF`` or ``APE`` they are one.
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
    """Return a name for comparison: without accents, case, punctuation, the word *et* and plural endings."""
    words = plain(text.replace("&", " et ").replace("+", " et ")).split()
    return " ".join(_singular(word) for word in words if word != "et")


def _singular(word: str) -> str:
    return word.rstrip("sx") if len(word) > _PLURAL else word


@cache
def _listed() -> Mapping[str, str]:
    return {item["code"]: item["name"] for item in schemas.reference("sectors")["items"]}


@cache
def _names() -> Mapping[str, str]:
    """The code by each spelling of a name: in full, without its brackets, and the text in brackets alone."""
    return {_key(spelling): code for code, name in _listed().items() for spelling in _spellings(name)}


def _spellings(name: str) -> Iterator[str]:
    yield name
    if (match := re.fullmatch(r"(.+) \((\w+)\)", name)) is not None:
        yield from match.groups()


@cache
def _spelled() -> Mapping[str, frozenset[str]]:
    return {code: _pairs(_key(name)) for code, name in _listed().items()}


def _pairs(key: str) -> frozenset[str]:
    """Return the letter pairs of each word, for the similarity of names."""
    return frozenset(f" {word} "[at : at + 2] for word in key.split() for at in range(len(word) + 1))
