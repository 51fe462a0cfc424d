"""What can go wrong while a feed is read: the rules of ``problems.json``, in the shape that verdicts use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas import Problem, Rule
from schemas.rulebook import shown
from schemas.texts import load_texts


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule of reading by its code."""
    entries = load_texts(__package__, "problems.json").items()
    return MappingProxyType({code: Rule(code=code, **entry) for code, entry in entries})


@dataclass(frozen=True, slots=True)
class ReadingProblem(Problem):
    """A rule of reading broken at one place. ``pointer`` leads into the offer; where in the source, ``args`` say."""

    @property
    def rule(self) -> Rule:
        """The entry of ``problems.json``."""
        return rules()[self.code]


def problem(code: str, *, pointer: str = "", expected: Any = None, actual: Any = None, **args: Any) -> ReadingProblem:
    """A problem of reading. Caps and redacts ``actual``. Raises KeyError for a code that no rule has."""
    if code not in rules():
        raise KeyError(code)
    return ReadingProblem(code, pointer, expected, shown(actual), {name: shown(value) for name, value in args.items()})
