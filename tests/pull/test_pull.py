"""Consecutive runs: the live offers follow the feed of a simulated platform, and a bad feed changes nothing."""

import pytest

from demo.region_site.simulator import FeedFault
from gateway.protocol.record import read_submission
from gateway.protocol.source_run import Counts
from gateway.protocol.submission import Publish, Retire, Withdraw
from gateway.protocol.topic import SUBMISSIONS
from tests.log.contract.log_fixture import read
from tests.pull.pull_harness import PullHarness, failure, offer, profile_of, refusals

pytestmark = pytest.mark.slow

FORMATS = ("csv", "json", "xml", "jobposting", "cleverconnect")
HARMLESS = [fault for fault in FeedFault if fault not in {FeedFault.SLOW, FeedFault.DUPLICATE_IDS}]


@pytest.mark.parametrize("form", FORMATS)
async def test_a_feed_is_published_updated_and_withdrawn_in_each_format(bretagne: PullHarness, form: str) -> None:
    bretagne.profile = profile_of(bretagne.url, form)
    run = await bretagne.run(1, 2, 3)
    assert ("applied", Counts(items=3, published=3)) == (run.outcome, run.counts), run.problems
    assert {"1", "2", "3"} == set(await bretagne.live())

    bretagne.region.offers["bretagne:2"]["title"] = "Découverte d'une scierie"
    del bretagne.region.offers["bretagne:3"]
    run = await bretagne.run()
    assert Counts(items=2, published=1, unchanged=1, withdrawn=1) == run.counts
    live = await bretagne.live()
    assert {"1", "2"} == set(live)
    assert live["2"].offer is not None
    assert "Découverte d'une scierie" == live["2"].offer["title"]


async def test_an_unchanged_offer_keeps_its_revision_and_a_changed_one_gets_the_start_of_its_run(
    bretagne: PullHarness,
) -> None:
    first = await bretagne.run(1, 2)
    bretagne.region.offers["bretagne:2"]["seats"] = 3
    second = await bretagne.run()
    live = await bretagne.live()
    assert first.started_at == live["1"].known.revision
    assert second.started_at == live["2"].known.revision


async def test_receipts_of_a_feed_name_the_snapshot_of_their_run(bretagne: PullHarness) -> None:
    """Publications and withdrawals of one run have one id, another one each run."""
    await bretagne.run(1, 2)
    bretagne.offers(1, title="Découverte d'une scierie")
    await bretagne.run()
    partitions = range(bretagne.log.partitions)
    records = [one for lane in partitions for one in await read(bretagne.log, SUBMISSIONS, lane)]
    found = [read_submission(one.value) for one in records if one.value is not None]
    uploads = [one.upload for one in found if isinstance(one, Publish | Retire)]
    assert None not in uploads
    assert (4, 2) == (len(uploads), len(set(uploads)))


async def test_a_feed_that_has_not_changed_is_not_even_read(bretagne: PullHarness) -> None:
    await bretagne.run(1)
    end = await bretagne.log.ends("submissions")
    run = await bretagne.run()
    assert ("unchanged", Counts(items=1, unchanged=1)) == (run.outcome, run.counts)
    assert end == await bretagne.log.ends("submissions")


async def test_after_a_failure_an_unchanged_feed_has_its_counts_and_problems_again(bretagne: PullHarness) -> None:
    bretagne.offers(1, 2)
    bretagne.region.offers["bretagne:2"]["sector"] = "s99"
    first = await bretagne.run()
    bretagne.region.fault = FeedFault.CUT
    assert "failed" == (await bretagne.run()).outcome
    bretagne.region.fault = None
    run = await bretagne.run()
    assert ("unchanged", Counts(items=2, unchanged=1, refused=1)) == (run.outcome, run.counts)
    assert refusals(first) == refusals(run)
    assert refusals(run)


