"""Delivery to the national site, as pages read it; adapters stay unknown to them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """The calls that would be made for an account: by kind, the parts by state, and their problems by code."""

    account: str
    queue: Mapping[str, int]
    states: Mapping[str, int]
    codes: Mapping[str, int]


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
