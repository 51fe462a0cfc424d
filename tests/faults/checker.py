"""The checker: compares a history with the log's final state, by its own reading of the protocol. Pure.

It shares no code with the gateway: its rules of revisions, withdrawals and order are written here once more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.faults.history import ACKNOWLEDGED, GATEWAY, Attempt, Ending, History, Kind, Reading, Receipt, Standing

Wrong: TypeAlias = Literal["lost", "duplicated", "reordered", "resurrected", "other"]
WRONGS: tuple[Wrong, ...] = ("lost", "duplicated", "reordered", "resurrected", "other")


@dataclass(frozen=True, slots=True)
class Finding:
    """One violated requirement."""

    wrong: Wrong
    sentence: str


def find_violations(history: History, ending: Ending) -> list[Finding]:
    """All findings; empty when every requirement was met."""
    return [
        *_answers(history.attempts, ending.receipts),
        *_numbers(history.attempts, ending.receipts),
        *_order_of_sending(history.attempts, ending.receipts),
        *_offers(history.attempts, ending),
        *_readings(history.readings, ending),
    ]


def _answers(attempts: Sequence[Attempt], receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Every acknowledged submission has its receipt, which agrees with the publisher's answer."""
    by_id = {receipt.receipt: receipt for receipt in receipts}
    known = {(receipt.id, receipt.revision) for receipt in receipts}
    for attempt in attempts:
        name = f"{attempt.id} revision {attempt.revision}"
        if attempt.outcome == "wrong":
            yield Finding("other", f"{name} was answered {attempt.detail}")
        if attempt.outcome == "delivered" and (attempt.id, attempt.revision) not in known:
            yield Finding("lost", f"{name} was delivered to an inbox and has no receipt")
        if attempt.outcome not in {"decided", "queued"}:
            continue
        receipt = by_id.get(attempt.receipt or "")
        if receipt is None:
            yield Finding("lost", f"{name} was acknowledged ({attempt.outcome}) and has no receipt")
        elif (receipt.id, receipt.revision) != (attempt.id, attempt.revision):
            yield Finding("other", f"the receipt of {name} speaks of {receipt.id} revision {receipt.revision}")
        elif attempt.outcome == "decided" and (receipt.verdict, receipt.sequence) != (
            attempt.verdict,
            attempt.sequence,
        ):
            yield Finding(
                "other",
                f"{name} was answered {attempt.verdict} {attempt.sequence}, its receipt says {receipt.verdict} "
                f"{receipt.sequence}",
            )


