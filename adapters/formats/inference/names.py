"""Names of paths: their words, and how well they name a field. The words are data, in ``words.json``.

A name is split at signs, digits and capitals; words written together (``codepostal``) are split where every part is a
word of the data. The last name of a path counts; a generic one (``name``, ``value``) counts with the name above it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from adapters.formats.path import FIRST, KEY, Path
from adapters.formats.text import fold
from schemas.packaged import read_json

PERSON, TECHNICAL, EMPLOYER, LOCATION, ELSEWHERE = "person", "technical", "employer", "location", "elsewhere"

_CAPITALS = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z]+|[0-9]+")
_NUMBER_SIGN = re.compile(r"\bn[°º]\s*", re.IGNORECASE)
_MAX_NAME = 80
_SHORTEST_SPLIT = 6
_SUFFIXES = ("id", "url", "name", "code", "date", "desc")
"""Words that end a name in one piece whose beginning is no word of the data."""
_SINGULAR_FROM = 4

_STRENGTHS = {"exact": 1.0, "strong": 0.9, "good": 0.85, "hint": 0.55}
_EXTRA = 0.2
"""Cost of each word of a name that neither the field nor the offer explains."""
_GENERIC_ALONE = 0.5
"""Factor of a generic name below a name that says something else."""
_FOREIGN = 0.35
"""Factor of a name that is about the employer or the location, for a field that is not."""
_OFFER_ALONE = 0.55
_LONG = frozenset(("long", "longue", "complet", "complete", "full"))
_ELSEWHERE = 0.5
"""Factor of a name about another locality or party: head office, school, portal."""
_BELOW_PERSON = 0.7
_ID_OF_ANOTHER = 0.85
"""Factor of an id with further words, which may be the id of something else: ``requisition_id``."""

_OF_THE_OFFER = frozenset(("id", "title", "description", "apply_url", "expires_on"))
"""Fields that the employer has as well: below its name they are not the offer's."""
_ID_WORDS = frozenset(("id", "identifiant", "identifier"))
_IDS = frozenset(("id", "source_id", "national_remote_id", "employer.siret"))
"""Fields whose values are ids: the id of a department, category or level is no value of another field."""
_NOT_OF_A_LOCATION = _OF_THE_OFFER | {"employer.name", "employer.description", "sector"}


@cache
def words() -> Mapping[str, Any]:
    """The data of ``words.json``."""
    loaded: Mapping[str, Any] = read_json("words.json", package=__package__)
    return loaded


@lru_cache(maxsize=8192)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a name: in lower case, without accents and plurals, and without words that say nothing."""
    local = name.lstrip("@#_$").rpartition(":")[2][:_MAX_NAME]
    spaced = fold(_CAPITALS.sub(" ", _NUMBER_SIGN.sub("numero ", local)))
    found = [part for word in _WORD.findall(spaced) for part in _split(word)] or ["numero"] * (name.strip() == "#")
    telling = [word for word in found if word not in _stopwords()]
    return tuple(map(_singular, telling or found))


@dataclass(frozen=True, slots=True)
class PathName:
    """The words of a path: of its last name, of the nearest name above that says something, and of all above."""

    leaf: frozenset[str]
    near: frozenset[str]
    above: frozenset[str]
    generic: bool
    contexts_above: frozenset[str]
    contexts_here: frozenset[str]

    @property
    def contexts(self) -> frozenset[str]:
        """The subjects of the path."""
        return self.contexts_above | self.contexts_here

    @property
    def blocked(self) -> bool:
        """Whether the path is about a person or about technical matters: no field of an offer."""
        return TECHNICAL in self.contexts or PERSON in self.contexts_here


@lru_cache(maxsize=4096)
def name_of(path: Path) -> PathName:
    """The words of a path."""
    names = [name for name in path if name != FIRST]
    *above, leaf = [tokens(name) for name in names] or [()]
    neutral = _words_of("neutral")
    near = next((found for found in reversed(above) if set(found) - neutral), ())
    hidden = any(name.startswith("_") and name[1:2].isalpha() for name in names[:-1])
    contexts_above = {one for found in above for one in _contexts(found)} | ({TECHNICAL} if hidden else set())
    return PathName(
        frozenset(leaf),
        frozenset(near),
        frozenset(word for found in above for word in found),
        bool(near) and set(leaf) <= _words_of("generic") | neutral,
        frozenset(contexts_above),
        frozenset(_contexts(leaf)),
    )


@lru_cache(maxsize=65536)
def name_score(field: str, path: Path) -> float:
    """The score of a path as the name of a field, from 0 to 1."""
    if path and path[-1] == KEY:
        return 1.0 if field == "id" else 0.0
    name = name_of(path)
    phrases = _phrases()[field]
    if name.blocked or not phrases.excluded.isdisjoint(name.leaf | (name.near if name.generic else frozenset())):
        return 0.0
    if name.leaf & _ID_WORDS and field not in _IDS:
        return 0.0
    best = max((_match(name, phrase) * strength for phrase, strength in phrases.names), default=0.0)
    if field == "title":
        best = _title_score(name, best)
    if field == "id" and 0 < best < 1 and name.leaf & _ID_WORDS and name.leaf - _ID_WORDS - _words_of("neutral"):
        best *= _ID_OF_ANOTHER
    for context, inner in phrases.within:
        if context in name.contexts:
            best = max([best, *(0.95 * _match_leaf(name, phrase) for phrase in inner)])
    return best * _of_context(field, name)


def _of_context(field: str, name: PathName) -> float:
    """The factor of what a path is about, for a field that is about something else."""
    factor = 1.0
    if PERSON in name.contexts_above:
        factor *= _BELOW_PERSON if field.startswith(("employer.", "location.")) else 0.0
    if EMPLOYER in name.contexts and field in _OF_THE_OFFER:
        factor *= _FOREIGN
    if LOCATION in name.contexts_above and EMPLOYER not in name.contexts_above and field in _NOT_OF_A_LOCATION:
        factor *= _FOREIGN
    if field == "title" and LOCATION in name.contexts_here:
        factor *= _FOREIGN
    if ELSEWHERE in name.contexts and field != "restrictions.schools":
        factor *= _ELSEWHERE
    return factor


def _title_score(name: PathName, best: float) -> float:
    """A name of offers only may be the title; one that says it is long is likelier a description."""
    offers, neutral = _words_of("offers"), _words_of("neutral")
    if not best and name.leaf and not name.generic and name.leaf <= _words_of("generic") | neutral:
        of_offers = any(found & offers and found <= neutral for found in (name.above, name.leaf))
        return _OFFER_ALONE if of_offers else 0.0
    return best - _EXTRA if best and name.leaf & _LONG else best


def is_personal(path: Path) -> bool:
    """Whether a path is about a person, or about technical matters."""
    name = name_of(path)
    return name.blocked or PERSON in name.contexts


def phrase_score(phrases: Iterable[str], path: Path) -> float:
    """The best score of some phrases as names of a path, from 0 to 1."""
    name = name_of(path)
    return 0.0 if name.blocked else max(_match(name, frozenset(tokens(one))) for one in phrases)


def holds_word(section: Iterable[str], path: Path) -> bool:
    """Whether the last name of a path, or the one that a generic name belongs to, holds one of the words."""
    name = name_of(path)
    here = name.leaf | (name.near if name.generic else frozenset())
    return any(set(tokens(one)) <= here for one in section)


def _match(name: PathName, phrase: frozenset[str]) -> float:
    if name.generic:
        whole = name.leaf | name.near
        if phrase <= whole and phrase & name.near:
            return _without_extra(whole - _words_of("generic"), phrase)
        return _GENERIC_ALONE * _match_leaf(name, phrase)
    if phrase <= name.leaf:
        return _without_extra(name.leaf, phrase)
    if phrase <= name.leaf | name.near and phrase & name.leaf:
        return 0.95 * _without_extra(name.leaf, phrase)
    return 0.0


def _match_leaf(name: PathName, phrase: frozenset[str]) -> float:
    return _without_extra(name.leaf, phrase) if phrase <= name.leaf else 0.0


def _without_extra(found: frozenset[str], phrase: frozenset[str]) -> float:
    extra = found - phrase - _words_of("neutral")
    return max(0.2, 1 - _EXTRA * sum(len(word) > 1 and not word.isdigit() for word in extra))


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The phrases of a field with their strength, those that count within a context, and words that exclude it."""

    names: tuple[tuple[frozenset[str], float], ...]
    within: tuple[tuple[str, tuple[frozenset[str], ...]], ...]
    excluded: frozenset[str]


