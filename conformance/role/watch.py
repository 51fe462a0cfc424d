"""Watches: what must hold of all that a publisher sent, and of the orders behind it. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TypeAlias

from conformance.model.result import Deviation
from conformance.role.journal import SentSubmission, SubmissionJournal
from conformance.role.traffic import ExecutedOrder, Request, Traffic, TrafficItem
from conformance.words import Texts, code_in_words, joined, plain, say

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_CONTRACT = frozenset({400, 403, 404, 405, 411, 413, 414, 415, 417, 431, 505})
"""Statuses of requests that do not follow the contract, or are not allowed."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_SET_CODES = frozenset({"body-truncated", "body-malformed", "batch-empty"})
_MARGIN_SECONDS = 1.0
"""An order that was executed so long before a mark is part of what the platform stores."""
_RACE_SECONDS = 5.0
_REPETITIONS = 5
_TOLERANCE = 0.9
_MAX_FINDINGS = 1_000


def check_watch(what: str, traffic: Traffic, journal: SubmissionJournal, *, since: float) -> list[Deviation]:
    """The findings of one watch; some cover requests from ``since`` on only. Raises KeyError for an unknown watch."""
    return list(islice(_WATCHES[what](Seen(traffic, journal, since)), _MAX_FINDINGS))


@dataclass(frozen=True, slots=True)
class Seen:
    """The observations of a run; a watch of requests covers those from ``since`` on."""

    traffic: Traffic
    journal: SubmissionJournal
    since: float

    def requests(self) -> Iterator[Request]:
        """The requests that the watch covers."""
        return self.traffic.since(self.since)


def _requests(run: Seen) -> Iterator[Deviation]:
    """Each request follows the contract: no answer of 4xx but those that sound requests get too."""
    for request in run.requests():
        if request.method == "DELETE" and request.size:
            yield Deviation(_line(request), say("no-content"), say("bytes", number=request.size))
        elif request.method == "PUT" and any(item.kind == "withdraw" for item in request.items):
            yield Deviation(_line(request), say("withdrawal-by-delete"), say("withdrawal-by-put"))
        elif request.method not in _READING and (request.status in _CONTRACT or request.code in _SET_CODES):
            yield Deviation(_line(request), say("request-taken"), plain(f"{request.status} {request.code}".strip()))


def _dry_runs(run: Seen) -> Iterator[Deviation]:
    """An offer that was ordered is not merely checked."""
    for offer_id in dict.fromkeys(each.id for each in run.traffic.done):
        dry = any(item.id == offer_id for request in run.traffic.requests if request.dry for item in request.items)
        if dry and not any(item.kind == "publish" for _, item in run.traffic.sends(offer_id)):
            yield Deviation(plain(offer_id), say("publication"), say("dry-run-only"))


def _contacts(run: Seen) -> Iterator[Deviation]:
    found = {(item.id, code): None for request in run.requests() for item in request.items for code in item.contacts}
    for offer_id, code in found:
        yield Deviation(plain(offer_id), say("no-contacts"), plain(code))


def _slug(run: Seen) -> Iterator[Deviation]:
    ids = [item.id for request in run.requests() for item in request.items] + [each.id for each in run.journal.sent]
    for offer_id in dict.fromkeys(ids):
        if ":" in offer_id and not offer_id.startswith(f"{run.journal.platform}:"):
            yield Deviation(plain(offer_id), say("own-id", platform=run.journal.platform), plain(offer_id))


def _keys(run: Seen) -> Iterator[Deviation]:
    """An Idempotency-Key is visible ASCII, and belongs to one content at one address."""
    used: dict[str, tuple[str, str]] = {}
    for request in run.requests():
        if request.key is None:
            continue
        if not _KEY.fullmatch(request.key):
            yield Deviation(_line(request), say("key-form"), plain(request.key[:150]))
        content = (f"{request.path}?{sorted(request.query.items())}", request.digest)
        if used.setdefault(request.key, content) != content:
            yield Deviation(_line(request), say("key-of-its-own"), plain(request.key[:150]))


