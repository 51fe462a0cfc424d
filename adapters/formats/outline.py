"""Outline: the paths of a document outside its items; distinguishes an empty list of items from a wrong path."""

from collections.abc import Iterable
from dataclasses import replace

from adapters.formats.nearest import CLOSE, hint, nearest, nearest_of
from adapters.formats.path import Path, write_path, write_paths
from adapters.formats.problem import UnusableFeedError
from schemas.spoken import Spoken

MOST_PATHS = 500
_MOST_CHARACTERS = 500
"""Longer paths are not kept: no mapping can name them."""
_ABOUT_THE_FEED = frozenset((
    "author", "cloud", "generator", "head", "header", "image", "info", "link", "links", "meta", "metadata",
    "pagination", "publisher", "textinput",
))  # fmt: skip
"""Elements that describe a feed: a feed without items that has only these beside them is empty."""


class Outline:
    """Paths of one document, added by its reader while it streams. Memory is bounded: the first 500 paths are kept.

    ``confirmed``: an operator has confirmed that the document is meant to have no items.
    """

    def __init__(self, *, confirmed: bool = False) -> None:
        self.confirmed = confirmed
        self.reached = False
        """Whether the container of the items was found."""
        self.emptied = False
        """Whether an empty list of items was found."""
        self._counts: dict[Path, int] = {}
        self._complex: set[Path] = set()

    def add(self, path: Path, *, members: bool) -> None:
        """Count an element or value at a path; ``members``: it has attributes or members."""
        if path in self._counts:
            self._counts[path] += 1
        elif len(self._counts) < MOST_PATHS and sum(map(len, path)) <= _MOST_CHARACTERS:
            self._counts[path] = 1
        else:
            return
        if members:
            self._complex.add(path)

    def missing(self, paths: tuple[Path, ...], *, root: bool = True) -> UnusableFeedError:
        """The error of a document without items at the paths. ``root``: its root may be an item."""
        likely = self._likely(paths)
        known = [path for path in self._counts if path in likely or not _is_above(path, likely)]
        if not root:
            known = [path for path in known if len(path) > 1] or known
        near = nearest_of(paths, known, likely=likely)
        if near is not None and near.reason is None and near.path in likely:
            count = self._counts[near.path]
            near = replace(near, reason=Spoken(f"it occurs {count} times", f"il y figure {count} fois"))
        return UnusableFeedError(
            "items-not-found",
            pointer="/mapping/source/items",
            expected=write_paths(paths),
            actual="–" if near is None else write_path(near.path),
            hint=hint(near),
        )

    def _likely(self, paths: tuple[Path, ...]) -> set[Path]:
        """Candidate paths of items: with members, and repeated or siblings of a path sought."""
        parents = self._complex | {path[:-1] for path in self._counts}
        repeated = {path for path in parents if self._counts.get(path, 0) > 1}
        beside = {path for path in parents for one in paths if len(one) > 1 and path[:-1] == one[:-1]}
        return repeated | {path for path in beside if path and not _is_above(path, repeated)}

    def could_hold_items(self, path: Path) -> bool:
        """Whether the parent of the missing items has other elements that may be items.

        These have a similar name, or attributes or children without being known to describe the feed.
        """
        for known in self._counts:
            if len(known) != len(path) or known[:-1] != path[:-1]:
                continue
            near = nearest(path, [known])
            if near is not None and near.cost <= CLOSE:
                return True
            if self._is_complex(known) and known[-1].rpartition(":")[2].lower() not in _ABOUT_THE_FEED:
                return True
        return False

    def _is_complex(self, path: Path) -> bool:
        return path in self._complex or _is_above(path, self._counts)


def _is_above(path: Path, others: Iterable[Path]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in others)
