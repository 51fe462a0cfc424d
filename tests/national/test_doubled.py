"""Two rows under one remote id: the site refuses every update of them, because each blocks the other's name."""

from adapters.national.connector_order import Reconcile
from tests.national.bench import document, eventually
from tests.national.test_bad_offers import ONE, delivered, only, twice


async def test_a_doubled_offer_is_replaced_when_its_update_is_refused(make_bench):
    """Nobody has to order a reconciliation, and the publisher is not told to correct an id that is right."""
    bench = await delivered(make_bench)
    twice(bench)
    await bench.publish(document(ONE, revision=2, title="Un autre titre"))
    await eventually(lambda: only(bench, f"{ONE}~2"))
    await bench.until_states({ONE: "delivered"})
    assert "Un autre titre" == bench.simulator.row(f"{ONE}~2").title
    assert () == (await bench.deliveries())[ONE].current()[0].problems


async def test_a_doubled_offer_that_is_withdrawn_meanwhile_leaves_nothing(make_bench):
    bench = await delivered(make_bench)
    twice(bench)
    await bench.publish(document(ONE, revision=2, title="Un autre titre"))
    await eventually(lambda: was_refused(bench))
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    assert {} == bench.live()


async def was_refused(bench):
    return bench.simulator.answered["PATCH", 400] > 0


async def test_an_update_refused_for_its_name_without_a_second_row_stays_refused(make_bench):
    """A row that the index does not list blocks the name: nothing is deleted for a reason that cannot be seen."""
    bench = await delivered(make_bench)
    twice(bench)
    first, second = bench.simulator.stock.named(ONE)
    bench.simulator.discard(second)
    await bench.publish(document(ONE, revision=2, title="Un autre titre"))
    await bench.until_states({ONE: "refused"})
    assert first.kept
    assert ["/id"] == [one["pointer"] for one in (await bench.deliveries())[ONE].current()[0].problems]
    answer = await bench.order(Reconcile())
    assert 0 == answer["doubled"]["count"]
