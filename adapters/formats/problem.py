"""Problems of reading a feed: the rules of ``problems.json`` in the shape of a verdict's problems."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas import Problem, Rule
from schemas.rulebook import displayed
from schemas.texts import load_texts


@cache
def rules() -> Mapping[str, Rule]:
    """Return every rule of reading by code."""
    entries = load_texts(__package__, "problems.json").items()
    return MappingProxyType({code: Rule(code=code, **entry) for code, entry in entries})


@dataclass(frozen=True, slots=True)
class ReadingProblem(Problem):
    """One violation of a rule of reading. ``pointer`` is in the offer; ``args`` give the location in the source."""

    @property
    def rule(self) -> Rule:
        """The entry of ``problems.json``."""
        return rules()[self.code]


def problem(code: str, *, pointer: str = "", expected: Any = None, actual: Any = None, **args: Any) -> ReadingProblem:
    """Create a problem of reading; ``actual`` is capped and redacted. Raises KeyError for an unknown code."""
    if code not in rules():
        raise KeyError(code)
    return ReadingProblem(
        code, pointer, expected, displayed(actual), {name: displayed(value) for name, value in args.items()}
    )
