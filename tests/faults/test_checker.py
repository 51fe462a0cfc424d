"""The checker must find every violation: one small correct history, corrupted in one way after the other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.faults.checker import find_violations
from tests.faults.history import Attempt, Ending, History, Reading, Receipt, Seen, Standing


@dataclass
class Story:
    """A history and its ending, to be corrupted."""

    attempts: list[Attempt]
    receipts: list[Receipt]
    offers: dict[str, Standing]
    early: Reading
    late: Reading
    visible: dict[str, int]

    def find_violations(self) -> list[str]:
        history = History(self.attempts, [self.early, self.late])
        ending = Ending(self.receipts, self.offers, {"early": self.visible, "late": self.visible})
        return [finding.wrong for finding in find_violations(history, ending)]

    def spoil_receipt(self, number: int, **changes: Any) -> None:
        self.receipts[number] = replace(self.receipts[number], **changes)

    def spoil_attempt(self, number: int, **changes: Any) -> None:
        self.attempts[number] = replace(self.attempts[number], **changes)


def honest() -> Story:
    """Offer b:1 is published, updated without an answer, sent again, withdrawn, and an old revision comes late; b:2
    is published and updated and stays.
    """
    attempts = [
        Attempt("b:1", 1, "publish", 0.0, 1.0, "decided", "r0", "accepted", 100),
        Attempt("b:1", 2, "publish", 1.5, 2.0, "unknown"),
        Attempt("b:1", 2, "publish", 2.5, 3.0, "decided", "r2", "duplicate", 110),
        Attempt("b:1", 3, "withdraw", 3.5, 4.0, "queued", "r3"),
        Attempt("b:1", 2, "publish", 4.5, 5.0, "decided", "r4", "stale"),
        Attempt("b:2", 1, "publish", 0.0, 1.0, "queued", "r5"),
        Attempt("b:2", 2, "publish", 1.5, 2.0, "queued", "r6"),
        Attempt("b:2", 3, "publish", 2.5, 3.0, "refused"),
    ]
    receipts = [
        Receipt("r0", "b:1", "b", "accepted", 1, 100, (0, 10)),
        Receipt("r1", "b:1", "b", "accepted", 2, 110, (0, 11)),
        Receipt("r2", "b:1", "b", "duplicate", 2, 110, (0, 12)),
        Receipt("r3", "b:1", "b", "accepted", 3, 120, (0, 13)),
        Receipt("r4", "b:1", "b", "stale", 2, None, (0, 14)),
        Receipt("r5", "b:2", "b", "accepted", 1, 100, (1, 5)),
        Receipt("r6", "b:2", "b", "accepted", 2, 105, (1, 6)),
    ]
    offers = {"b:1": Standing(3, 120, live=False), "b:2": Standing(2, 105, live=True)}
    early = Reading(
        "early",
        [
            Seen("upsert", "b:1", 100, 1),
            Seen("upsert", "b:2", 100, 1),
            Seen("upsert", "b:1", 110, 2),
            Seen("removal", "b:1", 120),
            Seen("upsert", "b:2", 105, 2),
        ],
    )
    late = Reading("late", [Seen("upsert", "b:2", 105, 2)], quiet=True)
    return Story(attempts, receipts, offers, early, late, {"b:2": 105})


def test_an_honest_history_has_no_findings() -> None:
    assert [] == honest().find_violations()


def test_withdrawals_by_the_gateway_itself_are_no_finding() -> None:
    story = honest()
    story.receipts.append(Receipt("g", "b:2", "gateway", "accepted", 2, 130, (1, 7)))
    story.offers["b:2"] = Standing(2, 130, live=False)
    story.early.seen.append(Seen("removal", "b:2", 130))
    story.late.seen.clear()
    story.visible.clear()
    assert [] == story.find_violations()


def lose_a_receipt(story: Story) -> None:
    del story.receipts[6]
    story.offers["b:2"] = Standing(1, 100, live=True)
    story.visible["b:2"] = 100
    story.early.seen.pop()
    story.late.seen[:] = [Seen("upsert", "b:2", 100, 1)]


def lose_an_offer(story: Story) -> None:
    del story.offers["b:2"]


def lose_an_update(story: Story) -> None:
    story.offers["b:2"] = Standing(1, 100, live=True)


def lose_what_an_inbox_took(story: Story) -> None:
    story.attempts.append(Attempt("b:2", 4, "publish", 6.0, 7.0, "delivered"))


def refuse_a_newer_revision(story: Story) -> None:
    story.spoil_receipt(6, verdict="stale", sequence=None)
    story.offers["b:2"] = Standing(1, 100, live=True)
    story.visible["b:2"] = 100
    story.early.seen.pop()
    story.late.seen[:] = [Seen("upsert", "b:2", 100, 1)]


def withdraw_what_is_newer(story: Story) -> None:
    """The gateway's own withdrawal wins against a newer revision."""
    story.receipts.append(Receipt("g", "b:2", "gateway", "accepted", 1, 130, (1, 7)))
    story.offers["b:2"] = Standing(2, 130, live=False)
    story.visible.clear()
    story.early.seen.append(Seen("removal", "b:2", 130))
    story.late.seen.clear()


def skip_a_reader(story: Story) -> None:
    story.late.seen.clear()


def leave_a_reader_behind(story: Story) -> None:
    story.early.seen.pop()


def write_a_receipt_twice(story: Story) -> None:
    story.receipts.append(story.receipts[5])