async def test_an_unchanged_feed_is_read_in_full_when_ordered_and_submits_nothing_again(bretagne: PullHarness) -> None:
    await bretagne.run(1)
    end = await bretagne.log.ends("submissions")
    run = await bretagne.run(ordered=True)
    assert ("applied", Counts(items=1, unchanged=1)) == (run.outcome, run.counts)
    assert end == await bretagne.log.ends("submissions")


async def test_another_mapping_makes_the_same_feed_be_read_again(bretagne: PullHarness) -> None:
    await bretagne.run(1)
    bretagne.profile = profile_of(bretagne.url, most_megabytes=2)
    assert "applied" == (await bretagne.run()).outcome


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("fault", HARMLESS)
async def test_a_bad_feed_changes_nothing_and_says_why(bretagne: PullHarness, form: str, fault: FeedFault) -> None:
    bretagne.profile = profile_of(bretagne.url, form)
    bretagne.offers(*range(1, 6))
    await bretagne.run()
    before = await bretagne.live()
    bretagne.region.fault = fault
    run = await bretagne.run()
    assert run.outcome in {"failed", "pending"}, (run.outcome, run.counts)
    assert failure(run).at == run.ended_at
    assert failure(run).fr != failure(run).en
    assert before == await bretagne.live()
    bretagne.region.fault = None
    assert (await bretagne.run()).outcome in {"applied", "unchanged"}
    assert before == await bretagne.live()


async def test_repeated_ids_leave_their_offers_unchanged_and_hide_no_other(bretagne: PullHarness) -> None:
    await bretagne.run(1)
    before = await bretagne.live()
    bretagne.region.fault = FeedFault.DUPLICATE_IDS
    run = await bretagne.run()
    assert ("failed", Counts(items=2, refused=2)) == (run.outcome, run.counts), "every item is refused"
    assert [("bretagne:1", "id-repeated")] == refusals(run)
    [group] = [one for one in run.problems if one["position"]]
    assert (2, ["0 (l. 1)", "1 (l. 1)"]) == (group["count"], [one["position"] for one in group["examples"]])
    assert "1 (l. 1)" in group["message"]["fr"], "the first is named the position of the other"
    assert before == await bretagne.live()


async def test_an_identical_item_counts_once_and_its_offer_is_published(bretagne: PullHarness) -> None:
    bretagne.offers(1, 2)
    bretagne.region.offers["again"] = {**bretagne.region.offers["bretagne:1"]}
    run = await bretagne.run()
    assert ("applied", Counts(items=2, published=2), []) == (run.outcome, run.counts, refusals(run))
    assert {"1", "2"} == set(await bretagne.live())


async def test_a_later_item_that_differs_takes_back_the_first_one_of_a_new_offer(bretagne: PullHarness) -> None:
    """The first one is on the spool by then."""
    bretagne.offers(*range(60))
    bretagne.region.offers["again"] = {**bretagne.region.offers["bretagne:0"], "title": "Découverte d'une scierie"}
    run = await bretagne.run()
    assert ("applied", Counts(items=61, published=59, refused=2)) == (run.outcome, run.counts)
    assert {str(number) for number in range(1, 60)} == set(await bretagne.live())


