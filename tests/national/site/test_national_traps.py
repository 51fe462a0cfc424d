"""Traps of the site, by number: remote ids, weeks, search, and fields that it requires, changes or must not receive."""

from datetime import date
from typing import Any, Literal

import pytest

from adapters.national.maintenance.offer_orders import NEUTRAL, NEUTRAL_BODY
from adapters.national.mapping.body import remote_id
from adapters.national.mapping.deliverability import DeliverableLater, NotDeliverable, Past, Ready
from adapters.national.site.answer import (
    AlreadyDeleted,
    DoneAnswer,
    Forbidden,
    Missing,
    NameTaken,
    RefusedAnswer,
    RightMissing,
    find_dropped,
    outcome_of,
)
from adapters.national.site.client import HttpSite
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator
from tests.national.site.harness import (
    JUNE,
    NAME,
    OLD_TOKEN,
    PASSWORD,
    at,
    deliver,
    index,
    made_there,
    offer_of,
    page_of,
    parts_of,
    ready,
    row_of,
    search,
)
from tests.national.site.server import SteppedTime

SCHOOL = "0350001L"
MIXED: dict[str, Any] = {"levels": ["troisieme", "quatrieme", "seconde"], "weeks": ["2027-W10", *JUNE]}


async def test_trap_7_fields_that_the_site_requires_are_filled_in(site: HttpSite, simulator: NationalSimulator) -> None:
    offer = offer_of(employer={"description": None}, location={"street": None, "latitude": None, "longitude": None})
    sent = ready(offer)
    assert ("Atelier du Port", "Rennes") == (sent.body["employer_description"], sent.body["street"])
    assert "coordinates" not in sent.body
    await deliver(site, sent)
    row = row_of(simulator)
    assert row.coordinates is not None  # a point of the postcode
    undescribed = parts_of(offer, fillers=False)[""]
    assert isinstance(undescribed, NotDeliverable)
    assert ["employer-undescribed"] == [refusal.code for refusal in undescribed.refusals]


def test_trap_8_an_offer_reserved_to_schools_never_leaves() -> None:
    deliverability = parts_of(offer_of(restrictions={"schools": [SCHOOL]}))[""]
    assert isinstance(deliverability, NotDeliverable)
    assert ["not-deliverable:reserved-schools"] == [refusal.code for refusal in deliverability.refusals]


def test_trap_8_restrictions_go_with_their_levels() -> None:
    college = ready(offer_of(levels=["troisieme"], weeks=["2027-W10"], restrictions={"rep": True}))
    assert (True, False) == (college.body["rep"], college.body["qpv"])
    seconde = ready(offer_of(restrictions={"qpv": True}))
    assert (False, True) == (seconde.body["rep"], seconde.body["qpv"])


def test_trap_9_an_offer_not_meant_for_regions_goes_only_where_reuse_is_accepted() -> None:
    offer = offer_of(redistribution={"regions": False})
    deliverability = parts_of(offer)[""]
    assert isinstance(deliverability, NotDeliverable)
    assert ["not-deliverable:reuse"] == [refusal.code for refusal in deliverability.refusals]
    assert isinstance(parts_of(offer, reuse=True)[""], Ready)


async def test_trap_13_hours_are_sent_in_french_and_unpadded(site: HttpSite, simulator: NationalSimulator) -> None:
    await deliver(site, ready(offer_of()))
    row = row_of(simulator)
    assert {"lundi": ["9:00", "16:30"], "samedi": ["10:00", "12:00"]} == row.daily_hours
    assert "employer_chosen_name" not in ready(offer_of()).body


async def test_trap_13_a_chosen_name_overwrites_the_employers(site: HttpSite) -> None:
    answer = await site.create({**ready(offer_of()).named(NAME), "employer_chosen_name": "Autre"})
    assert "Autre" == answer.body["employer_name"]


@pytest.mark.parametrize(
    ("postal_code", "city", "insee"),
    [("97500", "Saint-Pierre", "97502"), ("98600", "Mata-Utu", "98613"), ("98000", "Monaco", "06088")],
)
async def test_trap_14_some_postcodes_are_refused(postal_code: str, city: str, insee: str, site: HttpSite) -> None:
    locality = {"postal_code": postal_code, "city": city, "insee_commune": insee, "latitude": None, "longitude": None}
    deliverability = parts_of(offer_of(location=locality))[""]
    assert isinstance(deliverability, NotDeliverable)
    assert ["not-deliverable:postal-code"] == [refusal.code for refusal in deliverability.refusals]
    refused = outcome_of(await site.create({**ready(offer_of()).named(NAME), "zipcode": postal_code}))
    assert isinstance(refused, RefusedAnswer)
    assert "national-refused:postal-code" == refused.refusals[0].code


