"""What the pages of a platform need of the gateway. Each function answers for one platform, the session's own."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.partners.credential import MintedSecret
from gateway.partners.sign_in import Signed
from gateway.protocol.delivery import Delivery
from gateway.protocol.partner import Partner
from gateway.protocol.record import OfferState
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.source_run import Run
from gateway.protocol.statistics import Dimension
from gateway.store.deliveries import DeliverySummary
from gateway.store.statistics import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationFacts:
    """An offer that was moderated, or whose moderation ended: its state, None if it has none, and receipts of it,
    oldest first, those of the moderation among them.
    """

    id: str
    state: OfferState | None
    receipts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFacts:
    """Refused offers of some days, newest first: documents refused at the door, of which few are named, and refused
    receipts; ``more``: whether there may be further receipts.
    """

    documents: Sequence[RefusedDocument]
    receipts: Sequence[Mapping[str, Any]]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayFacts:
    """How a platform does. ``every_ms``: between two runs of its feed, None where it publishes by itself. ``rules``:
    refusals of this week by rule, and ``refused`` some of them by name; ``days``: of thirty days, by day and verdict;
    ``moderations``: of thirty days, the newest offers. ``paused_at``: since when the operator has its feed paused (ms).
    """

    now: int
    live: int
    run: Run | None
    every_ms: int | None
    deliveries: DeliverySummary | None
    rules: Sequence[Count]
    days: Sequence[Count]
    refused: RefusedFacts
    moderations: Sequence[ModerationFacts]
    paused_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    """Some offers of a platform. ``examined``: how many were compared with the searched text; ``further``: where the
    search goes on, None at the end.
    """

    offers: Sequence[OfferState]
    examined: int
    further: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFacts:
    """One offer: its state, None where only receipts are left; its receipts, oldest first; its delivery; the ids of its
    possible duplicates; whether there are older receipts than these; and ``refused``: its refusals at the door.
    """

    state: OfferState | None
    receipts: Sequence[Mapping[str, Any]]
    delivery: Delivery | None
    duplicates: Sequence[str]
    more: bool
    refused: Sequence[RefusedDocument] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFacts:
    """The deliveries of a platform: their numbers by state, and some of one state."""

    summary: DeliverySummary | None
    listed: Sequence[Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPort:
    """The functions. ``ready``: whether the views have caught up; none of the others is called before. ``required``:
    the first day on which publishing needs a certificate.
    """

    clock: Callable[[], int]
    ready: Callable[[], bool]
    required: date | None
    today: Callable[[str], Awaitable[TodayFacts]]
    offers: Callable[[str, str, str | None], Awaitable[OfferPage]]
    history: Callable[[Partner, str], Awaitable[HistoryFacts | None]]
    deliveries: Callable[[str, str], Awaitable[DeliveryFacts]]
    counts: Callable[[str, date, date, Collection[Dimension]], Awaitable[Sequence[Count]]]
    refused: Callable[[str, date, date], Awaitable[RefusedFacts]]
    rotate: Callable[[Signed, str, int], Awaitable[tuple[Signed, MintedSecret] | None]]
