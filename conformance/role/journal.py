"""Journal of a publisher's submissions to the fake gateway, with outcomes and invariants over all of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import Any, Literal, TypeAlias

from conformance.model.result import Deviation
from conformance.words import Texts, code_in_words, joined, plain, say

SendKind: TypeAlias = Literal["publish", "withdraw"]
SendOutcome: TypeAlias = str
"""A verdict, ``refused``, ``unknown`` (answered 503 or 429, not stored), or ``lost`` (stored, but not answered)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSubmission:
    """One submission. ``at`` is in seconds on a monotonic clock; ``wait`` is the answer's Retry-After in seconds."""

    id: str
    revision: int
    outcome: SendOutcome
    at: float
    kind: SendKind = "publish"
    document: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    wait: float = 0.0


MAX_FINDINGS = 1_000
_MAX_SENT = 100_000
_MAX_DOCUMENTS = 2_000


class Sends(list[SentSubmission]):
    """Submissions in order of arrival, in bounded memory: the documents of the last two thousand; none beyond a hundred
    thousand, of which the first are kept.
    """

    def append(self, sent: SentSubmission, /) -> None:
        """Add a submission."""
        if len(self) >= _MAX_SENT:
            return
        super().append(sent)
        old = len(self) - _MAX_DOCUMENTS - 1
        if old >= 0 and self[old].document:
            self[old] = replace(self[old], document={})


@dataclass(slots=True)
class SubmissionJournal:
    """Submissions in order of arrival (``sent``); state of each offer (``states``): revision, digest, live."""

    platform: str
    sent: list[SentSubmission] = field(default_factory=Sends)
    states: dict[str, tuple[int, str, bool]] = field(default_factory=dict)

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


def check_invariant(journal: SubmissionJournal, what: str) -> list[Deviation]:
    """The findings of one invariant over all submissions. Raises KeyError for an unknown invariant."""
    return list(islice(_INVARIANTS[what](journal), MAX_FINDINGS))


def _accepted_documents(journal: SubmissionJournal) -> Iterator[Deviation]:
    """Each document once, however often it was sent."""
    seen: set[tuple[str, int, tuple[str, ...]]] = set()
    for each in journal.sent:
        document = (each.id, each.revision, each.problems)
        if each.problems and document not in seen:
            seen.add(document)
            yield Deviation(_revision(each), say("sound-document"), joined(map(code_in_words, each.problems), ", "))


def _resending(journal: SubmissionJournal) -> Iterator[Deviation]:
    """A submission without a decision (503, or no answer) is sent again until it is decided."""
    for sent in _by_offer(journal.sent):
        if sent[-1].outcome in {"unknown", "lost"}:
            yield Deviation(_revision(sent[-1]), say("sent-again"), say("not-sent-again"))


def _retry_after(journal: SubmissionJournal) -> Iterator[Deviation]:
    """Each retry waits for Retry-After, with a tolerance of 10 %."""
    for sent in _by_offer(journal.sent):
        for before, after in pairwise(sent):
            # Two of one request are no repetition.
            if before.wait and before.at < after.at < before.at + before.wait * _TOLERANCE:
                waited = plain(f"{after.at - before.at:.2f} s")
                yield Deviation(_revision(after), say("waiting", seconds=f"{before.wait:.0f}"), waited)


_TOLERANCE = 0.9


def _revision(sent: SentSubmission) -> Texts:
    return say("revision", id=sent.id, revision=sent.revision)


def _by_offer(sent: Sequence[SentSubmission]) -> Iterator[list[SentSubmission]]:
    grouped: dict[str, list[SentSubmission]] = {}
    for each in sent:
        grouped.setdefault(each.id, []).append(each)
    yield from grouped.values()


_INVARIANTS = {
    "documents": _accepted_documents,
    "resending": _resending,
    "patience": _retry_after,
}
