"""Journal of a publisher's submissions to the fake gateway, with their outcomes. Pure."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

SendOutcome: TypeAlias = str
"""A verdict, ``refused``, ``unknown`` (answered 503 or 429, not stored), or ``lost`` (stored, but not answered)."""
_MAX_SENT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSubmission:
    """One submission. ``content`` is the digest of a publication, ``reason`` that of a withdrawal; ``at`` is in seconds
    on a monotonic clock; ``wait`` is the answer's Retry-After in seconds.
    """

    id: str
    revision: int
    outcome: SendOutcome
    at: float
    content: str = ""
    reason: str | None = None
    problems: tuple[str, ...] = ()
    wait: float = 0.0


@dataclass(slots=True)
class SubmissionJournal:
    """Submissions in order of arrival (``sent``), the first hundred thousand; revision of each offer, and whether it is
    live (``states``).
    """

    platform: str
    sent: list[SentSubmission] = field(default_factory=list)
    states: dict[str, tuple[int, bool]] = field(default_factory=dict)

    def note(self, sent: SentSubmission) -> None:
        """Record a submission."""
        if len(self.sent) < _MAX_SENT:
            self.sent.append(sent)

    def of(self, offer_id: str) -> dict[str, Any]:
        """The summary of one offer that a case's matchers apply to."""
        sent = [each for each in self.sent if each.id == offer_id]
        known = self.states.get(offer_id)
        return {
            "outcomes": [each.outcome for each in sent],
            "state": "unknown" if known is None else "live" if known[1] else "withdrawn",
            "last": {"revision": sent[-1].revision, "reason": sent[-1].reason} if sent else None,
        }
