"""Deliverability: whether the national site would take an offer, or a part of it, before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from adapters.national.mapping.refusal import Trouble
from adapters.national.mapping.remote_id import Group
from schemas.folding import is_blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
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
    def stands_in(self) -> bool:
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
class Waiting:
    """The site takes it from a later day on: its school year is not in force there yet."""

    until: date


@dataclass(frozen=True, slots=True)
class Past:
    """Its school year is over for the site: the copy there stays unchanged or is deleted, and is never sent again.
    ``refusals`` name the weeks that the site asks for now.
    """

    refusals: tuple[Trouble, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class NotDeliverable:
    """The site would refuse it, or would publish data that must not be public."""

    refusals: tuple[Trouble, ...]


Deliverability: TypeAlias = Ready | Waiting | Past | NotDeliverable


@dataclass(frozen=True, slots=True)
class Part:
    """Some or all levels of an offer, with their deliverability."""

    group: Group
    deliverability: Deliverability
