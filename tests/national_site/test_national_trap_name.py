"""Traps 3 to 6 and 16: names that are dead, hidden, out of reach, another's, or only softly deleted."""

import pytest

from adapters.national.maintenance.erase import NEUTRAL, NEUTRAL_BODY
from adapters.national.mapping.remote_id import remote_id
from adapters.national.site.answer import (
    AlreadyDeleted,
    Done,
    Missing,
    NameTaken,
    NotOurs,
    outcome_of,
)
from adapters.national.site.client import NationalSite
from gateway.demo.national_site.simulator import NationalSimulator
from gateway.demo.national_site.stock import Operator
from tests.national_site.site_fixtures import NAME, PASSWORD, deliver, index, offer_of, ready, row_of, search


async def test_trap_3_a_deleted_name_is_dead(site: NationalSite, simulator: NationalSimulator) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    await site.delete(NAME)
    assert AlreadyDeleted() == outcome_of(await site.delete(NAME))
    assert isinstance(outcome_of(await site.update(NAME, sent.body)), Done)  # 200, and still deleted
    assert [] == await index(site)
    assert NameTaken() == outcome_of(await site.create(sent.named(NAME)))
    second = remote_id(NAME, "", 2)
    await deliver(site, sent, second)
    assert [second] == await index(site)
    assert [NAME, second] == [row.remote_id for row in simulator.stock.rows]


async def test_trap_3_a_live_duplicate_is_in_the_index_and_a_dead_one_is_not(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    assert NameTaken() == outcome_of(await site.create(sent.named(NAME)))
    assert [NAME] == await index(site)
    row = row_of(simulator)
    simulator.discard(row)  # deleted by the site itself, without our DELETE
    assert [] == await index(site)


async def test_trap_4_a_complete_patch_does_not_undo_moderation(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    row = row_of(simulator)
    simulator.hide(row)
    done = outcome_of(await site.update(NAME, sent.body))
    assert isinstance(done, Done)
    assert not done.published
    assert [] == await search(site)
    assert "published_at" not in sent.body
    undone = outcome_of(await site.update(NAME, {**sent.body, "published_at": "2026-11-20T10:00:00+01:00"}))
    assert isinstance(undone, Done)
    assert undone.published  # which is why it must not be sent


async def test_trap_5_a_dot_in_a_name_is_out_of_reach_and_never_made(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent, "bretagne:a.b")
    assert isinstance(outcome_of(await site.create(sent.named("bretagne:a"))), Done)
    with pytest.raises(ValueError, match="reach"):
        await site.delete("bretagne:a.b")
    name = remote_id("bretagne:a.b")
    await deliver(site, sent, name)
    assert isinstance(outcome_of(await site.delete(name)), Done)
    assert ["bretagne:a", "bretagne:a.b"] == sorted(str(name) for name in await index(site))
    assert 3 == len(simulator.stock.rows)


async def test_trap_6_anothers_offer_is_forbidden_here_and_missing_there(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    row = row_of(simulator)
    row.owner = simulator.add_operator("region@example.org", PASSWORD)
    assert NotOurs() == outcome_of(await site.update(NAME, sent.body))
    assert Missing() == outcome_of(await site.delete(NAME))
    assert [] == await index(site)


async def test_trap_6_a_patch_within_a_team_takes_the_offer_over(
    site: NationalSite, simulator: NationalSimulator, operator: Operator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    row = row_of(simulator)
    row.owner = simulator.add_operator("region@example.org", PASSWORD, team="team")
    operator.team = "team"
    assert isinstance(outcome_of(await site.update(NAME, sent.body)), Done)
    assert [NAME] == await index(site)  # which is why gateway and region never share one


async def test_trap_16_a_deletion_is_soft_and_a_patch_still_overwrites_what_is_kept(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    await site.delete(NAME)
    row = row_of(simulator)
    assert sent.body["employer_name"] == row.employer_name
    assert isinstance(outcome_of(await site.update(NAME, NEUTRAL_BODY)), Done)
    row = row_of(simulator)
    assert NEUTRAL == row.title == row.description == row.employer_name == row.employer_description
    for word in ("Atelier", "Lamennais", "Rennes", "35000", "bretagne.example"):
        assert word not in repr(row).replace(NAME, "")
    assert not row.kept
    assert [] == await index(site)
