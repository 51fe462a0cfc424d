"""A feed whose items are refused: not applied if all are; counted in statistics; offers that come with new ids."""

from datetime import date

import pytest

from gateway.protocol.paris_time import paris_date
from gateway.protocol.topic import STATISTICS
from tests.pull.pull_harness import WITHIN, PullHarness, failure, offer

pytestmark = pytest.mark.slow


async def test_a_feed_whose_every_item_is_refused_is_not_applied(bretagne: PullHarness) -> None:
    bretagne.offers(*range(6))
    await bretagne.run()
    before = await bretagne.live()
    bretagne.offers(*range(5), sector="s99")
    run = await bretagne.run()
    assert ("failed", 5, 0) == (run.outcome, run.counts.refused, run.counts.withdrawn)
    assert "feed-publishes-nothing" == failure(run).code
    assert before == await bretagne.live()
    assert "applied" == (await bretagne.run(confirm=1)).outcome, "an operator may confirm"
    bretagne.offers(*range(6))
    assert "applied" == (await bretagne.run()).outcome


async def test_a_feed_whose_every_offer_has_ended_is_applied(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    bretagne.offers(1, 2, weeks=["2026-W03"])
    run = await bretagne.run()
    assert ("applied", 2) == (run.outcome, run.counts.refused)


async def test_refused_items_of_a_feed_are_in_the_statistics_of_the_platform(bretagne: PullHarness) -> None:
    """[PUB-003]"""
    bretagne.offers(*range(4))
    for number in range(3):
        bretagne.region.offers[f"bretagne:{number}"]["sector"] = "s99"
    await bretagne.run()
    await bretagne.means.refusals.flush()
    view = bretagne.statistics
    assert await view.reached(await bretagne.log.ends(STATISTICS), WITHIN)
    day = date.fromisoformat(paris_date(bretagne.now))
    counted = await view.counts(day, day, by=["platform", "verdict", "rule"])
    assert [("bretagne", "refused", "sector-unknown", 3)] == [
        (one.platform, one.verdict, one.rule, one.number) for one in counted if one.verdict == "refused"
    ]


async def test_a_pending_run_says_how_many_equal_offers_came_with_new_ids(bretagne: PullHarness) -> None:
    titled = [offer(number, title=f"Découverte d'un atelier {number}") for number in range(30)]
    bretagne.region.offers = {one["id"]: one for one in titled}
    await bretagne.run()
    renumbered = [offer(100 + number, title=one["title"]) for number, one in enumerate(titled[:25])]
    bretagne.region.offers = {one["id"]: one for one in (*renumbered, offer(200), offer(201))}
    run = await bretagne.run()
    assert ("pending", 30) == (run.outcome, run.would_withdraw)
    assert "25 of these offers" in failure(run).en
    assert "25 de ces offres" in failure(run).fr


async def test_a_pending_run_without_renumbered_offers_does_not_speak_of_them(bretagne: PullHarness) -> None:
    bretagne.offers(*range(30))
    await bretagne.run()
    bretagne.offers(*range(10))
    run = await bretagne.run()
    assert "new id" not in failure(run).en
