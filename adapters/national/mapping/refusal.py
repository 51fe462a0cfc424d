"""Why the national site does not take something, in our codes, with words in French and English held as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from schemas.rulebook import Problem, shown
from schemas.texts import fill, load_texts

PREFIX = "national-refused:"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason that only shows at the site, or in a platform's terms. ``pointer`` leads into the shared offer; ``said``
    is what the site said, capped and without personal data.
    """

    code: str
    pointer: str = ""
    said: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As problems of the catalogue read, but for the requirement: it is the site's rule, not the protocol's."""
        entry = refusals()[self.code]
        values = {"said": self.said or "", "pointer": self.pointer}
        texts = {name: fill(entry[name], values) for name in ("message", "consequence", "fix") if name in entry}
        body: dict[str, Any] = {"code": self.code, "severity": entry["severity"], "pointer": self.pointer, **texts}
        return body if self.said is None else {**body, "actual": self.said}


Trouble: TypeAlias = Problem | Refusal
"""A rule of the catalogue that the site would break, or one of its own refusals; both tell themselves as JSON."""


def refusal(code: str, *, pointer: str = "", said: object = None) -> Refusal:
    """A refusal with the site's words made fit to be told. Raises KeyError for a code without words."""
    if code not in refusals():
        raise KeyError(code)
    return Refusal(code, pointer, None if said is None else str(shown(str(said))))


@cache
def refusals() -> Mapping[str, Mapping[str, Any]]:
    """Every refusal by its code."""
    return load_texts(__package__, "refusals.json")


@cache
def vocabulary() -> Mapping[str, Any]:
    """The site's words: its field names as pointers into the shared offer, and what its sentences mean."""
    return load_texts(__package__, "vocabulary.json")
