"""The pitfalls that partners of the site met, as far as they concern its connector."""

from adapters.national.site.answer import DoneAnswer, Forbidden, RefusedAnswer, find_dropped, outcome_of
from adapters.national.site.client import HttpSite
from adapters.national.site.reading import differences
from demo.national_site.simulator import NationalSimulator
from tests.national.site.harness import NAME, PASSWORD, at, deliver, made_there, offer_of, page_of, ready
from tests.national.site.server import SteppedTime


async def test_pitfall_3_a_name_is_ones_own_per_account_but_patch_finds_the_first(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    other = simulator.add_operator("region@example.org", PASSWORD)
    simulator.publish_on_site(**made_there(owner=other, remote_id=NAME, permalink="https://stages.example.fr/1"))
    sent = ready(offer_of())
    await deliver(site, sent)
    assert Forbidden() == outcome_of(await site.update(NAME, sent.body))


async def test_pitfall_6_a_period_changes_its_meaning_every_year(site: HttpSite, time: SteppedTime) -> None:
    sent = ready(offer_of(weeks=["2027-W25"]), one_week=True)
    await deliver(site, sent)
    time.now = at("2027-07-01T12:00:00")
    answer = outcome_of(await site.update(NAME, sent.body))
    assert isinstance(answer, DoneAnswer)
    assert ("2028-W26",) == answer.weeks  # which is why last year's are never sent again
    assert find_dropped(sent, answer) is not None


async def test_pitfall_4_a_patch_without_grades_changes_college_to_seconde(site: HttpSite) -> None:
    college = ready(offer_of(levels=["troisieme"], weeks=["2027-W10"], stay_weeks=1))
    await deliver(site, college)
    partial = outcome_of(await site.update(NAME, {"title": "Autre"}))
    assert isinstance(partial, DoneAnswer)
    assert ("seconde",) == partial.levels
    complete = outcome_of(await site.update(NAME, college.body))  # which is why a PATCH is complete
    assert isinstance(complete, DoneAnswer)
    assert ("troisieme",) == complete.levels


async def test_pitfall_5_mixed_levels_are_refused_by_the_site(site: HttpSite) -> None:
    sent = ready(offer_of())
    refused = outcome_of(await site.create({**sent.named(NAME), "grades": ["troisieme", "seconde"]}))
    assert isinstance(refused, RefusedAnswer)
    assert [("national-refused:levels", "/levels")] == [(one.code, one.pointer) for one in refused.refusals]


async def test_pitfall_7_the_index_is_paged_by_thirty_newest_first(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    sent = ready(offer_of())
    for number in range(61):
        await deliver(site, sent, f"bretagne:{number}")
    pages = [page_of(await site.index(number)) for number in (1, 2, 3, 4)]
    assert [30, 30, 1, 0] == [len(page.listed) for page in pages]
    assert [(61, 3, number) for number in (1, 2, 3, 4)] == [(page.total, page.pages, page.number) for page in pages]
    names = [listed.remote_id for page in pages for listed in page.listed]
    assert [f"bretagne:{number}" for number in reversed(range(61))] == names
    assert [] == differences(sent, pages[0].listed[0])
    assert 61 == len(simulator.stock.rows)


async def test_pitfall_10_unknown_keys_are_dropped_silently(site: HttpSite) -> None:
    answer = await site.create({**ready(offer_of()).named(NAME), "siret": "73282932000074", "pediod": 1})
    assert 201 == answer.status
    assert not {"siret", "pediod"} & answer.body.keys()
    assert not {"siret", "naf", "rome"} & ready(offer_of()).body.keys()


async def test_pitfall_11_impossible_coordinates_are_accepted_by_the_site(site: HttpSite) -> None:
    """So the gateway refuses them: its own verdict does not let such coordinates through."""
    odd = {**ready(offer_of()).named(NAME), "street": "", "coordinates": {"latitude": 148, "longitude": 1}}
    answer = await site.create(odd)
    assert (201, "N/A", 148.0) == (
        answer.status,
        answer.body["street"],
        answer.body["formatted_coordinates"]["latitude"],
    )
