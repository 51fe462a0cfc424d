"""Runs by a mapping that does not fit: the run fails, the last good set stays, and the record says why."""

import json
from typing import Any

import pytest

from adapters.profile.profile import Profile, read_profile
from demo.region_site.feed import example_profile
from gateway.operate.status import Facts, statuses
from gateway.protocol.source_run import read_run, run_record
from tests.pull.pull_harness import PullHarness, failure, offer

pytestmark = pytest.mark.slow


def changed(here: PullHarness, form: str = "json", *, stored: bool = False, **changes: Any) -> Profile:
    """The profile of a feed with changes of its mapping: by key, or fields by name."""
    transport = {"kind": "https", "url": here.url, "every_minutes": 5, "most_megabytes": 1}
    document = example_profile("bretagne", form, transport)
    mapping = document["mapping"]
    for key, value in changes.items():
        mapping[key] = {**mapping.get(key, {}), **value} if isinstance(value, dict) else value
    profile = read_profile(document, loopback=True, stored=stored)
    assert isinstance(profile, Profile), profile
    return profile


MISFITS = [
    ("json", {"source": {"items": "offre"}}, "items-not-found", "offres"),
    ("json", {"source": {"items": "data/offres"}}, "items-not-found", "offres"),
    ("xml", {"source": {"items": "offres/stage"}}, "items-not-found", "offres/offre"),
    ("xml", {"source": {"items": "Offres/Offre"}}, "items-not-found", "offres/offre"),
    ("json", {"only": [{"path": "secteurs", "in": ["s5"]}]}, "path-not-found", "secteur"),
    ("xml", {"only": [{"path": "secteur", "in": ["s9"]}]}, "only-passes-all", "s5"),
    ("csv", {"only": [{"path": "secteur", "in": ["s9"]}]}, "only-passes-all", "s5"),
    ("json", {"fields": {"title": {"path": "Titre"}}}, "path-not-found", "titre"),
    ("xml", {"fields": {"title": {"path": "details/titre"}}}, "path-not-found", "titre"),
    ("csv", {"fields": {"title": {"path": "Titre"}}}, "columns-missing", "titre"),
    ("json", {"id": {"path": "references"}}, "path-not-found", "reference"),
    ("jobposting", {"fields": {"title": {"path": "Title"}}}, "path-not-found", "title"),
    ("cleverconnect", {"fields": {"title": {"path": "Title"}}}, "path-not-found", "title"),
]


@pytest.mark.parametrize(("form", "changes", "code", "near"), MISFITS)
async def test_a_new_platform_is_not_applied_with_nothing(
    bretagne: PullHarness, form: str, changes: dict[str, Any], code: str, near: str
) -> None:
    bretagne.offers(1, 2, 3)
    bretagne.profile = changed(bretagne, form, **changes)
    for _ in range(2):
        run = await bretagne.run()
        assert ("failed", None, None) == (run.outcome, run.applied_at, run.first_success_at)
        assert code == failure(run).code
        assert near in failure(run).fr
        assert near in failure(run).en
        assert code in [one["code"] for one in run.problems]
    assert {} == await bretagne.live()


@pytest.mark.parametrize(("form", "changes", "code", "near"), MISFITS)
async def test_a_changed_profile_that_does_not_fit_fails_each_run_and_leaves_the_last_set(
    bretagne: PullHarness, form: str, changes: dict[str, Any], code: str, near: str
) -> None:
    bretagne.offers(1, 2, 3)
    bretagne.profile = changed(bretagne, form)
    assert "applied" == (await bretagne.run()).outcome
    before = await bretagne.live()
    bretagne.profile = changed(bretagne, form, **changes)
    for _ in range(3):
        run = await bretagne.run()
        assert "failed" == run.outcome, "the feed has not changed, but what is read of it has"
        assert code == failure(run).code
        assert near in failure(run).fr
        assert before == await bretagne.live()
    bretagne.profile = changed(bretagne, form)
    assert ("applied", 3) == ((run := await bretagne.run()).outcome, run.counts.unchanged)


