"""What the page of the national site needs of the gateway."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.operate.desk import Desk
from gateway.operate.national import Ordered
from gateway.partners.sign_in import Signed
from gateway.protocol.delivery import Delivery
from gateway.protocol.partner import Partner
from gateway.protocol.seal import Seal
from gateway.store.deliveries import DeliverySummary

Notes = Mapping[str, Mapping[str, Any]]
"""By account, the last note of its owner."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """The calls that would be made for an account: by kind, the parts by state, and their problems by code."""

    account: str
    queue: Mapping[str, int]
    states: Mapping[str, int]
    codes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalPort:
    """The functions. ``ready``: whether the view has caught up; ``connected``: whether accounts are set;
    ``per_minute``: the calls that the site allows an account. ``plan`` is None while it is still computed, and raises
    PlanError. ``answer``: to an order that was placed, after a moment; None if the log does not hold the order any
    more.
    """

    clock: Callable[[], int]
    ready: Callable[[], bool]
    connected: bool
    per_minute: int
    notes: Callable[[], Awaitable[Notes]]
    summaries: Callable[[], Awaitable[Mapping[str, DeliverySummary]]]
    listed: Callable[[str, str, int], Awaitable[Sequence[Delivery]]]
    partners: Callable[[], Sequence[Partner]]
    plan: Callable[[], Awaitable[Sequence[AccountPlan] | None]]
    answer: Callable[[Ordered], Awaitable[Ordered | None]]
    desk: Callable[[Signed, str | None], Desk]
    seal: Seal


class PlanError(Exception):
    """The plan could not be computed; the log of the gateway says why."""
