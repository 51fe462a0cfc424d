"""What may become of an offer, or of one of its parts, at the national site, before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from adapters.national.mapping.refusal import Trouble
from adapters.national.mapping.remote_id import Group
from schemas.invisible import is_blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a platform's profile and account allow.

    ``fillers``: the employer's name may stand in for a missing description. ``employer_name`` stands in for masked
    employers. ``reuse``: offers meant for no other region may go there, though the site shows its offers to other
    partners. ``one_week``: the account has a token of the old interface.
    """

    fillers: bool = True
    employer_name: str | None = None
    reuse: bool = False
    one_week: bool = False

    @property
    def stands_in(self) -> bool:
        """Whether there is a name for masked employers; the site takes a blank one for none."""
        return self.employer_name is not None and not is_blank(self.employer_name)


@dataclass(frozen=True, slots=True)
class Ready:
    """The site takes it. ``body`` is without remote id; ``weeks`` and ``levels`` are what it must answer."""

    body: Mapping[str, Any]
    weeks: tuple[str, ...]
    levels: tuple[str, ...]

    def named(self, remote_id: str) -> dict[str, Any]:
        """The body that creates it under a name."""
        return {**self.body, "remote_id": remote_id}


@dataclass(frozen=True, slots=True)
class Waiting:
    """The site takes it from a later day on: it does not yet look at that school year."""

    until: date


@dataclass(frozen=True, slots=True)
class Past:
    """Its school year is over for the site: what the site holds stays as it is or is deleted, and is never sent again.
    ``refusals`` say which weeks the site asks for now.
    """

    refusals: tuple[Trouble, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class NotDeliverable:
    """The site would refuse it, or would show what must not be shown."""

    refusals: tuple[Trouble, ...]


Prospect: TypeAlias = Ready | Waiting | Past | NotDeliverable


@dataclass(frozen=True, slots=True)
class Part:
    """Some or all levels of an offer, and what may become of them."""

    group: Group
    prospect: Prospect
