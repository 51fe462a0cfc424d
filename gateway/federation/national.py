"""Delivery to the national site, as pages read it; adapters stay unknown to them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.protocol.delivery import AccountPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalSite:
    """``connected``: whether accounts are set; ``per_minute``: the calls that the site allows an account; ``plan``: the
    plan of each account, None while it is still computed. It raises PlanError.
    """

    connected: bool
    per_minute: int
    plan: Callable[[], Awaitable[Sequence[AccountPlan] | None]]


class PlanError(Exception):
    """The plan could not be computed; the log of the gateway says why."""
