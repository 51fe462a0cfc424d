"""Problems of reading a feed, by the rules of ``problems.json``, and the two errors that become problems."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from adapters.formats.text import one_line
from schemas import Problem, Rule
from schemas.rulebook import displayed
from schemas.spoken import Spoken
from schemas.texts import load_texts

TOO_DEEP = Spoken("nested too deep", "imbrication trop profonde")


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule of reading by code."""
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


class UnusableFeedError(Exception):
    """The feed as a whole is unusable; no item of it may be applied."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.problem: ReadingProblem = problem(code, **values)


class UnreadableValueError(Exception):
    """A value does not fit its field. ``code`` names a problem of this package; ``values`` are its arguments."""

    def __init__(self, code: str, actual: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.actual = one_line(actual)
        self.values = values
