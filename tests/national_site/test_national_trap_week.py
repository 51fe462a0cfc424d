"""Traps 10 to 12: weeks that must be sent, wait, are dropped, or use the old interface."""

from datetime import date
from typing import Any, Literal

from adapters.national.mapping.mapping import (
    NotDeliverable,
    Past,
    Ready,
    Waiting,
)
from adapters.national.mapping.remote_id import remote_id
from adapters.national.site.answer import (
    Done,
    Refused,
    find_dropped,
    outcome_of,
)
from adapters.national.site.client import NationalSite
from gateway.demo.national_site.simulator import NationalSimulator
from tests.national_site.site_fixtures import JUNE, NAME, OLD_TOKEN, at, deliver, offer_of, parts_of, ready, row_of
from tests.national_site.stepped_time import SteppedTime

MIXED: dict[str, Any] = {"levels": ["troisieme", "quatrieme", "seconde"], "weeks": ["2027-W10", *JUNE]}


async def test_trap_10_mandatory_weeks_follow_todays_date(site: NationalSite, time: SteppedTime) -> None:
    june = date(2026, 6, 30)
    offer = offer_of(june)
    assert Waiting(date(2026, 7, 1)) == parts_of(offer, on=june)[""]
    body = ready(offer, on=date(2026, 7, 1)).named(NAME)
    time.now = at("2026-06-30T23:00:00")
    assert isinstance(outcome_of(await site.create(body)), Refused)
    time.now = at("2026-07-01T01:00:00")
    assert isinstance(outcome_of(await site.create(body)), Done)
    assert isinstance(parts_of(offer, on=date(2027, 6, 30))[""], Ready)
    assert Past() == parts_of(offer, on=date(2027, 7, 1))[""]
    time.now = at("2027-07-01T12:00:00")
    refused = outcome_of(await site.update(NAME, ready(offer, on=june.replace(year=2027)).body))
    assert isinstance(refused, Refused)
    assert "national-refused:mandatory-weeks" == refused.refusals[0].code


async def test_trap_10_weeks_must_be_padded(site: NationalSite) -> None:
    college = ready(offer_of(levels=["troisieme"], weeks=["2027-W03", "2027-W04"], stay_weeks=1))
    assert ["2027-W03", "2027-W04"] == college.body["weeks"]
    done = await deliver(site, college)
    assert ("2027-W03", "2027-W04") == done.weeks
    assert find_dropped(college, done) is None


async def test_trap_10_silently_dropped_weeks_are_found(site: NationalSite) -> None:
    sent = ready(offer_of())
    more = Ready({**sent.body, "weeks": [*JUNE, "2027-W60"]}, (*sent.weeks, "2027-W60"), sent.levels)
    found = find_dropped(more, await deliver(site, more))
    assert found is not None
    assert ("national-weeks-dropped", "2027-W60") == (found.code, found.said)


async def test_trap_11_one_week_goes_through_the_old_interface(
    site: NationalSite, simulator: NationalSimulator
) -> None:
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
    site: NationalSite, simulator: NationalSimulator
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
    assert Waiting(date(2026, 7, 1)) == parts["l"]
    assert isinstance(parts["c"], Ready)
    assert tuple(JUNE) == parts["c"].weeks  # where only June is offered, collège has it too
