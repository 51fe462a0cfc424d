"""Survey: find the paths of a mapping that occur in no item of a feed, and the nearest paths that its items have.

A path that occurs in no item is a mistake of the mapping or a change of the feed, not a property of single items.
Memory is bounded: the paths of the first items are kept, up to a limit.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from adapters.formats.condition import Condition
from adapters.formats.item import Content
from adapters.formats.nearest_path import NOTHING_LIKE_IT, Near, hint, nearest_of
from adapters.formats.path import (
    FIRST,
    TEXT_MEMBERS,
    Path,
    leaf_paths,
    occurs,
    scalars,
    select,
    write_path,
    write_paths,
)
from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.rule import Watched
from adapters.formats.text import spell
from schemas.bilingual import Bilingual
from schemas.rulebook import displayed

_SURVEYED_ITEMS = 100
_MAX_PATHS = 300
_MAX_NEAREST = 20
"""Most paths for which the nearest one is searched."""
_MANY = 3
"""From this number on, paths without the same level are reported as one mistake."""
_MAX_VALUES = 5
_NOT_SEARCHED = Bilingual("Correct the paths named before first", "Corrigez d’abord les chemins nommés avant")
_ALL_AT_ONCE = Bilingual(
    "Each of its conditions holds for some items, and all of them together for none",
    "Chacune de ses conditions vaut pour certains éléments, et toutes ensemble pour aucun",
)


@dataclass(slots=True)
class _Passing:
    """One condition: whether an item met it (``held``), whether its paths occur, and values at its paths."""

    condition: Condition
    held: bool = False
    occurs: bool = False
    values: dict[str, None] = field(default_factory=dict)


class Survey:
    """Survey of one feed, item by item. ``used``: all paths of the mapping; ``items``: the paths of its items."""

    def __init__(
        self,
        watched: Sequence[Watched],
        only: Sequence[Condition],
        *,
        on: date,
        used: frozenset[Path] = frozenset(),
        items: Sequence[Path] = (),
    ) -> None:
        self._items = items
        self._on = on
        self._unseen = list(watched)
        self._passing = [_Passing(condition) for condition in only]
        self._used = used
        self._known: dict[Path, None] = {}
        self._surveyed = 0
        self._offers = 0
        self._passed = 0

    @property
    def offered(self) -> int:
        """The number of items that met all conditions."""
        return self._offers

    def holds(self, content: Content) -> bool:
        """Survey an item; return whether it meets all conditions. Raises UnreadableValueError for a value of a
        condition that is no date.
        """
        if self._surveyed < _SURVEYED_ITEMS and (self._unseen or not self._offers):
            self._surveyed += 1
            for path in leaf_paths(content):
                if len(self._known) < _MAX_PATHS:
                    self._known.setdefault(path)
        held = [self._holds(one, content) for one in self._passing]
        if not all(held):
            self._passed += 1
            return False
        self._offers += 1
        if self._unseen:
            self._unseen = [one for one in self._unseen if not any(occurs(content, path) for path in one.paths)]
        return True

    def finish(self, *, emptied: bool, confirmed: bool) -> tuple[list[ReadingProblem], list[ReadingProblem]]:
        """The errors that make the feed unusable, and the warnings.

        ``emptied``: the feed has an empty list of items. ``confirmed``: an operator has confirmed that the conditions
        may exclude all items.
        """
        if self._offers:
            return self._judge_paths()
        if not self._passed or emptied:
            return [], []
        missing = [self._no_path(one, index) for index, one in enumerate(self._passing) if not one.occurs]
        if missing or confirmed:
            return missing, []
        return list(self._all_passed()), []

    def _holds(self, one: _Passing, content: Content) -> bool:
        held = one.condition.holds(content, self._on)
        one.held = one.held or held
        if not self._offers and len(one.values) < _MAX_VALUES:
            found = (value for path in one.condition.paths for value in scalars(select(content, path)[0]))
            one.values.update(dict.fromkeys(str(displayed(spell(value))) for value in islice(found, _MAX_VALUES)))
        one.occurs = one.occurs or any(occurs(content, path) for path in one.condition.paths)
        return held

    def _no_path(self, one: _Passing, index: int) -> ReadingProblem:
        return _not_found(f"/mapping/only/{index}/path", one.condition.paths, self._nearest(one.condition.paths))

    def _all_passed(self) -> Iterator[ReadingProblem]:
        never = [(index, one) for index, one in enumerate(self._passing) if not one.held]
        if not never:
            yield problem("only-passes-all", pointer="/mapping/only", hint=_ALL_AT_ONCE)
        for index, one in never:
            path, sought = write_paths(one.condition.paths), one.condition.sought
            seen = _list(list(one.values)) or "–"
            yield problem(
                "only-passes-all",
                pointer=f"/mapping/only/{index}/{one.condition.key}",
                expected=sought,
                actual=seen,
                hint=Bilingual(
                    f"At “{path}” it looks for: {sought}. The feed has: {seen}",
                    f"À « {path} », elle cherche : {sought.fr}. Le flux a : {seen}",
                ),
            )

    def _judge_paths(self) -> tuple[list[ReadingProblem], list[ReadingProblem]]:
        errors: list[ReadingProblem] = []
        warnings: list[ReadingProblem] = []
        unlike: list[Watched] = []
        whole = {one.pointer for one in self._unseen}
        for index, one in enumerate(one for one in self._unseen if one.within not in whole):
            near = self._nearest(one.paths, unused=not one.required) if index < _MAX_NEAREST else None
            misspelt = near is not None and near.close
            if one.required or (one.guarded and one.strict and misspelt):
                errors.append(_not_found(one.pointer, one.paths, near, searched=index < _MAX_NEAREST))
            elif misspelt:
                warnings.append(_not_found(one.pointer, one.paths, near, code="path-unseen"))
            elif one.strict and not one.ready_made:
                unlike.append(one)
        if unlike:
            warnings.append(_unlike(unlike))
        return self._one_level_off(errors) or errors, warnings

    def _one_level_off(self, errors: Sequence[ReadingProblem]) -> list[ReadingProblem]:
        """One error about ``source.items`` if most paths miss the same level, else none."""
        levels = Counter(
            str(one.actual).removesuffix(f"/{one.expected}")
            for one in errors
            if one.pointer.endswith("/path") and str(one.actual).endswith(f"/{one.expected}")
        )
        level, count = next(iter(levels.most_common(1)), ("", 0))
        if count < _MANY or count <= len(errors) // 2 or not self._items:
            return []
        deeper = [write_path(path) for path in self._items]
        path = "/".join(part for part in (deeper[0], level) if part)
        return [
            problem(
                "items-not-found",
                pointer="/mapping/source/items",
                expected=write_paths(self._items) or '""',
                actual=path,
                hint=Bilingual(
                    f"The nearest path that exists is “{path}”: the level “{level}” is missing",
                    f"Le chemin existant le plus proche est « {path} » : il manque le niveau « {level} »",
                ),
            )
        ]

    def _nearest(self, paths: Sequence[Path], *, unused: bool = False) -> Near | None:
        known = [path for path in self._known if not unused or path not in self._used]
        near = nearest_of(map(_plain, paths), known)
        return near if near is not None and near.related else None


def _not_found(
    pointer: str, paths: Sequence[Path], near: Near | None, *, code: str = "path-not-found", searched: bool = True
) -> ReadingProblem:
    return problem(
        code,
        pointer=pointer,
        expected=write_paths(paths),
        actual="–" if near is None else write_path(near.path),
        hint=hint(near) if near is not None else NOTHING_LIKE_IT if searched else _NOT_SEARCHED,
    )


def _unlike(unseen: Sequence[Watched]) -> ReadingProblem:
    """One warning for all paths that occur in no item and have no similar path."""
    pointer = unseen[0].pointer if len(unseen) == 1 else "/mapping/fields"
    written = ", ".join(write_paths(one.paths) for one in unseen)
    return problem("path-unseen", pointer=pointer, expected=written, actual="–", hint=NOTHING_LIKE_IT)


def _plain(path: Path) -> Path:
    """The path without ``#1`` and without the names of text members."""
    return tuple(name for name in path if name != FIRST and name not in TEXT_MEMBERS)


def _list(values: Sequence[str]) -> str:
    return ", ".join(values[:_MAX_VALUES]) + (" …" if len(values) > _MAX_VALUES else "")
