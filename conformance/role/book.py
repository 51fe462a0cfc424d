"""The book: all that a publisher sent to the kit's gateway, what was answered, and what must be true of it. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import orjson

from conformance.model.result import Finding
from conformance.words import Texts, plain, say

Kind: TypeAlias = Literal["publish", "withdraw"]
Outcome: TypeAlias = Literal["accepted", "duplicate", "stale", "rejected", "refused", "unknown", "lost"]
"""``unknown``: answered 503 or 429, not kept; ``lost``: kept, but the answer did not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One submission. ``at`` is in seconds on a steady clock; ``wait`` is what the answer asked for (Retry-After)."""

    id: str
    revision: int
    kind: Kind
    digest: str
    document: dict[str, Any]
    outcome: Outcome
    problems: tuple[str, ...]
    at: float
    wait: float = 0.0


@dataclass(slots=True)
class Book:
    """The submissions in the order they came, and what stands of each offer: revision, digest, whether it is live."""

    platform: str
    sent: list[Sent] = field(default_factory=list)
    standing: dict[str, tuple[int, str, bool]] = field(default_factory=dict)

    def decide(self, offer_id: str, revision: int, digest: str, *, live: bool) -> Outcome:
        """What a gateway decides, and its taking effect."""
        known = self.standing.get(offer_id)
        if known is not None and revision <= known[0]:
            if revision < known[0]:
                return "stale"
            return "duplicate" if (digest, live) == known[1:] else "rejected"
        self.standing[offer_id] = (revision, digest, live)
        return "accepted"

    def of(self, offer_id: str) -> dict[str, Any]:
        """What a case may ask of one offer."""
        sent = [each for each in self.sent if each.id == offer_id]
        known = self.standing.get(offer_id)
        last = sent[-1] if sent else None
        return {
            "sends": len(sent),
            "accepted": len({each.revision for each in sent if each.outcome in {"accepted", "lost"}}),
            "outcomes": [each.outcome for each in sent],
            "state": "unknown" if known is None else "live" if known[2] else "withdrawn",
            "last": None if last is None else {"kind": last.kind, "revision": last.revision, "document": last.document},
        }


def digest_of(document: dict[str, Any]) -> str:
    """Tells contents apart; the kit only compares what one publisher sent with itself."""
    content = {key: value for key, value in document.items() if key != "revision"}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def watch(book: Book, what: str) -> list[Finding]:
    """What is wrong with all that was sent, in one respect. Raises KeyError for one that does not exist."""
    return list(_WATCHES[what](book))


def _accepted_documents(book: Book) -> Iterator[Finding]:
    for each in book.sent:
        if each.problems:
            yield Finding(_revision(each), say("sound-document"), plain(", ".join(each.problems)))


def _own_slug(book: Book) -> Iterator[Finding]:
    for each in book.sent:
        if not each.id.startswith(f"{book.platform}:"):
            yield Finding(plain(each.id), say("own-id", platform=book.platform), plain(each.id))


def _growing_revisions(book: Book) -> Iterator[Finding]:
    for each in book.sent:
        if each.outcome in {"stale", "rejected"}:
            yield Finding(_revision(each), say("growing-revision"), plain(each.outcome))


def _resending(book: Book) -> Iterator[Finding]:
    """What was answered 503, or not at all, comes again until it is decided."""
    for sent in _by_offer(book.sent):
        if sent[-1].outcome in {"unknown", "lost"}:
            yield Finding(_revision(sent[-1]), say("sent-again"), say("not-sent-again"))


def _patience(book: Book) -> Iterator[Finding]:
    """Retry-After is waited for, with a little grace."""
    for sent in _by_offer(book.sent):
        for before, after in pairwise(sent):
            if before.wait and after.at - before.at < before.wait * _GRACE:
                waited = plain(f"{after.at - before.at:.2f} s")
                yield Finding(_revision(after), say("waiting", seconds=f"{before.wait:.0f}"), waited)


_GRACE = 0.9


def _revision(sent: Sent) -> Texts:
    return say("revision", id=sent.id, revision=sent.revision)


def _by_offer(sent: Sequence[Sent]) -> Iterator[list[Sent]]:
    for offer_id in dict.fromkeys(each.id for each in sent):
        yield [each for each in sent if each.id == offer_id]


_WATCHES = {
    "documents": _accepted_documents,
    "slug": _own_slug,
    "revisions": _growing_revisions,
    "resending": _resending,
    "patience": _patience,
}
