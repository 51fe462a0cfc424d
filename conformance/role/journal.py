"""Journal of a publisher's submissions to the fake gateway, with outcomes and invariants over all of them. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import orjson

from conformance.model.result import Finding
from conformance.words import Texts, plain, say

SendKind: TypeAlias = Literal["publish", "withdraw"]
SendOutcome: TypeAlias = Literal["accepted", "duplicate", "stale", "rejected", "refused", "unknown", "lost"]
"""``unknown``: answered 503 or 429, not stored; ``lost``: stored, but the answer did not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One submission. ``at`` is in seconds on a monotonic clock; ``wait`` is the answer's Retry-After in seconds."""

    id: str
    revision: int
    outcome: SendOutcome
    at: float
    kind: SendKind = "publish"
    document: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    wait: float = 0.0


@dataclass(slots=True)
class SubmissionJournal:
    """Submissions in order of arrival (``sent``); state of each offer (``states``): revision, digest, live."""

    platform: str
    sent: list[Sent] = field(default_factory=list)
    states: dict[str, tuple[int, str, bool]] = field(default_factory=dict)

    def decide(self, offer_id: str, revision: int, digest: str, *, live: bool) -> SendOutcome:
        """The decision of a gateway on a revision; an accepted one becomes the offer's state."""
        known = self.states.get(offer_id)
        if known is not None and revision <= known[0]:
            if revision < known[0]:
                return "stale"
            return "duplicate" if (digest, live) == known[1:] else "rejected"
        self.states[offer_id] = (revision, digest, live)
        return "accepted"

    def of(self, offer_id: str) -> dict[str, Any]:
        """The summary of one offer that a case's matchers apply to."""
        sent = [each for each in self.sent if each.id == offer_id]
        known = self.states.get(offer_id)
        last = sent[-1] if sent else None
        return {
            "sends": len(sent),
            "accepted": len({each.revision for each in sent if each.outcome in {"accepted", "lost"}}),
            "outcomes": [each.outcome for each in sent],
            "state": "unknown" if known is None else "live" if known[2] else "withdrawn",
            "last": None if last is None else {"kind": last.kind, "revision": last.revision, "document": last.document},
        }


def digest_of(document: dict[str, Any]) -> str:
    """Digest of a document without its revision. Local to the kit: it compares submissions of one publisher only."""
    content = {key: value for key, value in document.items() if key != "revision"}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check_invariant(journal: SubmissionJournal, what: str) -> list[Finding]:
    """The findings of one invariant over all submissions. Raises KeyError for an unknown invariant."""
    return list(_INVARIANTS[what](journal))


def _accepted_documents(journal: SubmissionJournal) -> Iterator[Finding]:
    for each in journal.sent:
        if each.problems:
            yield Finding(_revision(each), say("sound-document"), plain(", ".join(each.problems)))


def _own_slug(journal: SubmissionJournal) -> Iterator[Finding]:
    for each in journal.sent:
        if not each.id.startswith(f"{journal.platform}:"):
            yield Finding(plain(each.id), say("own-id", platform=journal.platform), plain(each.id))


def _growing_revisions(journal: SubmissionJournal) -> Iterator[Finding]:
    for each in journal.sent:
        if each.outcome in {"stale", "rejected"}:
            yield Finding(_revision(each), say("growing-revision"), plain(each.outcome))


def _resending(journal: SubmissionJournal) -> Iterator[Finding]:
    """A submission without a decision (503, or no answer) is sent again until it is decided."""
    for sent in _by_offer(journal.sent):
        if sent[-1].outcome in {"unknown", "lost"}:
            yield Finding(_revision(sent[-1]), say("sent-again"), say("not-sent-again"))


def _retry_after(journal: SubmissionJournal) -> Iterator[Finding]:
    """Each retry waits for Retry-After, with a tolerance of 10 %."""
    for sent in _by_offer(journal.sent):
        for before, after in pairwise(sent):
            if before.wait and after.at - before.at < before.wait * _TOLERANCE:
                waited = plain(f"{after.at - before.at:.2f} s")
                yield Finding(_revision(after), say("waiting", seconds=f"{before.wait:.0f}"), waited)


_TOLERANCE = 0.9


def _revision(sent: Sent) -> Texts:
    return say("revision", id=sent.id, revision=sent.revision)


def _by_offer(sent: Sequence[Sent]) -> Iterator[list[Sent]]:
    for offer_id in dict.fromkeys(each.id for each in sent):
        yield [each for each in sent if each.id == offer_id]


_INVARIANTS = {
    "documents": _accepted_documents,
    "slug": _own_slug,
    "revisions": _growing_revisions,
    "resending": _resending,
    "patience": _retry_after,
}
