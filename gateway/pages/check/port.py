"""The port of the check to the rest of the gateway: feeds by known profiles, and the national site's view of an offer.

The composition root fills it in the sandbox's process; the pages never import adapters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol, TypeAlias

from gateway.pages.check.content import Syntax
from schemas import Activations

Days: TypeAlias = Mapping[str, str]
"""The days (ISO) from which releases of the schema hold."""
Body: TypeAlias = Mapping[str, Any]
"""A problem as JSON with its texts in both languages."""


@dataclass(frozen=True, slots=True)
class KnownProfile:
    """A platform's profile by which its feed can be read: slug, name, format, and how its feed is written."""

    slug: str
    name: str
    format: str
    syntax: Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedVerdict:
    """The verdict on a feed: counts of its items, problems in groups (each with ``count`` and ``examples``), and offers
    as published. ``usable``: nothing makes the feed as a whole unusable. ``misfit``: the feed is readable, but is none
    of this profile. ``whole``: all of it was read within the time.
    """

    counts: Mapping[str, int]
    problems: Sequence[Body]
    offers: Sequence[Mapping[str, Any]]
    usable: bool
    misfit: bool
    whole: bool = True


@dataclass(frozen=True, slots=True)
class NationalPart:
    """The act of the national site on one part of an offer, for these levels: take it (``ready``), take it from a
    day on (``waiting``), take it no more (``past``), or refuse it, for these reasons.
    """

    state: Literal["ready", "waiting", "past", "refused"]
    levels: Sequence[str] = ()
    until: str | None = None
    reasons: Sequence[Body] = field(default=())


class Engine(Protocol):
    """The gateway's own judges of feeds and of deliverability."""

    profiles: Sequence[KnownProfile]

    activations: Activations
    """The days from which releases of the schema hold."""

    def evaluate(self, slug: str, content: bytes, *, on: date, stop: Callable[[], bool]) -> FeedVerdict:
        """The verdict on a feed by the profile of that slug, as ``passerelle platform check`` gives it. ``stop``: asked
        between items.
        """

    def national(self, offer: Mapping[str, Any], *, on: date) -> Sequence[NationalPart]:
        """The parts of an accepted offer at the national site; empty if it is not meant for it."""
