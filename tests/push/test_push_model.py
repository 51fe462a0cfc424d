"""A model of sender and receiver: after any faults and crashes the receiver's copy equals the feed.

The sender is the pure core with a store that keeps what was committed. A push that was announced may
arrive, be lost, or arrive late from an owner that ended, as long as its deadline allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.protocol.cursor import FRESH_MS
from gateway.protocol.push import (
    DEADLINE_MS,
    PushOutcome,
    PushPage,
    PushProgress,
    announce,
    follow,
    must_send,
    passed,
    scope_of,
    settle,
)
from gateway.protocol.subscription import Subscription
from gateway.protocol.visibility import Filter

IDS = 2
PARTITIONS = 2
SCOPE = scope_of("normandie", Filter(), "L")


@dataclass
class Feed:
    """The offers: by id its partition, offset, sequence, and whether it is live. One record an id, as compaction."""

    records: dict[int, tuple[int, int, int, bool]] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    ends: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    sequence: int = 0

    def put(self, offer: int, *, live: bool, now: int) -> None:
        partition = offer % PARTITIONS
        if not live and offer not in self.records:
            return
        self.sequence += 1
        self.removed.pop(offer, None)
        if not live:
            self.removed[offer] = now
        self.records[offer] = (partition, self.ends[partition], self.sequence, live)
        self.ends[partition] += 1

    def forget(self, now: int) -> None:
        """Markers of removals do not last."""
        for offer in [one for one, at in self.removed.items() if now - at > FRESH_MS]:
            del self.removed[offer], self.records[offer]

    def page(self, progress: PushProgress, *, now: int, limit: int) -> PushPage:
        positions, changes = list(progress.positions), list[dict[str, Any]]()
        waiting = sorted((p, offset, offer) for offer, (p, offset, _, _) in self.records.items())
        stopped = set[int]()
        for partition, offset, offer in waiting:
            if offset < progress.positions[partition] or partition in stopped:
                continue
            if len(changes) == limit:
                stopped.add(partition)
                continue
            _, _, sequence, live = self.records[offer]
            if live or offset >= progress.began[partition]:
                changes.append({"op": "upsert" if live else "removal", "id": str(offer), "sequence": sequence})
            positions[partition] = offset + 1
        for partition in range(PARTITIONS):
            if partition not in stopped:
                positions[partition] = max(positions[partition], self.ends[partition])
        more = any(a < b for a, b in zip(positions, self.ends, strict=True))
        return PushPage(changes=changes, positions=tuple(positions), more=more, fresh=now)

    def live(self) -> dict[str, int]:
        return {str(offer): found[2] for offer, found in self.records.items() if found[3]}


@dataclass
class Receiver:
    """A copy. ``forgets``: it has no memory of removals and of sequences, and applies what comes as it comes."""

    forgets: bool
    copy: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    generation: int = 0
    complete: int = 0

    def take(self, generation: int, page: PushPage) -> None:
        if generation < self.generation:
            return
        fresh = generation > self.generation
        if fresh:
            self.generation, self.named = generation, set()
        for change in page.changes:
            self._apply(change)
            self.named.add(change["id"])
        if not page.more and self.complete < generation:
            self.copy = {one: at for one, at in self.copy.items() if one in self.named}
            self.complete = generation

    def _apply(self, change: Any) -> None:
        offer, sequence = change["id"], change["sequence"]
        if not self.forgets:
            if offer in self.named and sequence <= self.sequences.get(offer, 0):
                return
            self.sequences[offer] = sequence
        if change["op"] == "upsert":
            self.copy[offer] = sequence
        else:
            self.copy.pop(offer, None)


class Sender:
    """An owner after another: each has in memory what the one before it has committed."""

    def __init__(self, feed: Feed, receivers: Sequence[Receiver]) -> None:
        self.feed, self.receivers = feed, receivers
        self.settings = Subscription(id="a", name="copie", url="https://example.org/")
        self.stored: PushProgress | None = None
        self.now = 1_000_000
        self.flying: tuple[int, int, PushPage] | None = None
        self.limit = 3

    def step(self, fault: str) -> bool:
        """One push with a fault, or None where there is nothing to push."""
        progress = follow(self.stored, self.settings, SCOPE, ends=tuple(self.feed.ends), now=self.now)
        if progress.stopped is not None:
            self.settings = replace(self.settings, enables=self.settings.enables + 1)
            return True
        self.now = max(self.now, progress.due_at)
        page = self.feed.page(progress, now=self.now, limit=min(self.limit, progress.limit or self.limit))
        if not must_send(progress, page):
            self.stored = passed(progress, page) if fault != "crash-before" else self.stored
            return bool(page.more)
        if fault == "crash-before":
            return True
        self.stored = announce(progress, now=self.now)
        if fault == "crash-announced":
            self.flying = self.now + DEADLINE_MS, progress.generation, page
            return True
        statuses = {"ok": 200, "lost": None, "refused": 400, "error-arrived": 500, "crash-arrived": 200}
        status = statuses[fault]
        if fault not in {"lost", "refused"}:
            self.arrive(progress.generation, page)
        if fault == "crash-arrived":
            return True
        outcome = PushOutcome(at=self.now, status=status, reason=None if status else "timeout")
        self.stored = settle(self.stored, page, outcome, gap=100, now=self.now, jitter=0)[0]
        return True

    def land(self) -> None:
        """The push of an owner that ended arrives late, or twice, before its deadline."""
        if self.flying is not None and self.now < self.flying[0]:
            self.arrive(*self.flying[1:])

    def arrive(self, generation: int, page: PushPage) -> None:
        for receiver in self.receivers:
            receiver.take(generation, page)

    def drain(self) -> None:
        for _ in range(200):
            if not self.step("ok"):
                return
        raise AssertionError("the sender does not come to an end")


FAULTS = ("ok", "lost", "refused", "error-arrived", "crash-before", "crash-announced", "crash-arrived")
ACTS = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, IDS - 1)),
    st.tuples(st.just("withdraw"), st.integers(0, IDS - 1)),
    *(st.tuples(st.just("push"), st.just(fault)) for fault in FAULTS),
    st.tuples(st.just("land"), st.none()),
    st.tuples(st.just("replay"), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 8)),
    st.tuples(st.just("again"), st.none()),
)


PUBLISHED, WITHDRAWN, PUSHED = ("publish", 0), ("withdraw", 0), ("push", "ok")
MONTH = [("wait", 8)] * 2


@settings(max_examples=600, deadline=None)
@given(acts=st.lists(ACTS, min_size=8, max_size=60))
@example([PUBLISHED, ("push", "crash-announced"), WITHDRAWN, PUSHED, ("land", None)])
@example([PUBLISHED, PUSHED, WITHDRAWN, *MONTH, PUSHED])
@example([PUBLISHED, PUSHED, WITHDRAWN, *MONTH, ("replay", None), PUSHED])
@example([PUBLISHED, PUSHED, WITHDRAWN, *MONTH, ("again", None), PUSHED])
def test_after_any_faults_the_receiver_equals_the_feed(acts: list[tuple[str, Any]]) -> None:
    """Also a receiver that forgets removals and sequences."""
    feed = Feed()
    receivers = [Receiver(forgets=False), Receiver(forgets=True)]
    sender = Sender(feed, receivers)
    for act, what in acts:
        match act:
            case "publish" | "withdraw":
                feed.put(what, live=act == "publish", now=sender.now)
            case "push":
                sender.step(what)
            case "land":
                sender.land()
            case "replay":
                sender.settings = replace(sender.settings, replays=sender.settings.replays + 1)
            case "wait":
                sender.now += what * 86_400_000
                feed.forget(sender.now)
            case _:  # deleted, and added under its name
                sender.now += 1
                sender.settings = replace(sender.settings, id=sender.settings.id + "x")
    sender.drain()
    for receiver in receivers:
        assert receiver.copy == feed.live()