async def test_trap_1_the_index_lists_only_ones_own_offers(site: HttpSite, simulator: NationalSimulator) -> None:
    await deliver(site, ready(offer_of()))
    simulator.publish_on_site(**made_there())
    assert [NAME] == await index(site)
    assert ["Une semaine à la mairie", ready(offer_of()).body["title"]] == await search(site)


async def test_trap_1_others_offers_need_a_right(site: HttpSite, operator: Operator) -> None:
    operator.full_access = False
    assert RightMissing() == outcome_of(await site.search(1))


async def test_trap_2_search_hides_full_ended_and_autumn_offers(
    site: HttpSite, simulator: NationalSimulator, time: SteppedTime
) -> None:
    await deliver(site, ready(offer_of()))
    row = row_of(simulator)
    row.full = True
    simulator.publish_on_site(**made_there(title="En automne", weeks=("2026-W48", "2026-W49"), grades=("troisieme",)))
    simulator.publish_on_site(**made_there(title="L'an prochain", weeks=("2027-W40", "2028-W3"), grades=("troisieme",)))
    simulator.publish_on_site(**made_there(title="En hiver", weeks=("2027-W3",), grades=("troisieme",)))
    assert ["En hiver", "L'an prochain"] == await search(site)
    assert [NAME] == await index(site)  # absent from search is not withdrawn
    time.now = at("2027-01-22T12:00:00")
    assert ["L'an prochain"] == await search(site)


