"""Refusals of the national site as codes of this gateway, with texts in French and English from packaged data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from schemas.rulebook import Problem, displayed
from schemas.texts import fill, load_texts

PREFIX = "national-refused:"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason that only the site, or a platform's terms, can give. ``pointer`` is a JSON Pointer into the shared
    offer; ``said`` is the site's text, capped and without personal data.
    """

    code: str
    pointer: str = ""
    said: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of a problem without ``requirement``: the rule is the site's, not the protocol's."""
        entry = refusals()[self.code]
        values = {"said": self.said or "", "pointer": self.pointer}
        texts = {name: fill(entry[name], values) for name in ("message", "consequence", "fix") if name in entry}
        body: dict[str, Any] = {"code": self.code, "severity": entry["severity"], "pointer": self.pointer, **texts}
        return body if self.said is None else {**body, "actual": self.said}


Trouble: TypeAlias = Problem | Refusal
"""A problem of the catalogue, or a refusal of the site; both have ``to_json``."""


def refusal(code: str, *, pointer: str = "", said: object = None) -> Refusal:
    """A refusal with the site's text capped and redacted. Raises KeyError for a code without texts."""
    if code not in refusals():
        raise KeyError(code)
    return Refusal(code, pointer, None if said is None else str(displayed(str(said))))


@cache
def refusals() -> Mapping[str, Mapping[str, Any]]:
    """Every refusal by its code."""
    return load_texts(__package__, "refusals.json")


@cache
def vocabulary() -> Mapping[str, Any]:
    """Maps the site's field names to pointers into the shared offer, and its sentences to codes."""
    return load_texts(__package__, "vocabulary.json")