@cache
def _phrases() -> Mapping[str, _Phrases]:
    return {field: _read(entry) for field, entry in words()["fields"].items()}


def _read(entry: Mapping[str, Any]) -> _Phrases:
    names: dict[frozenset[str], float] = {}
    for kind, strength in _STRENGTHS.items():
        for phrase in entry.get(kind, ()):
            names.setdefault(frozenset(tokens(phrase)), strength)
    within = tuple(
        (context, tuple(frozenset(tokens(phrase)) for phrase in inner))
        for context, inner in entry.get("within", {}).items()
    )
    excluded = frozenset(word for one in entry.get("not", ()) for word in tokens(one) if len(tokens(one)) == 1)
    return _Phrases(tuple(names.items()), within, excluded)


def _contexts(found: Iterable[str]) -> list[str]:
    here = frozenset(found)
    return [context for context, phrases in _context_phrases().items() if any(phrase <= here for phrase in phrases)]


@cache
def _context_phrases() -> Mapping[str, tuple[frozenset[str], ...]]:
    return {
        context: tuple(frozenset(tokens(one)) for one in phrases) for context, phrases in words()["contexts"].items()
    }


@cache
def _stopwords() -> frozenset[str]:
    return frozenset(words()["stopwords"])


@cache
def _words_of(section: str) -> frozenset[str]:
    return frozenset(word for one in words()[section] for word in tokens(one))


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _SINGULAR_FROM and word[-1] in "sx" else word


@cache
def _vocabulary() -> frozenset[str]:
    """Every word of the data, to split words that are written together."""

    def texts(value: Any) -> Iterable[str]:
        if isinstance(value, str):
            yield value
        else:
            for inner in value.values() if isinstance(value, Mapping) else value:
                yield from texts(inner)

    found = {word for text in texts(words()) for word in text.split()}
    plural = {f"{word}s" for word in found}
    return frozenset(word for word in found | plural if len(word) > 1 or word in "nd")


@lru_cache(maxsize=4096)
def _split(word: str) -> tuple[str, ...]:
    """The words of which a name in one piece is made, or the name itself."""
    if len(word) < _SHORTEST_SPLIT or word in _vocabulary() or _singular(word) in _vocabulary() or word.isdigit():
        return (word,)
    if known := _split_known(word):
        return known
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) >= len(suffix) + 3:
            return (*_split(word[: -len(suffix)]), suffix)
    return (word,)


def _split_known(word: str) -> tuple[str, ...] | None:
    """The words of the data that a name in one piece is made of, as few as possible."""
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for begin in range(max(0, end - 20), end):
            head, piece = best[begin], word[begin:end]
            if head is not None and len(piece) > 1 and piece in _vocabulary():
                known = best[end]
                if known is None or len(head) + 1 < len(known):
                    best[end] = (*head, piece)
    return best[-1]
