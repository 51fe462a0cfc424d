"""The decision: one submission against the known state of its offer. Pure, total, and the same on every replay.

``TRANSITIONS`` is the lifecycle of an offer, for commands whose revision is in order: ``decide`` checks revisions
first. Requirements REV-*, WDR-*.
"""

from functools import lru_cache
from typing import Literal, TypeAlias

from gateway.protocol.identity import GATEWAY, platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.submission import Forget, Known, Lift, Publish, Reason, Retire, Submission, Withdraw
from gateway.protocol.value import value
from gateway.protocol.visibility import Reader

_NONE: frozenset[str] = frozenset()
MARKER_LIFE_MS = 402 * 24 * 3_600_000
"""Lifetime of a withdrawn offer's marker (WDR-005): longer than any offer may still run (400 days)."""

State: TypeAlias = Literal["unknown", "published", "withdrawn", "moderated"]
Command: TypeAlias = Literal["publish", "withdraw", "expire", "absent", "moderate", "lift", "forget"]

TRANSITIONS: dict[tuple[State, Command], State] = {
    ("unknown", "publish"): "published",
    ("unknown", "withdraw"): "withdrawn",
    ("published", "publish"): "published",
    ("published", "withdraw"): "withdrawn",
    ("published", "expire"): "withdrawn",
    ("published", "absent"): "withdrawn",
    ("published", "moderate"): "moderated",
    ("withdrawn", "publish"): "published",
    ("withdrawn", "withdraw"): "withdrawn",
    ("withdrawn", "moderate"): "moderated",
    ("withdrawn", "forget"): "unknown",
    ("moderated", "withdraw"): "moderated",
    ("moderated", "lift"): "withdrawn",
    ("moderated", "forget"): "unknown",
}
"""The next state for each state and command; a pair that is missing is refused."""


def state_of(known: Known | None) -> State:
    """The state that a record of ``offers``, or its absence, represents."""
    if known is None:
        return "unknown"
    if known.reason is None:
        return "published"
    return "moderated" if known.reason == "moderated" else "withdrawn"


def next_state(known: Known | None, command: Command) -> State | None:
    """The state after a command; None when it is refused."""
    return TRANSITIONS.get((state_of(known), command))


@value(frozen=True, slots=True)
class Accepted:
    """The change is made; ``known`` is the new state, or None when the marker was deleted."""

    known: Known | None
    sequence: int
    created: bool = False


@value(frozen=True, slots=True)
class Duplicate:
    """The same change was accepted before: nothing is written but the receipt (REV-003)."""

    known: Known


@value(frozen=True, slots=True)
class Stale:
    """A newer change exists: ignored and reported in the receipt. ``code`` names a rule of the catalogue (REV-005)."""

    known: Known | None
    code: str


@value(frozen=True, slots=True)
class Rejected:
    """Refused; ``code`` names a rule of the catalogue."""

    known: Known | None
    code: str


Decision: TypeAlias = Accepted | Duplicate | Stale | Rejected

_RETIRE: dict[str, Command] = {"expired": "expire", "absent": "absent", "moderated": "moderate"}


def decide(submission: Submission, *, publisher: str, known: Known | None, now: int, position: int) -> Decision:
    """Compare a submission with the known state of its offer.

    ``publisher`` is the proven author (a slug, or ``gateway``); ``now`` the submission's append time in milliseconds;
    ``position`` its offset in its partition of ``submissions``.
    """
    match submission:
        case Publish():
            if publisher != platform_of(submission.id):
                return Rejected(known, "not-owner")
            return _publish(submission, known, now, position)
        case Withdraw():
            if publisher != platform_of(submission.id):
                return Rejected(known, "not-owner")
            return _withdraw(submission, known, now, position)
        case _ if publisher != GATEWAY:
            return Rejected(known, "not-operator")
        case Retire():
            return _retire(submission, known, now, position)
        case Lift():
            return _lift(submission, known, now, position)
        case Forget():
            return _forget(submission, known, now)


def _next_sequence(known: Known | None, now: int) -> int:
    """Strictly above the last one and never below the append time, so that it grows across a tombstone (REV-007)."""
    return now if known is None else max(known.sequence + 1, now)


