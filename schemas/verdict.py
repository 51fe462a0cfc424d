"""The verdict on one document: what ``check`` found, and what follows from it."""

from typing import Any, Literal, NamedTuple, TypeAlias

from schemas.rulebook import Problem

Withdrawal: TypeAlias = Literal["filled", "cancelled"]


class Verdict(NamedTuple):
    """What was found. ``problems`` holds all of them at once, errors first; any error means not accepted.

    ``id`` and ``revision`` are given as far as they could be read and are well formed, also when refused. ``document``
    is the object as decoded, exactly as sent (its digest is taken from it); None when it could not be decoded.
    ``offer`` is a normalised and redacted copy with ``stay_weeks`` and ``expires_on`` filled in; ``territory`` is
    ``{"department", "region", "academie"}``; ``expires_on`` an ISO date: these three only for an accepted offer.
    ``withdrawal`` is the reason of an accepted withdrawal.
    """

    accepted: bool
    problems: tuple[Problem, ...] = ()
    id: str | None = None
    revision: int | None = None
    document: dict[str, Any] | None = None
    offer: dict[str, Any] | None = None
    territory: dict[str, Any] | None = None
    expires_on: str | None = None
    withdrawal: Withdrawal | None = None