def _revisions(run: Seen) -> Iterator[Deviation]:
    """No revision is used for two contents, and none decreases. A submission that is overtaken by a newer one, and one
    that is sent again, may be stale.
    """
    first: dict[tuple[str, int], tuple[float, tuple[str, str | None]]] = {}
    highest: dict[str, tuple[int, float]] = {}
    for each in run.journal.sent:
        content = (each.content, each.reason)
        at, before = first.setdefault((each.id, each.revision), (each.at, content))
        if each.outcome == "rejected" and before != content:
            yield Deviation(_revision(each), say("growing-revision"), plain(each.outcome))
        above, above_at = highest.get(each.id, (0, each.at))
        if each.outcome == "stale" and each.revision < above and at == each.at:
            ordered = [done for done in run.traffic.done if done.id == each.id]
            late = ordered[-1].began > above_at if ordered else each.at - above_at > _RACE_SECONDS
            if late:
                yield Deviation(_revision(each), say("growing-revision"), plain(each.outcome))
        if each.revision > above:
            highest[each.id] = (each.revision, each.at)


def _sets(run: Seen) -> Iterator[Deviation]:
    """A set holds what the platform had when its mark was answered: each order executed before shows in it."""
    marks = {
        request.mark: request.answered_at
        for request in run.traffic.requests
        if request.mark and not request.is_set and request.answered_at is not None
    }
    for upload in run.requests():
        marked = marks.get(upload.mark)
        if not upload.is_set or marked is None or upload.count is None:
            continue
        for offer_id in dict.fromkeys(each.id for each in run.traffic.done):
            orders = [each for each in run.traffic.done if each.id == offer_id and each.began <= upload.at]
            yield from _compare_offer(upload, orders, marked - _MARGIN_SECONDS)


def _compare_offer(upload: Request, orders: list[ExecutedOrder], before: float) -> Iterator[Deviation]:
    """The findings of one offer in a set, by the orders that were executed before a time, and later ones."""
    known = [each for each in orders if each.ended <= before]
    if not known:
        return
    last, later = known[-1], {each.action for each in orders[len(known) :]}
    item = next((each for each in upload.items if each.id == last.id), None)
    location = say("in-the-set", id=last.id)
    if last.action == "withdraw":
        if item is not None and "create" not in later:
            yield Deviation(location, say("not-in-the-set"), say("revision", id=item.id, revision=item.revision))
    elif item is None:
        if "withdraw" not in later:
            yield Deviation(location, say("live-in-the-set"), say("it-is-not"))
    elif last.action == "change" and item.revision <= last.revision:
        yield Deviation(location, say("newer-than", revision=last.revision), plain(item.revision))


def _whole_sets(run: Seen) -> Iterator[Deviation]:
    for request in run.requests():
        if request.is_set and request.status == 422:
            yield Deviation(_line(request), say("whole-set"), plain(request.code))


def _marks(run: Seen) -> Iterator[Deviation]:
    """Each set has a mark of its own that the gateway issued; it is used again only while its outcome is unknown."""
    settled: set[str] = set()
    for request in run.requests():
        if not request.is_set:
            continue
        if request.code in {"mark-invalid", "parameter-missing"}:
            yield Deviation(_line(request), say("mark-issued"), plain(request.code))
        elif request.code == "stale-mark" and request.mark in settled:
            yield Deviation(_line(request), say("mark-of-its-own"), plain(request.code))
        if request.status in {200, 202}:
            settled.add(request.mark)


def _guard(run: Seen) -> Iterator[Deviation]:
    """``confirm`` is the number of offers that the platform withdraws; a stale mark is not sent again and again."""
    repeated: Counter[str] = Counter()
    for request in run.requests():
        if not request.is_set:
            continue
        confirm = request.query.get("confirm")
        if confirm is not None and confirm != str(request.gone):
            yield Deviation(_line(request), say("confirms", number=request.gone), plain(confirm))
        if not request.items and request.gone and _live(run.traffic, request.at):
            yield Deviation(_line(request), say("no-empty-set"), plain(request.code or request.status))
        repeated[request.mark] += request.code == "stale-mark"
    for times in repeated.values():
        if times > _REPETITIONS:
            yield Deviation(say("stale-mark-again"), say("not-repeated"), say("times", times=times))


