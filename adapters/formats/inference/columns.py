"""Levels as columns: one yes/no value for each school level."""

from collections.abc import Sequence

from adapters.formats.field import read_levels, read_yes_no
from adapters.formats.inference.candidate import FieldCandidate
from adapters.formats.inference.evidence import evidence
from adapters.formats.inference.kinds import share
from adapters.formats.inference.names import name_of
from adapters.formats.inference.survey import PathValues
from adapters.formats.path import write_path
from adapters.formats.problem import UnreadableValueError

_SCORE = 0.9
_MAX_CHARACTERS = 40
_LEVELS = 3


def levels_of_columns(paths: Sequence[PathValues]) -> FieldCandidate | None:
    """The candidate that joins the yes/no values of paths named like a level; None with fewer than two of them."""
    named: dict[str, PathValues] = {}
    for one in paths:
        level = _level(one.path[-1])
        if level is not None and share(one, "yes_no") == 1.0 and not one.listed and not name_of(one.path).blocked:
            named.setdefault(level, one)
    if not 1 < len(named) <= _LEVELS:
        return None
    parts = [
        {"path": write_path(one.path), "map": {value: level if read_yes_no(value) else None for value in one.distinct}}
        for level, one in named.items()
    ]
    for part in parts:
        part["unmatched"] = "drop"
    values = tuple(named.values())
    rule = {"join": {"parts": parts, "with": " "}}
    return FieldCandidate("levels", tuple(one.path for one in values), _SCORE, rule, (evidence("columns"),), values)


def _level(name: str) -> str | None:
    """The one level that a name means."""
    try:
        found = read_levels([name.lstrip("@").replace("_", " ")]) if len(name) <= _MAX_CHARACTERS else []
    except UnreadableValueError:
        return None
    return found[0] if len(found) == 1 else None
