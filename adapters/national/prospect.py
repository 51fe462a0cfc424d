"""What may become of an offer, or of one of its parts, at the national site, before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from adapters.national.refusal import Trouble
from adapters.national.remote_id import Group


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
    """Its school year is over for the site: what stands there stays as it is or is deleted, and is never sent again."""


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
