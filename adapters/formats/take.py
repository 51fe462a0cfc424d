"""Steps that take a part of a text: what is between two texts, the nth piece, or a parameter of an address."""

from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

_MAX_PARAMETERS = 200


@dataclass(frozen=True, slots=True)
class Between:
    """The text after the first ``after`` and before the next ``before``; an empty one sets no limit."""

    after: str
    before: str

    def of(self, text: str) -> str:
        """The part, empty if one of the two texts is missing."""
        if self.after:
            text = text.partition(self.after)[2]
        if not self.before:
            return text
        part, found, _ = text.partition(self.before)
        return part if found else ""


@dataclass(frozen=True, slots=True)
class Piece:
    """The piece with this number between separators: 1 is the first, -1 the last."""

    number: int
    separator: str

    def of(self, text: str) -> str:
        """The piece, empty if there are fewer."""
        pieces = text.split(self.separator)
        index = self.number - 1 if self.number > 0 else self.number
        return pieces[index] if -len(pieces) <= index < len(pieces) else ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """The decoded value of a parameter in the query of an address."""

    name: str

    def of(self, text: str) -> str:
        """The first value, empty without the parameter."""
        try:
            found = parse_qsl(urlsplit(text.strip()).query, max_num_fields=_MAX_PARAMETERS)
        except ValueError:
            return ""
        return next((value for name, value in found if name == self.name), "")


Take: TypeAlias = Between | Piece | Parameter


def load_takes(value: Any) -> tuple[Take, ...]:
    """The steps of the key ``take``: one, or a list of several that follow each other."""
    return tuple(map(_load, value if isinstance(value, list) else [value]))


def _load(step: dict[str, Any]) -> Take:
    if "parameter" in step:
        return Parameter(step["parameter"])
    if "piece" in step:
        return Piece(step["piece"], step["of"])
    return Between(step.get("after", ""), step.get("before", ""))


def take_part(text: str, steps: tuple[Take, ...]) -> str | None:
    """The part of a text that the steps lead to, without blanks around it; None if there is none."""
    for step in steps:
        text = step.of(text)
    return text.strip() or None
