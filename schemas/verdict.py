"""The verdict on one document: the result of ``check``."""

from typing import Any, Literal, NamedTuple, TypeAlias

from schemas.rulebook import Problem

Withdrawal: TypeAlias = Literal["filled", "cancelled"]


class Verdict(NamedTuple):
    """Result of a check. ``problems`` holds all problems, errors first; any error means not accepted.

    ``id`` and ``revision`` are set if they are readable and well formed, also when refused. ``document`` is the object
    as decoded, exactly as sent (its digest is computed from it); None if it could not be decoded.
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