async def test_trap_2_an_offer_that_search_does_not_return_is_unknown(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    simulator.publish_on_site(**made_there(city="Le Bouscat", max_candidates=5, handicap_accessible=False))
    (listed,) = page_of(await site.search(1)).listed
    assert "Le bouscat" == listed.city
    assert f"{simulator.url}/offres-de-stage/1" == listed.url
    assert not hasattr(listed, "seats")
    assert not listed.accessible


async def test_trap_10_mandatory_weeks_follow_todays_date(site: HttpSite, time: SteppedTime) -> None:
    june = date(2026, 6, 30)
    offer = offer_of(june)
    assert DeliverableLater(date(2026, 7, 1)) == parts_of(offer, on=june)[""]
    body = ready(offer, on=date(2026, 7, 1)).named(NAME)
    time.now = at("2026-06-30T23:00:00")
    assert isinstance(outcome_of(await site.create(body)), RefusedAnswer)
    time.now = at("2026-07-01T01:00:00")
    assert isinstance(outcome_of(await site.create(body)), DoneAnswer)
    assert isinstance(parts_of(offer, on=date(2027, 6, 30))[""], Ready)
    assert Past() == parts_of(offer, on=date(2027, 7, 1))[""]
    time.now = at("2027-07-01T12:00:00")
    refused = outcome_of(await site.update(NAME, ready(offer, on=june.replace(year=2027)).body))
    assert isinstance(refused, RefusedAnswer)
    assert "national-refused:mandatory-weeks" == refused.refusals[0].code


async def test_trap_10_weeks_must_be_padded(site: HttpSite) -> None:
    college = ready(offer_of(levels=["troisieme"], weeks=["2027-W03", "2027-W04"], stay_weeks=1))
    assert ["2027-W03", "2027-W04"] == college.body["weeks"]
    done = await deliver(site, college)
    assert ("2027-W03", "2027-W04") == done.weeks
    assert find_dropped(college, done) is None


async def test_trap_10_silently_dropped_weeks_are_found(site: HttpSite) -> None:
    sent = ready(offer_of())
    more = Ready({**sent.body, "weeks": [*JUNE, "2027-W60"]}, (*sent.weeks, "2027-W60"), sent.levels)
    found = find_dropped(more, await deliver(site, more))
    assert found is not None
    assert ("national-weeks-dropped", "2027-W60") == (found.code, found.actual)


async def test_trap_11_one_week_goes_through_the_old_interface(site: HttpSite, simulator: NationalSimulator) -> None:
    offer = offer_of(weeks=["2027-W25"])
    assert isinstance(parts_of(offer)[""], NotDeliverable)
    sent = ready(offer, one_week=True)
    done = await deliver(site, sent)
    assert (("2027-W25",), ("seconde",)) == (done.weeks, done.levels)
    updated = outcome_of(await site.update(NAME, sent.body))
    assert done == updated  # always with the period: without it both weeks would come back
    row = row_of(simulator)
    assert ("2027-W25",) == row.weeks
    assert OLD_TOKEN == getattr(row.owner, "v1_token", None)


async def test_trap_12_each_part_of_a_split_offer_has_its_own_weeks_and_restriction(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    offer = offer_of(**MIXED, restrictions={"rep": True, "qpv": True}, seats=4)
    college, lycee = ready(offer, "c"), ready(offer, "l")
    assert (("quatrieme", "troisieme"), ("2027-W10",)) == (college.levels, college.weeks)
    assert (("seconde",), tuple(JUNE)) == (lycee.levels, lycee.weeks)
    assert (True, False) == (college.body["rep"], college.body["qpv"])
    assert (False, True) == (lycee.body["rep"], lycee.body["qpv"])
    assert 4 == college.body["max_candidates"] == lycee.body["max_candidates"]
    parts: tuple[tuple[Literal["c", "l"], Ready], ...] = (("c", college), ("l", lycee))
    for group, sent in parts:
        assert find_dropped(sent, await deliver(site, sent, remote_id(NAME, group))) is None
    assert [f"{NAME}~c", f"{NAME}~l"] == [row.remote_id for row in simulator.stock.rows]


def test_trap_12_one_part_may_be_delivered_without_the_other() -> None:
    parts = parts_of(offer_of(levels=["troisieme", "seconde"], weeks=["2027-W10", "2027-W11"]))
    assert isinstance(parts["c"], Ready)
    assert isinstance(parts["l"], NotDeliverable)
    on = date(2026, 6, 20)
    parts = parts_of(offer_of(on, levels=["troisieme", "seconde"]), on=on)
    assert DeliverableLater(date(2026, 7, 1)) == parts["l"]
    assert isinstance(parts["c"], Ready)
    assert tuple(JUNE) == parts["c"].weeks  # where only June is offered, collège has it too


async def test_trap_3_a_deleted_name_is_dead(site: HttpSite, simulator: NationalSimulator) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    await site.delete(NAME)
    assert AlreadyDeleted() == outcome_of(await site.delete(NAME))
    assert isinstance(outcome_of(await site.update(NAME, sent.body)), DoneAnswer)  # 200, and still deleted
    assert [] == await index(site)
    assert NameTaken() == outcome_of(await site.create(sent.named(NAME)))
    second = remote_id(NAME, "", 2)
    await deliver(site, sent, second)
    assert [second] == await index(site)
    assert [NAME, second] == [row.remote_id for row in simulator.stock.rows]


async def test_trap_3_a_live_duplicate_is_in_the_index_and_a_dead_one_is_not(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    assert NameTaken() == outcome_of(await site.create(sent.named(NAME)))
    assert [NAME] == await index(site)
    row = row_of(simulator)
    simulator.discard(row)  # deleted by the site itself, without our DELETE
    assert [] == await index(site)


async def test_trap_4_a_complete_patch_does_not_undo_moderation(site: HttpSite, simulator: NationalSimulator) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    row = row_of(simulator)
    simulator.hide(row)
    done = outcome_of(await site.update(NAME, sent.body))
    assert isinstance(done, DoneAnswer)
    assert not done.published
    assert [] == await search(site)
    assert "published_at" not in sent.body
    undone = outcome_of(await site.update(NAME, {**sent.body, "published_at": "2026-11-20T10:00:00+01:00"}))
    assert isinstance(undone, DoneAnswer)
    assert undone.published  # which is why it must not be sent


async def test_trap_5_a_dot_in_a_name_is_out_of_reach_and_never_made(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent, "bretagne:a.b")
    assert isinstance(outcome_of(await site.create(sent.named("bretagne:a"))), DoneAnswer)
    with pytest.raises(ValueError, match="reach"):
        await site.delete("bretagne:a.b")
    name = remote_id("bretagne:a.b")
    await deliver(site, sent, name)
    assert isinstance(outcome_of(await site.delete(name)), DoneAnswer)
    assert ["bretagne:a", "bretagne:a.b"] == sorted(str(name) for name in await index(site))
    assert 3 == len(simulator.stock.rows)


async def test_trap_6_anothers_offer_is_forbidden_here_and_missing_there(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    row = row_of(simulator)
    row.owner = simulator.add_operator("region@example.org", PASSWORD)
    assert Forbidden() == outcome_of(await site.update(NAME, sent.body))
    assert Missing() == outcome_of(await site.delete(NAME))
    assert [] == await index(site)


async def test_trap_6_a_patch_within_a_team_takes_the_offer_over(
    site: HttpSite, simulator: NationalSimulator, operator: Operator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    row = row_of(simulator)
    row.owner = simulator.add_operator("region@example.org", PASSWORD, team="team")
    operator.team = "team"
    assert isinstance(outcome_of(await site.update(NAME, sent.body)), DoneAnswer)
    assert [NAME] == await index(site)  # which is why gateway and region never share one


async def test_trap_16_a_deletion_is_soft_and_a_patch_still_overwrites_what_is_kept(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    await deliver(site, sent)
    await site.delete(NAME)
    row = row_of(simulator)
    assert sent.body["employer_name"] == row.employer_name
    assert isinstance(outcome_of(await site.update(NAME, NEUTRAL_BODY)), DoneAnswer)
    row = row_of(simulator)
    assert NEUTRAL == row.title == row.description == row.employer_name == row.employer_description
    for word in ("Atelier", "Lamennais", "Rennes", "35000", "bretagne.example"):
        assert word not in repr(row).replace(NAME, "")
    assert not row.kept
    assert [] == await index(site)