def decide_a_submission_twice(story: Story) -> None:
    story.receipts.append(replace(story.receipts[2], receipt="again"))


def accept_a_revision_twice(story: Story) -> None:
    story.spoil_receipt(2, verdict="accepted", sequence=115)
    story.spoil_attempt(2, verdict="accepted", sequence=115)


def write_what_was_refused(story: Story) -> None:
    story.spoil_attempt(6, outcome="refused", receipt=None)
    story.attempts.append(replace(story.attempts[6], outcome="unknown"))
    story.receipts.append(Receipt("r7", "b:2", "b", "duplicate", 2, 105, (1, 7)))


def tell_a_reader_twice(story: Story) -> None:
    story.late.seen.append(story.late.seen[0])


def let_a_sequence_fall(story: Story) -> None:
    story.spoil_receipt(6, sequence=99)
    story.offers["b:2"] = Standing(2, 99, live=True)
    story.visible["b:2"] = 99
    story.early.seen[-1:] = []
    story.early.seen[1] = Seen("upsert", "b:2", 99, 2)
    story.late.seen[:] = [Seen("upsert", "b:2", 99, 2)]


def accept_an_older_revision(story: Story) -> None:
    story.attempts.append(Attempt("b:2", 1, "publish", 6.0, 7.0, "decided", "r7", "accepted", 140))
    story.receipts.append(Receipt("r7", "b:2", "b", "accepted", 1, 140, (1, 7)))
    story.offers["b:2"] = Standing(2, 140, live=True)
    story.visible["b:2"] = 140
    story.late.seen[:] = [Seen("upsert", "b:2", 140, 1)]
    story.early.seen.pop()
    story.early.seen.append(Seen("upsert", "b:2", 140, 1))


def overtake_on_the_log(story: Story) -> None:
    """Two updates, one sent after the other was acknowledged, are in reverse order."""
    story.spoil_receipt(5, verdict="stale", sequence=None, position=(1, 7))


def tell_a_reader_backwards(story: Story) -> None:
    story.early.seen[1], story.early.seen[4] = story.early.seen[4], story.early.seen[1]
    story.visible.clear()
    story.late.standing = story.early.standing = False


def accept_an_old_revision_after_withdrawal(story: Story) -> None:
    story.spoil_attempt(4, verdict="accepted", sequence=130)
    story.spoil_receipt(4, verdict="accepted", sequence=130)
    story.offers["b:1"] = Standing(3, 130, live=True)
    story.visible["b:1"] = 130
    story.late.seen.append(Seen("upsert", "b:1", 130, 2))
    story.early.seen.append(Seen("upsert", "b:1", 130, 3))


def keep_a_withdrawn_offer(story: Story) -> None:
    story.offers["b:1"] = Standing(2, 110, live=True)


def show_a_withdrawn_offer_to_a_late_joiner(story: Story) -> None:
    story.late.seen.append(Seen("upsert", "b:1", 110, 2))


def leave_out_a_removal(story: Story) -> None:
    del story.early.seen[3]


def show_it_again_after_its_removal(story: Story) -> None:
    story.early.seen.append(Seen("upsert", "b:1", 110, 2))
    story.early.seen.append(Seen("removal", "b:1", 120))


def decide_what_nobody_sent(story: Story) -> None:
    story.receipts.append(Receipt("r7", "b:3", "b", "accepted", 1, 100, (0, 20)))
    story.offers["b:3"] = Standing(1, 100, live=True)


def answer_otherwise_than_decided(story: Story) -> None:
    story.spoil_attempt(0, verdict="duplicate")


def answer_500(story: Story) -> None:
    story.spoil_attempt(7, outcome="wrong", detail="HTTP 500")


def invent_a_change(story: Story) -> None:
    story.early.seen.insert(0, Seen("upsert", "b:2", 99, 1))


def make_up_an_offer(story: Story) -> None:
    story.offers["b:9"] = Standing(1, 100, live=True)


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lose_a_receipt, "lost"),
        (lose_an_offer, "lost"),
        (lose_an_update, "lost"),
        (lose_what_an_inbox_took, "lost"),
        (refuse_a_newer_revision, "lost"),
        (withdraw_what_is_newer, "lost"),
        (skip_a_reader, "lost"),
        (leave_a_reader_behind, "lost"),
        (write_a_receipt_twice, "duplicated"),
        (decide_a_submission_twice, "duplicated"),
        (accept_a_revision_twice, "duplicated"),
        (write_what_was_refused, "duplicated"),
        (tell_a_reader_twice, "duplicated"),
        (let_a_sequence_fall, "reordered"),
        (accept_an_older_revision, "reordered"),
        (overtake_on_the_log, "reordered"),
        (tell_a_reader_backwards, "reordered"),
        (accept_an_old_revision_after_withdrawal, "resurrected"),
        (keep_a_withdrawn_offer, "resurrected"),
        (show_a_withdrawn_offer_to_a_late_joiner, "resurrected"),
        (leave_out_a_removal, "resurrected"),
        (show_it_again_after_its_removal, "resurrected"),
        (decide_what_nobody_sent, "other"),
        (answer_otherwise_than_decided, "other"),
        (answer_500, "other"),
        (invent_a_change, "other"),
        (make_up_an_offer, "other"),
    ],
)
def test_the_checker_finds_the_fault(spoil: Callable[[Story], None], wrong: str) -> None:
    story = honest()
    spoil(story)
    assert wrong in story.find_violations()
