"""The decision, sentence by sentence, and its laws on random histories."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.decide import (
    MARKER_LIFE_MS,
    Accepted,
    Command,
    Decision,
    Duplicate,
    Rejected,
    Stale,
    decide,
    next_state,
    state_of,
)
from gateway.protocol.identity import GATEWAY
from gateway.protocol.paris_time import paris_date
from gateway.protocol.submission import (
    Forget,
    Known,
    Lift,
    Publish,
    Reason,
    Retire,
    Submission,
    Withdraw,
)
from gateway.protocol.visibility import Reader, ever_shared

NOW = 1_796_000_000_000
DAY = 24 * 3_600_000
ID = "bretagne:1"
BOTH = ("national", "regions")


def publish(revision: int, digest: str = "aa", **more: Any) -> Publish:
    fields: dict[str, Any] = {
        "expires_on": "2027-06-27",
        "offer": {"title": "Stage"},
        "audiences": BOTH,
        "territory": {},
        **more,
    }
    return Publish(receipt="r", publisher="bretagne", id=ID, revision=revision, digest=digest, **fields)


def withdraw(revision: int, reason: Reason = "cancelled") -> Withdraw:
    return Withdraw(receipt="r", publisher="bretagne", id=ID, revision=revision, reason=reason, digest=f"w-{reason}")


def retire(revision: int, reason: Reason = "absent", before: int | None = None) -> Retire:
    return Retire(receipt="r", id=ID, if_revision=revision, reason=reason, before=before)


def judged(submission: Submission, known: Known | None = None, *, now: int = NOW, position: int = 10) -> Decision:
    author = submission.publisher if isinstance(submission, Publish | Withdraw) else GATEWAY
    return decide(submission, publisher=author, known=known, now=now, position=position)


def after(*submissions: Submission, now: int = NOW) -> Known:
    known: Known | None = None
    for position, submission in enumerate(submissions):
        decision = judged(submission, known, now=now + position, position=position)
        assert isinstance(decision, Accepted), decision
        known = decision.known
    assert known is not None
    return known


def code(decision: Decision) -> str:
    assert isinstance(decision, Stale | Rejected), decision
    return decision.code


class TestPublishing:
    def test_a_first_offer_is_accepted_and_its_sequence_is_the_append_time(self) -> None:
        """[REV-001] [REV-007]."""
        decision = judged(publish(3))
        assert isinstance(decision, Accepted)
        assert (decision.sequence, decision.created) == (NOW, True)

    def test_a_greater_revision_is_accepted_with_a_greater_sequence_even_when_the_clock_stops(self) -> None:
        """[REV-001] [REV-007]."""
        decision = judged(publish(4), after(publish(3)), now=NOW)
        assert isinstance(decision, Accepted)
        assert (decision.sequence, decision.created) == (NOW + 1, False)

    def test_the_same_revision_with_the_same_content_is_a_duplicate(self) -> None:
        """[REV-003]."""
        known = after(publish(3))
        assert judged(publish(3), known) == Duplicate(known)

    def test_the_same_revision_with_other_content_is_refused(self) -> None:
        """[REV-004]."""
        assert code(judged(publish(3, "bb"), after(publish(3)))) == "revision-reused"

    def test_a_lower_revision_is_stale(self) -> None:
        """[REV-005]."""
        assert code(judged(publish(2), after(publish(3)))) == "older-revision"

    def test_a_partner_cannot_publish_under_anothers_slug(self) -> None:
        """[IDN-003]."""
        foreign = decide(publish(1), publisher="normandie", known=None, now=NOW, position=0)
        assert foreign == Rejected(None, "not-owner")

    def test_an_offer_that_expired_before_its_decision_is_refused_by_the_paris_calendar(self) -> None:
        """[OFR-041]: the last day counts whole, in Paris."""
        late = 1_782_511_140_000  # 2026-06-26 23:59 in Paris, 21:59 UTC
        assert isinstance(judged(publish(1, expires_on="2026-06-26"), now=late), Accepted)
        assert code(judged(publish(1, expires_on="2026-06-26"), now=late + 60_000)) == "already-expired"

    def test_the_audiences_ever_allowed_are_remembered(self) -> None:
        """[RTE-006]."""
        open_to_all = publish(1)
        closed = publish(2, audiences=())
        assert after(open_to_all, closed).shared == {"regions", "national"}

    def test_a_platform_that_received_one_revision_must_receive_the_removal_of_every_later_one(self) -> None:
        """[RTE-006]: a later revision may name it as passed, its copy is there all the same."""
        history = (publish(1, provenance=("bretagne",)), publish(2, provenance=("bretagne", "normandie")), withdraw(3))
        assert after(*history[:2]).never == {"bretagne"}
        withdrawn = after(*history)
        assert ever_shared(Reader("normandie"), shared=withdrawn.shared, never=withdrawn.never)
        assert not ever_shared(Reader("bretagne"), shared=withdrawn.shared, never=withdrawn.never)


class TestWithdrawing:
    def test_a_withdrawal_has_its_own_revision_and_leaves_a_marker(self) -> None:
        """[WDR-001]."""
        marker = after(publish(1), withdraw(2, "filled"))
        assert (marker.reason, marker.revision) == ("filled", 2)

    def test_withdrawing_an_unknown_offer_leaves_a_marker_so_that_a_late_publish_is_stale(self) -> None:
        """[WDR-002]."""
        marker = after(withdraw(5))
        assert code(judged(publish(4), marker)) == "older-revision"

    def test_the_same_withdrawal_again_is_a_duplicate(self) -> None:
        """[REV-003]."""
        marker = after(publish(1), withdraw(2))
        assert judged(withdraw(2), marker) == Duplicate(marker)

    def test_a_withdrawal_may_not_reuse_the_revision_of_its_offer(self) -> None:
        """[REV-004]."""
        assert code(judged(withdraw(1), after(publish(1)))) == "revision-reused"

    @pytest.mark.parametrize("reason", ["expired", "absent", "moderated"])
    def test_the_content_that_a_marker_remembers_does_not_come_back_by_itself(self, reason: Reason) -> None:
        """[WDR-003]."""
        marker = after(publish(1, expires_on="2026-01-01"), now=1_760_000_000_000)
        decision = judged(retire(1, reason), marker)
        assert isinstance(decision, Accepted)
        assert code(judged(publish(1), decision.known)) == f"withdrawn-{reason}"

    def test_a_withdrawn_offer_is_published_again_with_a_higher_revision(self) -> None:
        """[WDR-004]."""
        decision = judged(publish(3), after(publish(1), withdraw(2)))
        assert isinstance(decision, Accepted)
        assert (decision.created, decision.known is not None and decision.known.published) == (True, True)


class TestGatewayCommands:
    def test_a_command_loses_to_a_newer_revision(self) -> None:
        """[WDR-006]."""
        assert code(judged(retire(1), after(publish(1), publish(2)))) == "changed-meanwhile"

    def test_absence_loses_to_an_offer_accepted_after_the_mark(self) -> None:
        """[PUB-020]: a PUT between mark and upload is not taken for absent."""
        known = after(publish(1))
        assert code(judged(retire(1, before=known.position), known)) == "changed-meanwhile"
        assert isinstance(judged(retire(1, before=known.position + 1), known), Accepted)

    def test_a_gateway_change_keeps_the_publishers_last_revision(self) -> None:
        """[REV-008]."""
        known = after(publish(1), retire(1))
        assert (known.revision, known.digest) == (1, "aa")

    def test_expiry_waits_for_the_last_day_to_be_over(self) -> None:
        """[WDR-006]."""
        assert code(judged(retire(1, "expired"), after(publish(1)))) == "changed-meanwhile"

    def test_a_snapshot_item_reopens_an_absent_marker_older_than_its_mark(self) -> None:
        """[WDR-008]."""
        absent = after(publish(1), retire(1))
        assert isinstance(judged(publish(1, mark=absent.position + 1), absent), Accepted)
        assert code(judged(publish(1, mark=absent.position), absent)) == "withdrawn-absent"
        assert code(judged(publish(1), absent)) == "withdrawn-absent"

    def test_moderation_refuses_publishes_until_it_is_lifted(self) -> None:
        """[WDR-007]."""
        history = (publish(1), retire(1, "moderated"))
        assert code(judged(publish(2), after(*history))) == "moderated"
        lifted = after(*history, Lift(receipt="r", id=ID, if_revision=1))
        assert isinstance(judged(publish(2), lifted), Accepted)

    def test_a_publisher_cannot_slip_out_of_a_moderation_by_withdrawing(self) -> None:
        """[WDR-007]."""
        withdrawn = after(publish(1), retire(1, "moderated"), withdraw(2))
        assert code(judged(publish(3), withdrawn)) == "moderated"

    def test_a_marker_is_forgotten_only_when_it_is_old_enough_and_still_the_same(self) -> None:
        """[WDR-005]."""
        marker = after(publish(1), withdraw(2))
        forget = Forget(receipt="r", id=ID, if_sequence=marker.sequence)
        age = marker.appended_at + MARKER_LIFE_MS
        assert code(judged(forget, marker, now=age - 1)) == "marker-still-needed"
        assert code(judged(replace(forget, if_sequence=1), marker, now=age)) == "changed-meanwhile"
        gone = judged(forget, marker, now=age)
        assert isinstance(gone, Accepted)
        assert gone.known is None

    def test_no_partner_can_submit_the_gateways_commands(self) -> None:
        """[SEC-004]."""
        decision = decide(retire(1), publisher="bretagne", known=after(publish(1)), now=NOW, position=9)
        assert code(decision) == "not-operator"


COMMANDS = st.one_of(
    st.builds(publish, st.integers(1, 4), st.sampled_from(["aa", "bb"]), mark=st.none() | st.integers(0, 30)),
    st.builds(withdraw, st.integers(1, 4), st.sampled_from(["filled", "cancelled"])),
    st.builds(retire, st.integers(1, 4), st.sampled_from(["absent", "moderated"]), st.none() | st.integers(0, 30)),
    st.builds(retire, st.integers(1, 4), st.just("expired")),
    st.builds(lambda revision: Lift(receipt="r", id=ID, if_revision=revision), st.integers(1, 4)),
)


def command_of(submission: Submission) -> Command:
    match submission:
        case Publish():
            return "publish"
        case Withdraw():
            return "withdraw"
        case Retire(reason="expired"):
            return "expire"
        case Retire(reason="absent"):
            return "absent"
        case Retire():
            return "moderate"
        case Lift():
            return "lift"
    return "forget"


STANDING: dict[str, Known | None] = {
    "unknown": None,
    "published": after(publish(1, expires_on="2026-01-01"), now=1_760_000_000_000),
    "withdrawn": after(withdraw(1)),
    "moderated": replace(after(withdraw(1)), reason="moderated"),
}


@pytest.mark.parametrize("state", STANDING)
@pytest.mark.parametrize(
    "submission",
    [
        publish(2),
        withdraw(2),
        retire(1, "expired"),
        retire(1, "absent"),
        retire(1, "moderated"),
        Lift(receipt="r", id=ID, if_revision=1),
    ],
    ids=["publish", "withdraw", "expire", "absent", "moderate", "lift"],
)
def test_a_command_in_good_order_leads_where_the_table_says_and_nowhere_else(
    submission: Submission, state: str
) -> None:
    """[WDR-006] [WDR-007]: transitions that the table lacks are refused."""
    decision = judged(submission, STANDING[state], now=NOW + 1)
    expected = next_state(STANDING[state], command_of(submission))
    assert expected == (state_of(decision.known) if isinstance(decision, Accepted) else None)


@pytest.mark.parametrize("state", STANDING)
def test_only_markers_are_forgotten(state: str) -> None:
    """[WDR-005]: the table says so."""
    known = STANDING[state]
    forget = Forget(receipt="r", id=ID, if_sequence=known.sequence if known else 0)
    decision = judged(forget, known, now=NOW + MARKER_LIFE_MS)
    expected = next_state(known, "forget")
    assert expected == (state_of(decision.known) if isinstance(decision, Accepted) else None)


@given(st.lists(COMMANDS, max_size=30))
def test_sequences_grow_revisions_never_fall_and_every_step_is_in_the_table(history: list[Submission]) -> None:
    """[REV-001] [REV-007]: for any submissions in any order."""
    known: Known | None = None
    for position, submission in enumerate(history):
        decision = judged(submission, known, now=NOW + position // 3, position=position)
        if not isinstance(decision, Accepted):
            continue
        if known is not None and decision.known is not None:
            assert decision.sequence > known.sequence
            assert decision.known.revision >= known.revision
        assert state_of(decision.known) == next_state(known, command_of(submission))
        known = decision.known


@given(st.lists(COMMANDS, max_size=20))
def test_deciding_again_gives_the_same_decisions(history: list[Submission]) -> None:
    """A replay decides the same: nothing but the arguments counts."""

    def run() -> list[Decision]:
        known, decisions = None, []
        for position, submission in enumerate(history):
            decision = judged(submission, known, now=NOW + position, position=position)
            known = decision.known
            decisions.append(decision)
        return decisions

    assert run() == run()


@pytest.mark.slow
@given(st.lists(COMMANDS, max_size=20), st.integers(1, 4))
def test_resending_the_last_accepted_publication_changes_nothing(history: list[Submission], revision: int) -> None:
    """[REV-003]: resending is safe whatever came before."""
    known = None
    for position, submission in enumerate(history):
        known = judged(submission, known, now=NOW + position, position=position).known
    offer = publish(revision)
    first = judged(offer, known, now=NOW + 100, position=100)
    again = judged(offer, first.known, now=NOW + 101, position=101)
    assert not isinstance(again, Accepted)


def test_the_paris_date_changes_at_midnight_in_paris() -> None:
    assert paris_date(1_782_511_199_999) == "2026-06-26"
    assert paris_date(1_782_511_200_000) == "2026-06-27"


def test_a_marker_stays_until_its_sequence_is_behind_the_clock() -> None:
    """[REV-007] A clock that was ahead gave the sequence: a publication after the tombstone must be above it."""
    marker = after(publish(1), withdraw(2))
    ahead = replace(marker, sequence=marker.sequence + 2 * MARKER_LIFE_MS)
    forget = Forget(receipt="r", id=ID, if_sequence=ahead.sequence)
    assert code(judged(forget, ahead, now=marker.appended_at + MARKER_LIFE_MS)) == "marker-still-needed"
    later = ahead.sequence + MARKER_LIFE_MS
    assert isinstance(judged(forget, ahead, now=later), Accepted)