def _numbers(attempts: Sequence[Attempt], receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """No receipt twice, no submission decided twice, none that was never sent."""
    for receipt, count in Counter(one.receipt for one in receipts).items():
        if count > 1:
            yield Finding("duplicated", f"the receipt {receipt} is there {count} times")
    for position, count in Counter(one.position for one in receipts).items():
        if count > 1:
            yield Finding("duplicated", f"the submission at {position} was decided {count} times")
    sent = Counter((one.id, one.revision) for one in attempts if one.outcome != "refused")
    for (offer_id, revision), count in Counter(
        (one.id, one.revision) for one in receipts if one.publisher != GATEWAY
    ).items():
        most = sent[offer_id, revision]
        if count > most:
            wrong: Wrong = "duplicated" if most else "other"
            yield Finding(wrong, f"{offer_id} revision {revision} has {count} receipts; {most} may have been written")


def _order_of_sending(attempts: Sequence[Attempt], receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """A submission acknowledged before the next one for the same offer was sent precedes it on the log."""
    positions = {receipt.receipt: receipt.position for receipt in receipts}
    by_offer: dict[str, list[tuple[Attempt, tuple[int, int]]]] = defaultdict(list)
    for attempt in attempts:
        position = positions.get(attempt.receipt or "")
        if attempt.outcome in ACKNOWLEDGED and position is not None:
            by_offer[attempt.id].append((attempt, position))
    for offer_id, placed in by_offer.items():
        answered = sorted(placed, key=lambda one: one[0].answered_at)
        highest, at = (-1, -1), 0
        for attempt, position in sorted(placed, key=lambda one: one[0].sent_at):
            while at < len(answered) and answered[at][0].answered_at < attempt.sent_at:
                highest = max(highest, answered[at][1])
                at += 1
            if position < highest:
                yield Finding(
                    "reordered",
                    f"{offer_id} revision {attempt.revision} is at {position}, before what was acknowledged earlier "
                    f"({highest})",
                )


@dataclass(slots=True)
class _Model:
    """The required state after each receipt of one offer."""

    revision: int = 0
    sequence: int = 0
    live: bool = False
    by_gateway: bool = False

    def expected(self, receipt: Receipt) -> str:
        """The verdict that the protocol requires."""
        if receipt.revision > self.revision:
            return "accepted"
        if receipt.revision < self.revision:
            return "stale"
        return "stale" if self.by_gateway else "duplicate"

    def apply(self, receipt: Receipt, *, live: bool, by_gateway: bool) -> None:
        """Apply the change."""
        self.revision = max(self.revision, receipt.revision)
        self.sequence = receipt.sequence or 0
        self.live = live
        self.by_gateway = by_gateway


def _offers(attempts: Sequence[Attempt], ending: Ending) -> Iterator[Finding]:
    """Each offer's receipts, in the order of the log, are what the protocol requires, and so is the final state."""
    kinds: dict[tuple[str, int], Kind] = {(one.id, one.revision): one.kind for one in attempts}
    by_offer: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in ending.receipts:
        by_offer[receipt.id].append(receipt)
    for offer_id, receipts in by_offer.items():
        model = _Model()
        for receipt in sorted(receipts, key=lambda one: one.position):
            yield from _decision(model, receipt, kinds)
        yield from _standing(offer_id, model, ending.offers.get(offer_id))
    for offer_id in ending.offers.keys() - by_offer.keys():
        yield Finding("other", f"{offer_id} stands and was never decided")


def _decision(model: _Model, receipt: Receipt, kinds: Mapping[tuple[str, int], Kind]) -> Iterator[Finding]:
    name = f"{receipt.id} revision {receipt.revision} at {receipt.position}"
    if receipt.publisher == GATEWAY:
        if receipt.verdict != "accepted":
            return
        if not model.live or receipt.revision != model.revision:
            yield Finding("lost", f"the gateway withdrew {name}, which was newer or gone already")
        live, by_gateway = False, True
    else:
        expected = model.expected(receipt)
        if receipt.verdict != expected:
            wrong: Wrong = "other"
            if expected == "accepted":
                wrong = "lost"
            elif receipt.verdict == "accepted":
                back = not model.live and kinds.get((receipt.id, receipt.revision)) == "publish"
                wrong = "resurrected" if back else "duplicated" if expected == "duplicate" else "reordered"
            yield Finding(wrong, f"{name} is {receipt.verdict}, it must be {expected}")
        if receipt.verdict != "accepted":
            return
        live, by_gateway = kinds.get((receipt.id, receipt.revision)) == "publish", False
    if (receipt.sequence or 0) <= model.sequence:
        yield Finding("reordered", f"the sequence of {name} is {receipt.sequence}, not above {model.sequence}")
    model.apply(receipt, live=live, by_gateway=by_gateway)


def _standing(offer_id: str, model: _Model, found: Standing | None) -> Iterator[Finding]:
    must = Standing(model.revision, model.sequence, model.live) if model.sequence else None
    if found == must:
        return
    if must is not None and found is not None and found.live and not must.live and found.sequence <= must.sequence:
        yield Finding("resurrected", f"{offer_id} is live at {found.sequence}, it was withdrawn at {must.sequence}")
    elif must is not None and (found is None or found.sequence <= must.sequence):
        yield Finding("lost", f"{offer_id} must stand as {must}, the log has {found}")
    else:
        yield Finding("other", f"{offer_id} stands as {found}, its receipts say {must}")


def _readings(readings: Sequence[Reading], ending: Ending) -> Iterator[Finding]:
    """Each subscriber received real changes in their order, and at the end has exactly the offers that it may see."""
    changes = {(one.id, one.sequence or 0): one.revision for one in ending.receipts if one.verdict == "accepted"}
    for reading in readings:
        yield from _reading(reading, changes)
        if reading.standing:
            yield from _held(reading, ending.visible[reading.name])


def _reading(reading: Reading, changes: Mapping[tuple[str, int], int]) -> Iterator[Finding]:
    sequences: dict[str, int] = {}
    revisions: dict[str, int] = {}
    gone: set[str] = set()
    for seen in reading.seen:
        name = f"{reading.name} received {seen.op} {seen.id} at {seen.sequence}"
        if (seen.id, seen.sequence) not in changes or seen.revision not in {None, changes[seen.id, seen.sequence]}:
            yield Finding("other", f"{name}, revision {seen.revision}, which never was accepted")
        last = sequences.get(seen.id, 0)
        if seen.sequence == last:
            yield Finding("duplicated", f"{name} twice")
        elif seen.op == "upsert" and (seen.revision or 0) < revisions.get(seen.id, 0):
            yield Finding("resurrected" if seen.id in gone else "reordered", f"{name} after a newer revision")
        elif seen.sequence < last:
            yield Finding("resurrected" if seen.id in gone else "reordered", f"{name} after {last}")
        if reading.quiet and seen.op == "removal":
            yield Finding("other", f"{name}, though it began after everything")
        sequences[seen.id] = max(last, seen.sequence)
        revisions[seen.id] = max(revisions.get(seen.id, 0), changes.get((seen.id, seen.sequence), 0))
        (gone.add if seen.op == "removal" else gone.discard)(seen.id)


def _held(reading: Reading, visible: Mapping[str, int]) -> Iterator[Finding]:
    held = reading.held
    for offer_id in visible.keys() - held.keys():
        yield Finding("lost", f"{reading.name} does not have {offer_id}, live at {visible[offer_id]}")
    for offer_id in held.keys() - visible.keys():
        yield Finding("resurrected", f"{reading.name} has {offer_id} at {held[offer_id]}, which is not there for it")
    for offer_id in visible.keys() & held.keys():
        if visible[offer_id] != held[offer_id]:
            yield Finding("lost", f"{reading.name} has {offer_id} at {held[offer_id]}, live at {visible[offer_id]}")