async def test_a_refused_item_hides_no_other_and_its_last_good_version_stays(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    before = await bretagne.live()
    bretagne.region.offers["bretagne:1"]["sector"] = "s99"
    bretagne.region.offers["bretagne:2"]["title"] = "Découverte d'une scierie"
    run = await bretagne.run()
    assert Counts(items=2, published=1, refused=1) == run.counts
    assert {"bretagne:1"} == {offer_id for offer_id, _ in refusals(run)}
    live = await bretagne.live()
    assert before["1"] == live["1"]
    assert before["2"] != live["2"]


async def test_personal_data_is_a_warning_and_never_stored(bretagne: PullHarness) -> None:
    bretagne.offers(1, description="Observer l'atelier. Écrire à marie.durand@atelier.example pour venir.")
    run = await bretagne.run()
    assert Counts(items=1, published=1, warned=1) == run.counts
    live = await bretagne.live()
    assert live["1"].offer is not None
    assert "@" not in live["1"].offer["description"]


async def test_a_feed_that_shrinks_too_much_waits_for_its_number_to_be_confirmed(bretagne: PullHarness) -> None:
    bretagne.offers(*range(30))
    await bretagne.run()
    bretagne.offers(*range(10))
    run = await bretagne.run()
    assert ("pending", 20) == (run.outcome, run.would_withdraw)
    assert 30 == len(await bretagne.live())
    assert "pending" == (await bretagne.run(confirm=19)).outcome
    run = await bretagne.run(confirm=20)
    assert ("applied", 20) == (run.outcome, run.counts.withdrawn)
    assert 10 == len(await bretagne.live())


async def test_a_feed_without_any_offer_waits_to_be_confirmed_as_well(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    bretagne.offers()
    run = await bretagne.run()
    assert ("pending", 2) == (run.outcome, run.would_withdraw)
    assert 2 == len(await bretagne.live())


async def test_items_without_a_readable_id_stop_withdrawals_and_nothing_else(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    bretagne.offers(2, 3)
    bretagne.region.offers["?"] = {**offer("x"), "id": "bretagne:"}
    run = await bretagne.run()
    assert ("partial", 1, 1, 0) == (run.outcome, run.counts.published, run.counts.refused, run.counts.withdrawn)
    assert {"1", "2", "3"} == set(await bretagne.live())


async def test_a_feed_none_of_whose_items_has_an_id_is_no_feed(bretagne: PullHarness) -> None:
    await bretagne.run(1)
    bretagne.region.offers = {"?": {**offer("x"), "id": "bretagne:"}}
    run = await bretagne.run()
    assert "failed" == run.outcome
    assert "feed-without-ids" == failure(run).code
    assert {"1"} == set(await bretagne.live())


async def test_an_offer_that_was_absent_comes_back_with_its_content(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    await bretagne.run(1)
    assert {"1"} == set(await bretagne.live())
    run = await bretagne.run(1, 2)
    assert Counts(items=2, published=1, unchanged=1) == run.counts
    assert {"1", "2"} == set(await bretagne.live())


async def test_a_moderated_offer_is_refused_and_never_comes_back_by_the_feed(bretagne: PullHarness) -> None:
    await bretagne.run(1, 2)
    live = await bretagne.live()
    await bretagne.means.submissions.submit(
        [Retire(receipt="r1", id="bretagne:1", if_revision=live["1"].known.revision, reason="moderated")]
    )
    await bretagne.settle()
    bretagne.region.offers["bretagne:1"]["title"] = "Encore nous"
    run = await bretagne.run()
    assert Counts(items=2, unchanged=1, refused=1) == run.counts
    assert [("bretagne:1", "moderated")] == refusals(run)
    assert {"2"} == set(await bretagne.live())


async def test_an_offer_that_its_platform_filled_by_the_api_is_published_again_while_the_feed_has_it(
    bretagne: PullHarness,
) -> None:
    await bretagne.run(1)
    revision = (await bretagne.live())["1"].known.revision + 1
    filled = Withdraw(
        receipt="r1", publisher="bretagne", id="bretagne:1", revision=revision, reason="filled", digest="00"
    )
    await bretagne.means.submissions.submit([filled])
    await bretagne.settle()
    assert {} == await bretagne.live()
    run = await bretagne.run(ordered=True)
    assert Counts(items=1, published=1) == run.counts
    assert {"1"} == set(await bretagne.live())


async def test_a_feed_beyond_its_limit_changes_nothing(bretagne: PullHarness) -> None:
    bretagne.offers(*range(4_000))
    run = await bretagne.run()
    assert "failed" == run.outcome
    assert "feed-too-large" == failure(run).code
    assert {} == await bretagne.live()
