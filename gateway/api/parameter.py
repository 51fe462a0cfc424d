"""Query parameters: read one by one, with all errors reported at once."""

from collections.abc import Callable, Collection
from difflib import get_close_matches
from types import TracebackType
from typing import Self, TypeVar

from multidict import MultiMapping

from gateway.api.problem import ProblemError

_FLAGS = {"true": True, "false": False}
_DIGITS = 16
Value = TypeVar("Value")


class Parameters:
    """The query of one request. Leaving the block raises ProblemError for all invalid parameters, unknown names
    included: to ignore them would hide a misspelling. The value of an invalid parameter must not leave the block.
    """

    def __init__(self, given: MultiMapping[str], known: Collection[str]) -> None:
        self._given = given
        self._wrong = [_unknown(name, known) for name in dict.fromkeys(given) if name not in known]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or not self._wrong:
            return
        first = self._wrong[0]
        if len(self._wrong) > 1:
            first.problems = [wrong.explanation.to_json() for wrong in self._wrong]
        raise first

    def one(self, name: str, read: Callable[[str], Value], expected: str) -> Value | None:
        """A parameter that is given at most once. ``read`` raises ValueError for an invalid value."""
        texts = self._given.getall(name, ())
        if not texts:
            return None
        try:
            if len(texts) == 1:
                return read(texts[0])
        except ValueError:
            pass
        self._refuse(name, ",".join(texts), expected)
        return None

    def several(self, name: str, valid: Callable[[str], bool], expected: str) -> frozenset[str]:
        """A parameter that may be repeated, its values also separated by commas."""
        values = [value for text in self._given.getall(name, ()) for value in text.split(",")]
        for value in values:
            if not valid(value):
                self._refuse(name, value, expected)
        return frozenset(values)

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; false when it is not given."""
        return self.choice(name, _FLAGS) == "true"

    def choice(self, name: str, values: Collection[str]) -> str | None:
        """One of these values."""
        return self.one(name, lambda text: _valid(text, text in values), ", ".join(values))

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        """A decimal number within bounds, both included."""

        def read(text: str) -> int:
            digits = _valid(text, text.isascii() and text.isdigit() and len(text) <= _DIGITS)
            return _valid(int(digits), least <= int(digits) <= most)

        return self.one(name, read, f"{least}..{most}")

    def text(self, name: str) -> str | None:
        """A text that is not empty."""
        return self.one(name, lambda text: _valid(text, text != ""), "…")

    def _refuse(self, name: str, actual: str, expected: str) -> None:
        self._wrong.append(ProblemError("parameter-invalid", parameter=name, actual=actual, expected=expected))


def refuse_parameters(given: MultiMapping[str]) -> None:
    """Refuse any parameter, on a call without them. Raises ProblemError."""
    with Parameters(given, ()):
        pass


def missing(name: str, expected: str) -> ProblemError:
    """The problem of a missing parameter."""
    return ProblemError("parameter-missing", parameter=name, expected=expected)


def _valid(value: Value, holds: bool) -> Value:  # noqa: FBT001  # the sentence reads so
    if not holds:
        raise ValueError
    return value


def _unknown(name: str, known: Collection[str]) -> ProblemError:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    expected = ", ".join(dict.fromkeys([*near, *sorted(known)])) or "–"
    return ProblemError(
        "parameter-unknown", actual=name, expected=expected, members={"nearest": near[0]} if near else {}
    )
