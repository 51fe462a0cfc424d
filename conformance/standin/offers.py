"""The offers: their states, the decision on each submission, and what a reader sees of them (REV, WDR, RTE)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, TypeAlias

from conformance.standin.canonical import content_digest
from schemas.masking import without_employer

Outcome: TypeAlias = Literal["accepted", "duplicate", "stale", "rejected"]
_NATIONAL = "national"
_GUARDED, _GUARDED_SHARE = 10, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An accepted verdict, to be decided. ``reason`` is that of a withdrawal; ``before`` is the position of a mark.
    ``gateway``: a change by the gateway itself, which keeps revision and content.
    """

    id: str
    revision: int
    document: Mapping[str, Any]
    offer: Mapping[str, Any] | None = None
    territory: Mapping[str, Any] | None = None
    expires_on: str | None = None
    reason: str | None = None
    before: int | None = None
    gateway: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of an offer: live, or a marker with its ``reason``. ``position`` counts submissions, ``offset``
    changes; ``at`` is in milliseconds since 1970. ``audience``: the platforms with which it was ever shareable.
    """

    id: str
    revision: int
    digest: str
    sequence: int
    position: int
    offset: int
    at: int
    reason: str | None = None
    offer: Mapping[str, Any] | None = None
    territory: Mapping[str, Any] | None = None
    expires_on: str | None = None
    provenance: tuple[str, ...] = ()
    audience: frozenset[str] = frozenset()

    @property
    def platform(self) -> str:
        """The publisher's slug."""
        return self.id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a submission; ``state`` is the offer's after it, ``code`` the rule of a stale or rejected one."""

    outcome: Outcome
    state: State | None
    code: str | None = None
    created: bool = False


class Offers:
    """All offers and the log of their changes. ``hosts`` maps the hosts of platforms to their slugs."""

    def __init__(self, readers: Sequence[str], hosts: Mapping[str, str]) -> None:
        self._readers = readers
        self._hosts = hosts
        self._states: dict[str, State] = {}
        self._log: list[str] = []
        self._expired_on: date | None = None
        self.position = 0
        """The number of submissions so far."""

    @property
    def end(self) -> int:
        """The offset of the next change."""
        return len(self._log)

    def get(self, offer_id: str) -> State | None:
        """The state of an offer; None for an unknown one."""
        return self._states.get(offer_id)

    def changed_from(self, offset: int) -> Iterator[State]:
        """The present states whose last change is at this offset or later, in order."""
        for at in range(offset, len(self._log)):
            state = self._states[self._log[at]]
            if state.offset == at:
                yield state

    def live(self, platform: str) -> list[State]:
        """A platform's live offers."""
        return [state for state in self._states.values() if state.offer is not None and state.platform == platform]

    def decide(self, submission: Submission, *, now: int) -> Decision:
        """Decide one submission and apply it. ``now`` in milliseconds since 1970."""
        known = self._states.get(submission.id)
        digest = known.digest if submission.gateway and known else content_digest(submission.document)
        decision = _decide(submission, known, digest)
        position, self.position = self.position, self.position + 1
        if decision is not None:
            return decision
        reason = submission.reason
        if known is not None and known.reason == "moderated" and reason is not None and not submission.gateway:
            reason = "moderated"
        state = State(
            id=submission.id,
            revision=submission.revision,
            digest=digest,
            sequence=now if known is None else max(known.sequence + 1, now),
            position=position,
            offset=len(self._log),
            at=now,
            reason=reason,
            provenance=known.provenance if known else (),
            audience=known.audience if known else frozenset(),
        )
        if reason is None and submission.offer is not None:
            provenance = self._provenance(submission.id.partition(":")[0], submission.offer)
            audience = {each for each in self._readers if may_read(each, submission.offer, provenance)}
            state = replace(
                state,
                offer=submission.offer,
                territory=submission.territory,
                expires_on=submission.expires_on,
                provenance=provenance,
                audience=state.audience | audience,
            )
        self._log.append(submission.id)
        self._states[submission.id] = state
        created = state.offer is not None and (known is None or known.offer is None)
        return Decision("accepted", state, created=created)

    def foresee(self, submission: Submission) -> Outcome:
        """What the decision on a submission would be."""
        decision = _decide(submission, self._states.get(submission.id), content_digest(submission.document))
        return "accepted" if decision is None else decision.outcome

    def retire(self, offer_id: str, reason: str, *, now: int, before: int | None = None) -> Decision:
        """A change by the gateway itself: ``expired``, ``absent``, ``moderated``."""
        known = self._states[offer_id]
        command = Submission(
            id=offer_id, revision=known.revision, document={}, reason=reason, before=before, gateway=True
        )
        return self.decide(command, now=now)

    def expire(self, day: date, *, now: int) -> None:
        """Withdraw what has ended before this day (WDR-009). What is published on a day ends on it at the earliest."""
        if day == self._expired_on:
            return
        self._expired_on = day
        ended = [
            state.id
            for state in self._states.values()
            if state.offer is not None and (state.expires_on or "") < day.isoformat()
        ]
        for offer_id in ended:
            self.retire(offer_id, "expired", now=now)

    def _provenance(self, publisher: str, offer: Mapping[str, Any]) -> tuple[str, ...]:
        """The publisher, and the platform on whose host the offer applies (RTE-004)."""
        host = offer["apply_url"].split("/", 3)[2].partition(":")[0].lower().removeprefix("www.")
        passed = self._hosts.get(host)
        return (publisher,) if passed in {None, publisher} else (publisher, str(passed))


def _decide(submission: Submission, known: State | None, digest: str) -> Decision | None:
    """The decision that changes nothing; None where the submission is accepted."""
    if known is None:
        return None
    if submission.gateway:
        late = submission.before is not None and known.position >= submission.before
        return Decision("stale", known, "changed-meanwhile") if known.offer is None or late else None
    reopens = (
        submission.reason is None
        and known.reason == "absent"
        and submission.before is not None
        and known.position < submission.before
        and (submission.revision, digest) == (known.revision, known.digest)
    )
    if submission.revision < known.revision:
        return Decision("stale", known, "older-revision")
    if submission.revision == known.revision and not reopens:
        if digest != known.digest:
            return Decision("rejected", known, "revision-reused")
        if submission.reason is None and known.reason is not None:
            return Decision("stale", known, f"withdrawn-{known.reason}")
        return Decision("duplicate", known)
    if known.reason == "moderated" and submission.reason is None:
        return Decision("rejected", known, "moderated")
    return None


def needs_confirmation(gone: int, live: int) -> bool:
    """Whether so many withdrawals at once need ``confirm`` (PUB-028)."""
    return gone >= _GUARDED and gone > live * _GUARDED_SHARE


def may_read(platform: str, offer: Mapping[str, Any], provenance: Sequence[str]) -> bool:
    """Whether a live offer goes out to a platform (RTE-002, RTE-003), if reserved for schools not to the national site
    (NAT-002).
    """
    audience = "national" if platform == _NATIONAL else "regions"
    if platform == _NATIONAL and "schools" in offer.get("restrictions", ()):
        return False
    return platform not in provenance and offer.get("redistribution", {}).get(audience, True)


def masked(offer: Mapping[str, Any], *, reader: str, publisher: str) -> Mapping[str, Any]:
    """The offer as a reader sees it, its employer hidden where its publisher asks so (RTE-005)."""
    hidden = reader != publisher and offer.get("redistribution", {}).get("mask_employer", False)
    return without_employer(offer) if hidden else offer