async def test_a_feed_that_changes_its_form_fails_and_its_status_names_the_nearest_path(bretagne: PullHarness) -> None:
    bretagne.offers(1, 2)
    bretagne.profile = changed(bretagne)
    await bretagne.run()
    before = await bretagne.live()
    bretagne.region.offers["bretagne:1"]["seats"] = 7
    bretagne.profile = changed(bretagne, fields={"title": {"path": "intitule"}, "sector": {"path": "secteurs"}})
    run = await bretagne.run()
    assert "failed" == run.outcome
    record = run_record(run)
    assert run == read_run(record.key, record.value)
    facts = Facts(now=bretagne.now, partners={}, live={}, runs={"bretagne": run})
    [line] = [one for one in statuses(facts, asker="bretagne", operator=True) if one.platform == "bretagne"]
    assert line.details is not None
    assert line.details.last_error is not None
    assert "secteur" in line.details.last_error.fr
    assert before == await bretagne.live()


async def test_a_new_platform_whose_every_item_is_refused_is_not_applied(bretagne: PullHarness) -> None:
    bretagne.offers(1, 2)
    for one in bretagne.region.offers.values():
        one["sector"] = "s99"
    run = await bretagne.run()
    assert ("failed", 2, None) == (run.outcome, run.counts.refused, run.first_success_at)
    assert "feed-publishes-nothing" == failure(run).code
    assert [("sector-unknown", 2)] == [(one["code"], one["count"]) for one in run.problems if one["position"]]


async def test_a_new_platform_with_an_empty_feed_is_not_applied_and_is_once_it_has_an_offer(
    bretagne: PullHarness,
) -> None:
    bretagne.offers()
    assert "failed" == (await bretagne.run()).outcome
    assert "failed" == (await bretagne.run()).outcome
    bretagne.offers(1)
    assert ("applied", 1) == ((run := await bretagne.run()).outcome, run.counts.published)
    bretagne.offers()
    assert ("pending", 1) == ((run := await bretagne.run()).outcome, run.would_withdraw)
    assert "applied" == (await bretagne.run(confirm=1)).outcome
    assert "applied" == (await bretagne.run(ordered=True)).outcome, "it was not new any more"


async def test_an_operator_may_confirm_that_every_offer_is_passed_over(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    bretagne.profile = changed(bretagne, only=[{"path": "secteur", "in": ["s9"]}])
    assert "failed" == (await bretagne.run(ordered=True)).outcome
    assert ("pending", 2) == ((run := await bretagne.run(confirm=0)).outcome, run.would_withdraw)
    assert 2 == len(await bretagne.live())
    assert ("applied", 2) == ((run := await bretagne.run(confirm=2)).outcome, run.counts.withdrawn)
    assert {} == await bretagne.live()


async def test_a_confirmed_number_does_not_let_a_wrong_path_withdraw_anything(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    for changes in ({"only": [{"path": "secteurs", "in": ["s5"]}]}, {"source": {"items": "offre"}}):
        bretagne.profile = changed(bretagne, **changes)
        assert "failed" == (await bretagne.run(confirm=2)).outcome
    assert 2 == len(await bretagne.live())


async def test_problems_of_a_run_are_grouped_with_totals_and_examples(bretagne: PullHarness) -> None:
    bretagne.offers(*range(60))
    for number in range(50):
        bretagne.region.offers[f"bretagne:{number}"]["sector"] = f"s{100 + number}"
    run = await bretagne.run()
    [group] = [one for one in run.problems if one["severity"] == "error"]
    assert ("sector-unknown", "/sector", 50) == (group["code"], group["pointer"], group["count"])
    assert [("bretagne:0", "s100"), ("bretagne:1", "s101"), ("bretagne:2", "s102")] == [
        (one["id"], one["value"]) for one in group["examples"]
    ]
    assert json.loads(run_record(run).value or b"")["problems"]


async def test_warnings_are_not_lost_behind_many_errors(bretagne: PullHarness) -> None:
    bretagne.profile = changed(bretagne, "csv")
    bretagne.offers(*range(40))
    for number in range(1, 40):
        one = bretagne.region.offers[f"bretagne:{number}"]
        one["sector"], one["location"] = "s99", {**offer(0)["location"], "postal_code": "1000", "city": "Péronnas"}
    run = await bretagne.run()
    assert "applied" == run.outcome
    assert {("leading-zero-restored", 39), ("sector-unknown", 39)} <= {
        (one["code"], one["count"]) for one in run.problems
    }


async def test_a_stored_mapping_with_a_key_without_effect_is_read_and_says_so(bretagne: PullHarness) -> None:
    bretagne.offers(1)
    bretagne.profile = changed(bretagne, stored=True, fields={"seats": {"constant": 2, "html": True}})
    run = await bretagne.run()
    assert ("applied", 1) == (run.outcome, run.counts.published)
    assert "mapping-key-ignored" == run.problems[0]["code"]
