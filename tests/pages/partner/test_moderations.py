"""What a platform reads of the operator's withdrawals, from its receipts and the states of its offers alone."""

from dataclasses import replace

import pytest

from gateway.federation.offers import ModerationFacts
from gateway.pages.partner.moderations import lifts, moderations
from tests.pages.partner.moderated import AT, ID, command, moderation, state

BEGIN = command(2, "moderate", "Adresse fausse")


@pytest.mark.parametrize("standing", ["moderated", "lifted", "online", "offline"])
def test_an_offer_has_its_standing_its_days_and_the_reason(standing: str) -> None:
    """Also where the end had no reason."""
    [one] = moderations([moderation(standing)])
    end = None if standing == "moderated" else AT + 3_000
    assert (ID, standing, AT + 2_000, "Adresse fausse", end, None) == (
        one.id,
        one.standing,
        one.at,
        one.why,
        one.lifted_at,
        one.lifted_why,
    )
    assert ("Un titre" if standing == "online" else None) == one.title


def test_an_end_has_its_reason_and_a_second_moderation_begins_without_one() -> None:
    end = command(3, "lift", "Adresse corrigée")
    facts = ModerationFacts(id=ID, state=state(3, "absent"), receipts=[BEGIN, end])
    [one] = moderations([facts])
    assert ("lifted", "Adresse corrigée") == (one.standing, one.lifted_why)
    again = command(5, "moderate", "Encore fausse")
    [one] = moderations([replace(facts, state=state(5, "moderated"), receipts=[BEGIN, end, again])])
    assert ("moderated", "Encore fausse", None) == (one.standing, one.why, one.lifted_at)
    [one] = moderations([replace(facts, receipts=[end])])
    assert (None, None, "Adresse corrigée") == (one.at, one.why, one.lifted_why)


def test_an_offer_without_a_state_is_offline() -> None:
    assert "offline" == moderations([replace(moderation("moderated"), state=None)])[0].standing


def test_what_is_moderated_comes_first_then_the_newest() -> None:
    found = [moderation(standing) for standing in ("online", "moderated", "lifted")]
    assert ["moderated", "online", "lifted"] == [one.standing for one in moderations(found)]


def test_only_the_next_command_after_a_moderation_ends_it() -> None:
    """Not what the platform sends meanwhile, not what was refused, not an expiry or an absence later."""
    own = command(3, publisher="bretagne")
    stale = command(4, verdict="stale")
    receipts = [command(1), BEGIN, own, stale, command(5), command(6, snapshot="s1"), command(7)]
    assert {"r5"} == lifts(receipts)
    assert {"r3"} == lifts([command(3, "lift", "Corrigée"), command(4)])
    assert frozenset() == lifts([BEGIN])
