"""Deliverability: whether the national site would take an offer, or a part of it, before anything is sent.

Its reasons are problems of the catalogue, or refusals of the site as codes of this gateway, with texts in French and
English from packaged data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, TypeAlias

from adapters.national.mapping.body import Suffix
from schemas.folding import is_blank
from schemas.rulebook import Problem, displayed
from schemas.texts import fill, load_texts

PREFIX = "national-refused:"


@dataclass(frozen=True, slots=True)
class SiteRefusal:
    """A reason that only the site, or a platform's terms, can give. ``pointer`` is a JSON Pointer into the shared
    offer; ``actual`` is the site's text, capped and without personal data.
    """

    code: str
    pointer: str = ""
    actual: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of a problem without ``requirement``: the rule is the site's, not the protocol's."""
        entry = refusals()[self.code]
        values = {"actual": self.actual or "", "pointer": self.pointer}
        texts = {name: fill(entry[name], values) for name in ("message", "consequence", "fix") if name in entry}
        body: dict[str, Any] = {"code": self.code, "severity": entry["severity"], "pointer": self.pointer, **texts}
        return body if self.actual is None else {**body, "actual": self.actual}


Obstacle: TypeAlias = Problem | SiteRefusal
"""A problem of the catalogue, or a refusal of the site; both have ``to_json``."""


def refusal(code: str, *, pointer: str = "", actual: object = None) -> SiteRefusal:
    """A refusal with the site's text capped and redacted. Raises KeyError for a code without texts."""
    if code not in refusals():
        raise KeyError(code)
    return SiteRefusal(code, pointer, None if actual is None else str(displayed(str(actual))))


@cache
def refusals() -> Mapping[str, Mapping[str, Any]]:
    """Every refusal by its code."""
    return load_texts(__package__, "refusals.json")


@cache
def vocabulary() -> Mapping[str, Any]:
    """Maps the site's field names to pointers into the shared offer, and its sentences to codes."""
    return load_texts(__package__, "vocabulary.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTerms:
    """Delivery terms from a platform's profile and account.

    ``fillers``: the employer's name may replace a missing description. ``employer_name`` replaces that of masked
    employers. ``reuse``: offers meant for no other region may go there, though the site shows its offers to other
    partners. ``one_week``: the account has a token of the old interface.
    """

    fillers: bool = True
    employer_name: str | None = None
    reuse: bool = False
    one_week: bool = False

    @property
    def has_replacement_name(self) -> bool:
        """Whether there is a name for masked employers; the site treats a blank one as missing."""
        return self.employer_name is not None and not is_blank(self.employer_name)


@dataclass(frozen=True, slots=True)
class Ready:
    """The site takes it. ``body`` has no remote id; ``weeks`` and ``levels`` are the values that it must answer."""

    body: Mapping[str, Any]
    weeks: tuple[str, ...]
    levels: tuple[str, ...]

    def named(self, remote_id: str) -> dict[str, Any]:
        """The body of its creation, with the remote id."""
        return {**self.body, "remote_id": remote_id}


@dataclass(frozen=True, slots=True)
class DeliverableLater:
    """The site takes it from a later day on: its school year is not in force there yet."""

    until: date


@dataclass(frozen=True, slots=True)
class Past:
    """Its school year is over for the site: the copy there stays unchanged or is deleted, and is never sent again.
    ``refusals`` name the weeks that the site asks for now.
    """

    refusals: tuple[Obstacle, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class NotDeliverable:
    """The site would refuse it, or would publish data that must not be public."""

    refusals: tuple[Obstacle, ...]


Deliverability: TypeAlias = Ready | DeliverableLater | Past | NotDeliverable


@dataclass(frozen=True, slots=True)
class WantedPart:
    """Wanted state of one part of an offer: its deliverability on a day, and the suffix of its remote id."""

    suffix: Suffix
    deliverability: Deliverability
