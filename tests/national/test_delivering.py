"""Delivering to a simulated national site over HTTP: every state of a part, and the calls that lead there."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.national.delivery.order import Reconcile, Replay
from gateway.demo.national_site.fault import Fault
from gateway.protocol.delivery import delivery_document
from gateway.protocol.record import OfferState
from schemas import validator
from tests.national.conftest import Make
from tests.national.harness import Bench, accounts_at, document, eventually, part_of, row_of

ONE = "bretagne:1"
JUNE = ["2027-W24", "2027-W25"]


async def delivered(make_bench: Make, **options: Any) -> Bench:
    bench = await make_bench(**options)
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    return bench


async def test_an_offer_is_created_updated_and_withdrawn(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    assert {ONE: "Découverte d'un atelier"} == bench.live()
    await bench.publish(document(ONE, revision=2, title="Deux semaines à l'atelier"))
    await eventually(lambda: held(bench, {ONE: "Deux semaines à l'atelier"}))
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    assert {} == bench.live()
    # a withdrawal is repeated until the site says that nothing is left to delete
    assert (1, 1, 2) == tuple(bench.calls(method) - (method == "POST") for method in ("POST", "PATCH", "DELETE"))


async def held(bench: Bench, expected: dict[str, str]) -> bool:
    return bench.live() == expected


async def test_every_record_of_a_delivery_follows_its_schema(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    bench.simulator.faults.order(Fault("refused", "POST"))
    await bench.publish(
        document("bretagne:2", levels=["troisieme", "seconde"]), document("bretagne:3", weeks=["2027-W24"])
    )
    await eventually(lambda: states(bench, ["delivered", "delivered", "not-deliverable", "refused"]))
    for delivery in (await bench.deliveries()).values():
        body = delivery_document(delivery)
        assert [] == [error.message for error in validator("delivery").iter_errors(body)]


async def test_what_was_superseded_while_it_waited_never_goes_out(make_bench: Make) -> None:
    bench = await make_bench()
    await bench.publish(*(document(f"bretagne:{n}") for n in range(5)))
    await bench.publish(*(document(f"bretagne:{n}", revision=2, title="Le dernier mot") for n in range(4)))
    await bench.withdraw("bretagne:0")
    await bench.start()
    await eventually(
        lambda: held(
            bench, {f"bretagne:{n}": "Le dernier mot" for n in range(1, 4)} | {"bretagne:4": "Découverte d'un atelier"}
        )
    )
    assert (5, 0, 0) == tuple(bench.calls(method) for method in ("POST", "PATCH", "DELETE"))  # one is the login


async def test_withdrawals_go_out_before_everything_else(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    await bench.stop()
    await bench.publish(*(document(f"bretagne:new-{n}") for n in range(30)))
    await bench.withdraw(ONE)
    await bench.start()
    await eventually(lambda: held(bench, {f"bretagne:new-{n}": "Découverte d'un atelier" for n in range(30)}))
    gone = row_of(bench.simulator, ONE).discarded_at
    assert gone is not None
    after = [row.published_at for row in bench.simulator.stock.rows if row.remote_id != ONE]
    assert 30 - 4 <= sum(at is not None and gone <= at for at in after)  # the few that were under way beside it


async def test_a_change_of_what_the_site_does_not_take_costs_no_call(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    await bench.publish(document(ONE, revision=2, source_id="ailleurs:7"))
    await eventually(lambda: reached(bench, ONE, bench.sequence))
    assert 0 == bench.calls("PATCH")


async def reached(bench: Bench, offer_id: str, sequence: int) -> bool:
    part = await bench.part(offer_id)
    return part is not None and part.sequence == sequence


async def test_a_republished_offer_gets_a_new_remote_id(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    await bench.publish(document(ONE, revision=3))
    await bench.until_states({ONE: "delivered"})
    assert {f"{ONE}~2"} == set(bench.live())
    delivery = (await bench.deliveries())[ONE]
    assert [(1, "dead"), (2, "delivered")] == [(part.generation, part.state) for part in delivery.parts]


async def test_a_dead_name_that_nobody_remembers_leads_to_the_next_generation(make_bench: Make) -> None:
    bench = await make_bench()
    row = bench.simulator.publish_on_site(
        owner=bench.operators["shared"],
        remote_id=ONE,
        title="Ancien",
        zipcode="35000",
        sector="s5",
        weeks=("2027-W24",),
    )
    bench.simulator.discard(row)
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert {f"{ONE}~2"} == set(bench.live())


async def test_a_name_that_is_alive_there_is_taken_over(make_bench: Make) -> None:
    bench = await make_bench()
    bench.simulator.publish_on_site(
        owner=bench.operators["shared"],
        remote_id=ONE,
        title="Ancien",
        employer_name="Atelier",
        zipcode="35000",
        city="Rennes",
        sector="s5",
        weeks=tuple(JUNE),
        grades=("seconde",),
    )
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert {ONE: "Découverte d'un atelier"} == bench.live()


async def test_the_parts_of_a_mixed_offer_are_independent(make_bench: Make) -> None:
    bench = await make_bench()
    mixed = document(ONE, levels=["troisieme", "seconde"], weeks=["2027-W10", *JUNE])
    await bench.publish(mixed)
    await bench.start()
    await bench.until_states({f"{ONE} college": "delivered", f"{ONE} lycee": "delivered"})
    assert {f"{ONE}~c", f"{ONE}~l"} == set(bench.live())
    await bench.publish({**mixed, "revision": 2, "levels": ["troisieme"]})
    await bench.until_states({f"{ONE} college": "delivered", f"{ONE} lycee": "withdrawn"})
    assert {f"{ONE}~c"} == set(bench.live())


async def test_a_refusal_is_told_and_blocks_nobody(make_bench: Make) -> None:
    bench = await make_bench()
    bench.simulator.faults.order(Fault("refused", "POST"))
    await bench.publish(document(ONE), document("bretagne:2"))
    await bench.start()
    await eventually(lambda: states(bench, ["delivered", "refused"]))
    refused = next(d.parts[0] for d in (await bench.deliveries()).values() if d.parts[0].state == "refused")
    assert ["national-refused:other"] == [problem["code"] for problem in refused.problems]
    assert {"fr", "en"} == set(refused.problems[0]["message"])


async def states(bench: Bench, expected: list[str]) -> bool:
    found = sorted(part.state for delivery in (await bench.deliveries()).values() for part in delivery.current())
    return found == expected


async def test_a_refused_offer_goes_out_with_its_next_revision(make_bench: Make) -> None:
    bench = await make_bench()
    bench.simulator.faults.order(Fault("refused", "POST"))
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "refused"})
    await bench.publish(document(ONE, revision=2))
    await bench.until_states({ONE: "delivered"})
    assert {ONE} == set(bench.live())


async def test_what_the_site_would_refuse_is_not_sent_and_says_why(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    await bench.publish(document(ONE, revision=2, weeks=["2027-W24"], stay_weeks=1))
    await bench.until_states({ONE: "not-deliverable"})
    assert {} == bench.live()
    part = await part_of(bench, ONE)
    assert ["not-deliverable:mandatory-weeks"] == [problem["code"] for problem in part.problems]


async def test_offers_of_next_year_wait_for_the_first_of_july(make_bench: Make) -> None:
    june_30 = 1_782_856_680_000  # 30 June 2026, 23:58 in Paris
    bench = await make_bench(start=june_30, speed=60.0)
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "pending"})
    assert "2026-07-01" == (await part_of(bench, ONE)).until
    assert 0 == bench.calls("POST")
    await bench.until_states({ONE: "delivered"})
    assert {ONE} == set(bench.live())


async def test_offers_of_last_year_are_never_updated(make_bench: Make) -> None:
    june_30 = 1_814_392_680_000  # 30 June 2027, 23:58 in Paris
    bench = await make_bench(start=june_30, speed=60.0)
    last = document(ONE, expires_on="2027-12-31")
    await bench.publish(last)
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    await eventually(lambda: past(bench, june_30 + 3 * 60_000))
    await bench.publish(
        {**last, "revision": 2, "title": "Trop tard"}, document("bretagne:2", levels=["troisieme"], weeks=["2027-W46"])
    )
    await bench.until_states({ONE: "delivered", "bretagne:2": "delivered"})
    assert 0 == bench.calls("PATCH")


async def past(bench: Bench, instant: int) -> bool:
    return bench.time.clock() > instant


@pytest.mark.parametrize(
    "changes",
    [{"redistribution": {"national": False}}, {"apply_url": "https://1eleve1stage.education.gouv.fr/offres/1"}],
)
async def test_what_may_not_go_there_is_not_sent(make_bench: Make, changes: dict[str, Any]) -> None:
    """[RTE-002] [RTE-003]."""
    bench = await make_bench()
    state = bench.state(document(ONE, **changes))
    if "apply_url" in changes:
        state = with_provenance(state, ("bretagne", "national"))
    await bench.write(state)
    await bench.publish(document("bretagne:2"))
    await bench.start()
    await bench.until_states({"bretagne:2": "delivered"})
    assert {"bretagne:2"} == set(bench.live())


def with_provenance(state: OfferState, provenance: tuple[str, ...]) -> OfferState:
    return replace(state, known=replace(state.known, provenance=provenance))


async def test_a_platform_that_delivers_by_itself_is_left_alone_until_it_is_the_gateways(make_bench: Make) -> None:
    bench = await make_bench()
    await bench.save("bretagne", national_delivery="self")
    await bench.publish(document(ONE))
    await bench.start()
    await bench.save("occitanie")
    await bench.publish(document("occitanie:1"))
    await bench.until_states({"occitanie:1": "delivered"})
    assert {"occitanie:1"} == set(bench.live())
    await bench.save("bretagne", national_delivery="gateway")
    await bench.until_states({"occitanie:1": "delivered", ONE: "delivered"})
    await bench.save("bretagne", national_delivery="self")
    await bench.withdraw(ONE)
    await bench.withdraw("occitanie:1")
    await bench.until_states({"occitanie:1": "withdrawn", ONE: "delivered"})
    assert {ONE} == set(bench.live())


async def test_a_platform_that_gets_an_account_of_its_own_moves_to_it(make_bench: Make) -> None:
    bench = await make_bench(names={"shared": ["*"], "bretagne": ["bretagne"]})
    both, bench.accounts = bench.accounts, accounts_at(bench.simulator.url, names={"shared": ["*"]})
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    await bench.stop()
    bench.accounts = both
    await bench.start()
    await eventually(lambda: held(bench, {f"{ONE}~2": "Découverte d'un atelier"}))
    await bench.until_states({ONE: "delivered"})
    assert "bretagne" == (await part_of(bench, ONE)).account
    assert bench.operators["bretagne"] is row_of(bench.simulator, f"{ONE}~2").owner


async def test_one_week_of_seconde_goes_through_the_old_interface(make_bench: Make) -> None:
    bench = await make_bench(v1="0f" * 16)
    await bench.publish(document(ONE, weeks=["2027-W24"], stay_weeks=1))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert ("2027-W24",) == row_of(bench.simulator, ONE).weeks


async def test_what_the_site_took_down_is_never_sent_again_by_itself(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    bench.simulator.discard(row_of(bench.simulator, ONE))
    answer = await bench.order(Reconcile(repair=True))
    assert [ONE] == answer["missing"]["remote_ids"]
    await bench.until_states({ONE: "moderated"})
    await bench.publish(document(ONE, revision=2), document("bretagne:2"))
    await bench.until_states({ONE: "moderated", "bretagne:2": "delivered"})
    assert {"bretagne:2"} == set(bench.live())
    assert 1 == (await bench.order(Replay((ONE,))))["replayed"]
    await bench.until_states({ONE: "delivered", "bretagne:2": "delivered"})
    assert {"bretagne:2", f"{ONE}~2"} == set(bench.live())
