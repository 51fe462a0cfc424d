"""The sectors for which the words of a text speak (``sector_words.json``). A text without such a word has none.

Words are compared without accents, case and plural endings. An entry is a word or several in a row, with ``*`` the
beginning of a word, with ``=`` the whole text. Longer entries count before the shorter ones within them; weak words
count only without any other; the entries of ``none`` mean no sector, though a word of theirs would.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

import schemas
from adapters.formats.text import plain
from schemas.texts import load_texts

NEAREST = 3
"""Most sectors that are proposed."""

_MAX_CHARACTERS = 100
"""Of a longer text, only the beginning is compared."""

_PLURAL = 3
"""Words up to this length keep a final s or x, which may not be a plural."""
_LINKS = frozenset(
    ("a", "au", "aux", "d", "dan", "dans", "de", "des", "du", "en", "et", "l", "la", "le", "les", "ou", "par", "pour")
)
_FULL = 0.72
"""The least similarity of a misspelt word and a word of a sector's name."""
_SPELT = 6
"""Shorter words are not taken for misspelt ones."""

_Entries = Mapping[tuple[str, ...], tuple[str, ...]]


def name_key(text: str) -> str:
    """A name for comparison: without accents, case, punctuation, the word *et* and plural endings."""
    words = plain(text.replace("&", " et ").replace("+", " et ")).split()
    return " ".join(_singular(word) for word in words if word != "et")


def nearest_sectors(text: str) -> tuple[str, ...]:
    """The codes of at most three sectors for which words of the text speak, the best first."""
    return _nearest(text[:_MAX_CHARACTERS])


@lru_cache(maxsize=1024)
def _nearest(text: str) -> tuple[str, ...]:
    words = [word for word in name_key(text).split() if word not in _LINKS]
    found = list(_found(words, "strong")) or list(_found(words, "weak")) or list(_misspelt(words))
    weights: dict[str, int] = {}
    for length, sectors in found:
        for sector in sectors:
            weights[sector] = weights.get(sector, 0) + length
    return tuple(sorted(weights, key=lambda sector: -weights[sector])[:NEAREST])


def _found(words: Sequence[str], kind: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The length and the sectors of each entry in the text, from its start; the longest entry at each word."""
    at = 0
    while at < len(words):
        length, sectors = _entry_at(words, at, kind)
        if sectors:
            yield length, sectors
        at += length


def _entry_at(words: Sequence[str], at: int, kind: str) -> tuple[int, Sequence[str]]:
    """The longest entry that begins at a word, with its sectors; one word without any if there is none."""
    entries, whole = _entries(kind), len(words) == 1
    for length in range(min(_longest(), len(words) - at), 0, -1):
        tried = tuple(words[at : at + length])
        if tried in _entries("none"):
            return length, ()
        if sectors := entries.get(tried) or (entries.get((f"={tried[0]}",)) if whole else None):
            return length, sectors
        if sectors := _by_beginning(tried, entries):
            return length, sectors
    return 1, ()


def _by_beginning(tried: Sequence[str], entries: _Entries) -> tuple[str, ...]:
    """The sectors of the longest entry whose last word begins the last word of the text."""
    *first, last = tried
    for end in range(len(last), 1, -1):
        if sectors := entries.get((*first, f"{last[:end]}*")):
            return sectors
    return ()


def _misspelt(words: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """The sectors with a word in their names that is nearly, but not quite, a word of the text."""
    for word in words:
        if len(word) < _SPELT:
            continue
        for name, sectors in _names_of_words().items():
            if word != name and _similarity(word, name) >= _FULL:
                yield 1, sectors


def _similarity(one: str, other: str) -> float:
    pairs = [{f" {word} "[at : at + 2] for at in range(len(word) + 1)} for word in (one, other)]
    return 2 * len(pairs[0] & pairs[1]) / (len(pairs[0]) + len(pairs[1]))


def _singular(word: str) -> str:
    return word.rstrip("sx") if len(word) > _PLURAL else word


@cache
def _entries(kind: str) -> _Entries:
    """The sectors by the words of each entry."""
    listed = load_texts(__package__, "sector_words.json")[kind]
    if kind == "none":
        return {_split(entry): () for entry in listed}
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for sector, entries in listed.items():
        for entry in entries:
            key = _split(entry)
            found[key] = (*found.get(key, ()), sector)
    return found


def _split(entry: str) -> tuple[str, ...]:
    return tuple(_singular(word) for word in entry.split())


@cache
def _longest() -> int:
    return max(len(entry) for kind in ("strong", "weak", "none") for entry in _entries(kind))


@cache
def _names_of_words() -> Mapping[str, tuple[str, ...]]:
    """The sectors by each long word of their names."""
    found: dict[str, tuple[str, ...]] = {}
    for item in schemas.reference("sectors")["items"]:
        for word in dict.fromkeys(name_key(item["name"]).split()):
            if len(word) >= _SPELT:
                found[word] = (*found.get(word, ()), item["code"])
    return found
