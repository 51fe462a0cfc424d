"""Explain a path that leads to nothing: the outline of the document, the nearest path that exists, and the difference.

The outline also distinguishes an empty list of items from a wrong path.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from adapters.formats.path import Path, write_path, write_paths
from adapters.formats.problem import UnusableFeedError
from adapters.formats.text import fold
from schemas.bilingual import Bilingual
from schemas.rulebook import displayed

_LEVEL = 0.75
"""Cost of a level that only one of the paths has."""
_UNRELATED = 0.4
"""Additional cost of a name that has less than half in common with the other."""
_DEEPER, _WITHIN, _STEP = 0.3, 0.4, 0.05
"""Cost if one path is a prefix or suffix of the other, and of each level between them."""
_SAME_BUT_CASE = 0.05
_SAME_BUT_PREFIX = 0.1
_MISSPELT = 0.2
_CONTAINED = 0.4
_CONTAINED_CHARACTERS = 3
_MAX_CHARACTERS = 24
"""Names are compared up to this length, which bounds the work for any feed."""
_BETWEEN_WORDS = dict.fromkeys(map(ord, "_- "))
NOTHING_LIKE_IT = Bilingual("Its items have nothing like it", "Ses éléments n’ont rien qui y ressemble")
CLOSE = 0.45
"""Up to this cost, two paths are treated as two spellings of one."""
MAX_PATHS = 500
_MAX_OBJECTS, MAX_MEMBERS = 200, 100
MEMBER_CHARACTERS = 2_000
"""Longer texts outside of items are not kept."""
_MAX_PATH = 500
"""Longer paths are not kept: no mapping can name them."""
_ABOUT_THE_FEED = frozenset((
    "author", "cloud", "generator", "head", "header", "image", "info", "link", "links", "meta", "metadata",
    "pagination", "publisher", "textinput",
))  # fmt: skip
"""Elements that describe a feed: a feed without items that has only these beside them is empty."""


@dataclass(frozen=True, slots=True)
class Near:
    """An existing path, its distance from the one sought (0: the same), and the difference if it is obvious."""

    path: Path
    cost: float
    reason: Bilingual | None
    alike: bool = True

    @property
    def related(self) -> bool:
        """Whether the two have something in common: a name, or most of one."""
        return self.reason is not None or self.alike

    @property
    def close(self) -> bool:
        """Whether the path sought is probably a misspelling of this one."""
        return self.reason is not None and self.cost <= _LEVEL


def nearest(wanted: Path, known: Iterable[Path], *, likely: Iterable[Path] = ()) -> Near | None:
    """The nearest of the known paths, the first of several; None without any.

    A ``likely`` path is preferred if the difference is small.
    """
    preferred = frozenset(likely)
    best: tuple[float, Path] | None = None
    for path in known:
        cost = _distance(wanted, path) - (_LEVEL * 0.9 if path in preferred else 0)
        if best is None or cost < best[0]:
            best = cost, path
    if best is None:
        return None
    path = best[1]
    return Near(path, _distance(wanted, path), _difference(wanted, path), _alike(wanted, path))


def nearest_of(wanted: Iterable[Path], known: Collection[Path], *, likely: Iterable[Path] = ()) -> Near | None:
    """The nearest of the known paths to any of several alternatives; None without any."""
    found = [near for path in wanted if (near := nearest(path, known, likely=likely))]
    return min(found, key=lambda one: one.cost, default=None)


def _alike(wanted: Path, known: Path) -> bool:
    """Whether a name of one is a name of the other, or close to it."""
    pairs = ((name[:_MAX_CHARACTERS], other[:_MAX_CHARACTERS]) for name in wanted for other in known)
    return any(_name_distance(*pair) <= CLOSE for pair in pairs)


def hint(near: Near | None) -> Bilingual:
    """A sentence, without full stop, with the nearest path and the difference; nothing is near that has nothing in
    common with the path sought.
    """
    if near is None:
        return Bilingual("The feed has no path at all there", "Le flux n’y a aucun chemin")
    if not near.related:
        return NOTHING_LIKE_IT
    path = displayed(write_path(near.path)) or '""'
    if near.reason is None:
        return Bilingual(
            f"The nearest path that exists is “{path}”", f"Le chemin existant le plus proche est « {path} »"
        )
    return Bilingual(
        f"The nearest path that exists is “{path}”: {near.reason}",
        f"Le chemin existant le plus proche est « {path} » : {near.reason.fr}",
    )


def _distance(wanted: Path, known: Path) -> float:
    """The edit distance over names; a replacement costs the distance of the two names."""
    if len(wanted) != len(known) and "/".join(wanted) == "/".join(known):
        return _SAME_BUT_CASE
    shorter, longer = sorted((wanted, known), key=len)
    if shorter and len(shorter) < len(longer):
        steps = _STEP * (len(longer) - len(shorter))
        if longer[: len(shorter)] == shorter:
            return (_DEEPER if shorter == wanted else _WITHIN) + steps
        if longer[-len(shorter) :] == shorter:
            return _WITHIN + steps
    row = [index * _LEVEL for index in range(len(known) + 1)]
    for line, name in enumerate(wanted, start=1):
        above, row = row, [line * _LEVEL]
        for index, other in enumerate(known, start=1):
            replaced = above[index - 1] + _name_distance(name[:_MAX_CHARACTERS], other[:_MAX_CHARACTERS])
            row.append(min(above[index] + _LEVEL, row[-1] + _LEVEL, replaced))
    return row[-1]


@lru_cache(maxsize=4096)
def _name_distance(name: str, other: str) -> float:
    """The distance of two names: 0 for equal names, above 1 for unrelated ones."""
    if name == other:
        return 0.0
    if _fold(name) == _fold(other):
        return _SAME_BUT_CASE
    first, second = _local(name), _local(other)
    if first == second:
        return _SAME_BUT_PREFIX
    edits = _edits(first, second) / max(len(first), len(second), 1)
    shorter, longer = sorted((first, second), key=len)
    if len(shorter) >= _CONTAINED_CHARACTERS and shorter in longer:
        return min(_CONTAINED, edits)
    return max(_MISSPELT, edits) if edits <= CLOSE else edits + _UNRELATED


def _edits(first: str, second: str) -> int:
    """The Damerau-Levenshtein distance (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for line, sign in enumerate(first, start=1):
        above, row = row, [line]
        for index, other in enumerate(second, start=1):
            cost = min(above[index] + 1, row[-1] + 1, above[index - 1] + (sign != other))
            if before and index > 1 and sign == second[index - 2] and first[line - 2] == other:
                cost = min(cost, before[index - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]


def _difference(wanted: Path, known: Path) -> Bilingual | None:
    """Describe the difference; None if it is not obvious."""
    if len(wanted) == len(known):
        return _difference_of_names(wanted, known)
    if "/".join(wanted) == "/".join(known):
        return Bilingual("a slash in a name is written ~1", "une barre dans un nom s’écrit ~1")
    folded_wanted, folded_known = tuple(map(_local, wanted)), tuple(map(_local, known))
    if missing := _surplus(folded_known, folded_wanted):
        names = displayed(write_path(tuple(known[index] for index in missing)))
        if missing[0] == len(wanted):
            en = f"there is no text at the path sought, but one level deeper, at “{names}”"
            return Bilingual(en, f"il n’y a pas de texte au chemin cherché, mais un niveau plus bas, à « {names} »")
        return Bilingual(f"the level “{names}” is missing", f"il manque le niveau « {names} »")
    if surplus := _surplus(folded_wanted, folded_known):
        names = write_path(tuple(wanted[index] for index in surplus))
        return Bilingual(f"the level “{names}” does not exist", f"le niveau « {names} » n’existe pas")
    return None


def _difference_of_names(wanted: Path, known: Path) -> Bilingual | None:
    differing = [(name, other) for name, other in zip(wanted, known, strict=True) if name != other]
    if not differing:
        return Bilingual("it is a text by itself, without #text", "c’est un texte en soi, sans #text")
    if all(_fold(name) == _fold(other) for name, other in differing):
        return Bilingual("wrong case or accents", "casse ou accents différents")
    if all(_local(name) == _local(other) for name, other in differing):
        if any(name.startswith("@") != other.startswith("@") for name, other in differing):
            return Bilingual("@ marks an attribute, and only that", "@ désigne un attribut, et rien d’autre")
        return Bilingual("another prefix", "autre préfixe")
    if len(differing) == 1:
        name, other = differing[0]
        if _name_distance(name[:_MAX_CHARACTERS], other[:_MAX_CHARACTERS]) <= CLOSE:
            other = displayed(other)
            return Bilingual(f"“{name}” is spelled “{other}”", f"« {name} » s’écrit « {other} »")
        if wanted[-1] != known[-1] and len(wanted) > 1:
            other = displayed(other)
            return Bilingual(
                f"wrong last name: “{other}”, not “{name}”", f"dernier nom faux : « {other} », non « {name} »"
            )
    return None


def _surplus(longer: Path, shorter: Path) -> list[int]:
    """The indexes of names that only the longer path has; empty if the shorter is not a subsequence of it."""
    left, surplus = list(shorter), []
    for index, name in enumerate(longer):
        if left and left[0] == name:
            left.pop(0)
        else:
            surplus.append(index)
    return [] if left else surplus


def _local(name: str) -> str:
    """The name without case, accents, attribute sign and namespace prefix."""
    return _fold(name.lstrip("@").rpartition(":")[2])


def _fold(name: str) -> str:
    return fold(name).translate(_BETWEEN_WORDS)


class PathOutline:
    """Paths of one document, added by its reader while it streams. Memory is bounded: the first 500 paths are kept.

    ``confirmed``: an operator has confirmed that the document is meant to have no items.
    """

    def __init__(self, *, confirmed: bool = False) -> None:
        self.confirmed = confirmed
        self.reached = False
        """Whether the container of the items was found."""
        self.emptied = False
        """Whether an empty list of items was found."""
        self.objects: list[tuple[Path, dict[str, Any]]] = []
        """The first objects outside of items: the path of each and its texts, numbers and truth values by name."""
        self.counts: dict[Path, int] = {}
        """The number of elements or values at each path."""
        self._complex: set[Path] = set()

    def describe(self, path: Path) -> dict[str, Any]:
        """The members of an object outside of items, for its reader to fill."""
        members: dict[str, Any] = {}
        if len(self.objects) < _MAX_OBJECTS:
            self.objects.append((path, members))
        return members

    def add(self, path: Path, *, members: bool) -> None:
        """Count an element or value at a path; ``members``: it has attributes or members."""
        if path in self.counts:
            self.counts[path] += 1
        elif len(self.counts) < MAX_PATHS and sum(map(len, path)) <= _MAX_PATH:
            self.counts[path] = 1
        else:
            return
        if members:
            self._complex.add(path)

    @property
    def parents(self) -> set[Path]:
        """The paths with attributes, members or children."""
        return self._complex | {path[:-1] for path in self.counts}

    def missing(self, paths: tuple[Path, ...], *, root: bool = True) -> UnusableFeedError:
        """The error of a document without items at the paths. ``root``: its root may be an item."""
        likely = self._likely(paths)
        known = [path for path in self.counts if path in likely or not _is_above(path, likely)]
        if not root:
            known = [path for path in known if len(path) > 1] or known
        near = nearest_of(paths, known, likely=likely)
        text = hint(near)
        if near is not None and near.reason is None and near.path in likely:
            text = self._often(near)
        elif near is not None and not near.related:
            near, text = None, Bilingual("The feed has nothing like it", "Le flux n’a rien qui y ressemble")
        return UnusableFeedError(
            "items-not-found",
            pointer="/mapping/source/items",
            expected=write_paths(paths),
            actual="–" if near is None else write_path(near.path),
            hint=text,
        )

    def _often(self, near: Near) -> Bilingual:
        """Name a path that may be that of the items because it occurs more than once."""
        count, path = self.counts[near.path], displayed(write_path(near.path))
        if near.related:
            return hint(replace(near, reason=Bilingual(f"it occurs {count} times", f"il y figure {count} fois")))
        return Bilingual(
            f"Nothing resembles it; “{path}” occurs {count} times",
            f"Rien n’y ressemble ; « {path} » y figure {count} fois",
        )

    def _likely(self, paths: tuple[Path, ...]) -> set[Path]:
        """Candidate paths of items: with members, and repeated or siblings of a path sought."""
        parents = self.parents
        repeated = {path for path in parents if self.counts.get(path, 0) > 1}
        beside = {path for path in parents for one in paths if len(one) > 1 and path[:-1] == one[:-1]}
        return repeated | {path for path in beside if path and not _is_above(path, repeated)}

    def could_hold_items(self, path: Path) -> bool:
        """Whether the parent of the missing items has other elements that may be items.

        These have a similar name, or attributes or children without being known to describe the feed.
        """
        parents = self.parents
        for known in self.counts:
            if len(known) != len(path) or known[:-1] != path[:-1]:
                continue
            near = nearest(path, [known])
            if near is not None and near.cost <= CLOSE:
                return True
            if known in parents and known[-1].rpartition(":")[2].lower() not in _ABOUT_THE_FEED:
                return True
        return False


def _is_above(path: Path, others: Iterable[Path]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in others)
