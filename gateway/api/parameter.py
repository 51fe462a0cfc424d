"""Query parameters of the write API: read one by one, every wrong one named."""

from collections.abc import Collection
from difflib import get_close_matches

from multidict import MultiMapping

from gateway.api.problem import ProblemError

_FLAGS = {"true": True, "false": False}
_DIGITS = 16


class Parameters:
    """The query of one request. Raises ProblemError at once for a parameter that is unknown or given twice: ignoring it
    silently would hide a misspelling.
    """

    def __init__(self, given: MultiMapping[str], known: Collection[str]) -> None:
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0.5)
                raise ProblemError(
                    "parameter-unknown",
                    actual=name,
                    expected=", ".join(dict.fromkeys([*near, *sorted(known)])) or "–",
                    members={"nearest": near[0]} if near else {},
                )
            if len(given.getall(name)) > 1:
                raise _invalid(name, ",".join(given.getall(name)), "×1")
        self._given = given

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; false when it is not given."""
        text = self._given.get(name, "false")
        if text not in _FLAGS:
            raise _invalid(name, text, "true, false")
        return _FLAGS[text]

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        """A decimal number within bounds, both included."""
        text = self._given.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and least <= int(text) <= most):
            raise _invalid(name, text, f"{least}..{most}")
        return int(text)

    def choice(self, name: str, values: Collection[str]) -> str | None:
        """One of a few words."""
        text = self._given.get(name)
        if text is not None and text not in values:
            raise _invalid(name, text, ", ".join(values))
        return text

    def text(self, name: str) -> str | None:
        """Any text."""
        return self._given.get(name)


def missing(name: str, expected: str) -> ProblemError:
    """The problem of a parameter that must be given."""
    return ProblemError("parameter-missing", parameter=name, expected=expected)


def _invalid(name: str, actual: str, expected: str) -> ProblemError:
    return ProblemError("parameter-invalid", parameter=name, actual=actual, expected=expected)
