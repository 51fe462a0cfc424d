"""What the page of any offer needs of the gateway."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aiohttp import web

from gateway.federation.journal import SignedEntry
from gateway.federation.offers import HistoryFacts, OfferPage
from gateway.operate.moderation import Moderation
from gateway.protocol.journal import Actor

ModerationOutcome: TypeAlias = Literal[
    "done",
    "undecided",
    "overtaken",
    "changed",
    "behind",
    "offer-unknown",
    "already-moderated",
    "not-moderated",
]
"""``undecided``: queued, and not decided in time; ``overtaken``: a newer change of the offer prevailed; ``changed``:
the offer is no longer as the form says, and nothing was written; ``behind``: the view of offers does not catch up.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """One offer: its history, and the acts of operators about it, newest first."""

    history: HistoryFacts
    acts: Sequence[SignedEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationPort:
    """The functions. ``ready``: whether the views have caught up; none of the others is called before. ``platforms``:
    the names of all platforms by slug. ``moderate`` takes the sequence of the state that the operator has seen, and
    waits for the decision as long as the request's client and process go on, at most some seconds.
    """

    ready: Callable[[], bool]
    platforms: Callable[[], Mapping[str, str]]
    search: Callable[[Sequence[str], str, str | None], Awaitable[OfferPage]]
    offer: Callable[[str], Awaitable[OfferFacts | None]]
    moderate: Callable[[web.Request, Moderation, int, Actor], Awaitable[ModerationOutcome]]