def _publish(submission: Publish, known: Known | None, now: int, position: int) -> Decision:
    reopens = False
    if known is not None:
        reopens = _reopens(submission, known)
        if submission.revision < known.revision:
            return Stale(known, "older-revision")
        if submission.revision == known.revision and not reopens:
            if submission.digest != known.digest:
                return Rejected(known, "revision-reused")
            return Duplicate(known) if known.published else Stale(known, f"withdrawn-{known.reason}")
    if next_state(known, "publish") is None:
        return Rejected(known, "moderated")
    if submission.expires_on < paris_date(now):
        return Rejected(known, "already-expired")
    shared, never = (known.shared, known.never) if known else (_NONE, _NONE)
    accepted = Known(
        revision=submission.revision,
        digest=submission.digest,
        sequence=_next_sequence(known, now),
        position=position,
        appended_at=now,
        expires_on=submission.expires_on,
        provenance=submission.provenance,
        shared=_ever_shared(shared, submission.audiences),
        never=_never(never, shared, submission.audiences, submission.provenance),
    )
    return Accepted(accepted, accepted.sequence, created=known is None or not known.published)


@lru_cache(maxsize=1_024)
def _ever_shared(shared: frozenset[str], audiences: tuple[str, ...]) -> frozenset[str]:
    """The audiences that were ever allowed to see the offer."""
    return shared.union(audiences)


@lru_cache(maxsize=1_024)
def _never(
    never: frozenset[str], shared: frozenset[str], audiences: tuple[str, ...], provenance: tuple[str, ...]
) -> frozenset[str]:
    """The platforms to which no revision was shown although their audience saw one (RTE-006): each such revision had
    passed there. A revision that was not for a platform's audience changes nothing for that platform.
    """
    passed = frozenset(provenance)
    return frozenset(
        platform
        for platform in passed | never
        if (platform in passed or Reader(platform).audience not in audiences)
        and (platform in never or Reader(platform).audience not in shared)
    )


def _reopens(submission: Publish, known: Known) -> bool:
    """Whether a snapshot item restores an absent offer (WDR-008): same content, marker older than the mark."""
    return (
        known.reason == "absent"
        and submission.mark is not None
        and known.position < submission.mark
        and submission.revision == known.revision
        and submission.digest == known.digest
    )


def _withdraw(submission: Withdraw, known: Known | None, now: int, position: int) -> Decision:
    if known is not None:
        if submission.revision < known.revision:
            return Stale(known, "older-revision")
        if submission.revision == known.revision:
            return Duplicate(known) if submission.digest == known.digest else Rejected(known, "revision-reused")
    stays_moderated = next_state(known, "withdraw") == "moderated"
    reason = "moderated" if stays_moderated else submission.reason
    return _mark(known, submission.revision, submission.digest, reason, now, position)


def _retire(submission: Retire, known: Known | None, now: int, position: int) -> Decision:
    command = _RETIRE[submission.reason]
    if known is None or next_state(known, command) is None or known.revision != submission.if_revision:
        return Stale(known, "changed-meanwhile")
    if submission.before is not None and known.position >= submission.before:
        return Stale(known, "changed-meanwhile")
    if submission.reason == "expired" and known.expires_on is not None and known.expires_on >= paris_date(now):
        return Stale(known, "changed-meanwhile")
    return _mark_unchanged(known, submission.reason, now, position)


def _lift(submission: Lift, known: Known | None, now: int, position: int) -> Decision:
    """A lifted moderation leaves an ``absent`` marker: a snapshot reopens it, or a PUT with a higher revision."""
    if known is None or next_state(known, "lift") is None or known.revision != submission.if_revision:
        return Stale(known, "changed-meanwhile")
    return _mark_unchanged(known, "absent", now, position)


def _mark_unchanged(known: Known, reason: Reason, now: int, position: int) -> Accepted:
    """The marker of a change made by the gateway: it keeps the publisher's last revision and content (REV-008)."""
    return _mark(known, known.revision, known.digest, reason, now, position)


def _mark(known: Known | None, revision: int, digest: str, reason: Reason, now: int, position: int) -> Accepted:
    marker = Known(
        revision=revision,
        digest=digest,
        sequence=_next_sequence(known, now),
        position=position,
        appended_at=now,
        reason=reason,
        provenance=known.provenance if known else (),
        shared=known.shared if known else _NONE,
        never=known.never if known else _NONE,
    )
    return Accepted(marker, marker.sequence)


def _forget(submission: Forget, known: Known | None, now: int) -> Decision:
    if known is None or next_state(known, "forget") is None or known.sequence != submission.if_sequence:
        return Stale(known, "changed-meanwhile")
    # A sequence from a clock that was ahead may be beyond now: the one after the marker must be above it (REV-007).
    if now - max(known.appended_at, known.sequence) < MARKER_LIFE_MS:
        return Stale(known, "marker-still-needed")
    return Accepted(None, _next_sequence(known, now))