def _live(traffic: Traffic, at: float) -> bool:
    """Whether an offer is live by the orders executed a while before."""
    last = {each.id: each.action for each in traffic.done if each.ended <= at - _MARGIN_SECONDS}
    begun = {each.id for each in traffic.done if each.ended > at - _MARGIN_SECONDS}
    return any(action != "withdraw" for offer_id, action in last.items() if offer_id not in begun)


def _one_at_a_time(run: Seen) -> Iterator[Deviation]:
    uploads = [request for request in run.requests() if request.is_set]
    for index, later in enumerate(uploads):
        for earlier in uploads[:index]:
            open_still = earlier.answered_at is None or earlier.answered_at > later.at
            if open_still and earlier.mark != later.mark:
                yield Deviation(_line(later), say("one-set-at-a-time"), say("set-still-open", mark=earlier.mark[:20]))


def _accepted_documents(run: Seen) -> Iterator[Deviation]:
    """Each document once, however often it was sent."""
    seen: set[tuple[str, int, tuple[str, ...]]] = set()
    for each in run.journal.sent:
        document = (each.id, each.revision, each.problems)
        if each.problems and document not in seen:
            seen.add(document)
            yield Deviation(
                _revision(each),
                say("sound-document"),
                joined(map(code_in_words, each.problems), ", "),
            )


def _resending(run: Seen) -> Iterator[Deviation]:
    """A submission without a decision (503, or no answer) is sent again until it is decided."""
    for sent in _by_offer(run.journal.sent):
        if sent[-1].outcome in {"unknown", "lost"}:
            yield Deviation(_revision(sent[-1]), say("sent-again"), say("not-sent-again"))


def _retry_after(run: Seen) -> Iterator[Deviation]:
    """Each retry waits for Retry-After, with a tolerance of 10 %."""
    for sent in _by_offer(run.journal.sent):
        for before, after in pairwise(sent):
            # Two of one request are no repetition.
            if before.wait and before.at < after.at < before.at + before.wait * _TOLERANCE:
                waited = plain(f"{after.at - before.at:.2f} s")
                yield Deviation(_revision(after), say("waiting", seconds=f"{before.wait:.0f}"), waited)


def _by_offer(sent: Sequence[SentSubmission]) -> Iterator[list[SentSubmission]]:
    grouped: dict[str, list[SentSubmission]] = {}
    for each in sent:
        grouped.setdefault(each.id, []).append(each)
    yield from grouped.values()


def _line(request: Request) -> Texts:
    return plain(f"{request.method} {request.path}")


def _revision(sent: SentSubmission) -> Texts:
    return say("revision", id=sent.id, revision=sent.revision)


def distinct_revisions(sends: Iterator[tuple[Request, TrafficItem]]) -> int:
    """The number of different revisions among submissions."""
    return len({(item.kind, item.revision) for _, item in sends})


_Watch: TypeAlias = Callable[[Seen], Iterator[Deviation]]
_WATCHES: Mapping[str, _Watch] = {
    "requests": _requests,
    "dry-runs": _dry_runs,
    "contacts": _contacts,
    "slug": _slug,
    "keys": _keys,
    "revisions": _revisions,
    "sets": _sets,
    "whole-sets": _whole_sets,
    "marks": _marks,
    "guard": _guard,
    "one-at-a-time": _one_at_a_time,
    "documents": _accepted_documents,
    "resending": _resending,
    "patience": _retry_after,
}
OF_SETS = frozenset({"sets", "whole-sets", "marks", "guard", "one-at-a-time"})
"""Watches of snapshots: they say nothing about a platform that sends none."""
