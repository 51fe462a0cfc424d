"""Delivering to a simulated national site over HTTP: every state of a part, and the calls that lead there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from demo.national_site.fault import CallFault
from gateway.protocol.delivery import Delivery, delivery_document
from gateway.protocol.delivery_order import Reconcile, Replay
from gateway.protocol.record import OfferState
from schemas import validator
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, accounts_at, document, eventually, part_of, row_of
from tests.schemas.evolution.waiting import DEFAULT, FIELD

pytestmark = pytest.mark.slow

ONE = "bretagne:1"
JUNE = ["2027-W24", "2027-W25"]


async def delivered(make_harness: Make, **options: Any) -> ConnectorHarness:
    harness = await make_harness(**options)
    await harness.deliver(document(ONE))
    return harness


async def test_an_offer_is_created_updated_and_withdrawn(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    assert {ONE: "Découverte d'un atelier"} == harness.live()
    await harness.publish(document(ONE, revision=2, title="Deux semaines à l'atelier"))
    await eventually(lambda: harness.live() == {ONE: "Deux semaines à l'atelier"})
    await harness.withdraw(ONE)
    await harness.until_states({ONE: "withdrawn"})
    assert {} == harness.live()
    # a withdrawal is repeated until the site answers that nothing is left to delete
    assert (1, 1, 2) == tuple(harness.calls(method) - (method == "POST") for method in ("POST", "PATCH", "DELETE"))


async def test_every_record_of_a_delivery_follows_its_schema(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    harness.simulator.faults.order(CallFault("refused", "POST"))
    await harness.publish(
        document("bretagne:2", levels=["troisieme", "seconde"]), document("bretagne:3", weeks=["2027-W24"])
    )
    await eventually(
        lambda deliveries: states(deliveries) == ["delivered", "delivered", "not-deliverable", "refused"],
        of=harness.deliveries,
    )
    for delivery in (await harness.deliveries()).values():
        body = delivery_document(delivery)
        assert [] == [error.message for error in validator("delivery").iter_errors(body)]


async def test_a_superseded_revision_is_never_sent(make_harness: Make) -> None:
    harness = await make_harness()
    await harness.publish(*(document(f"bretagne:{n}") for n in range(5)))
    await harness.publish(*(document(f"bretagne:{n}", revision=2, title="Le dernier mot") for n in range(4)))
    await harness.withdraw("bretagne:0")
    await harness.start()
    await eventually(
        lambda: (
            harness.live()
            == {f"bretagne:{n}": "Le dernier mot" for n in range(1, 4)} | {"bretagne:4": "Découverte d'un atelier"}
        )
    )
    assert (5, 0, 0) == tuple(harness.calls(method) for method in ("POST", "PATCH", "DELETE"))  # one is the login


async def test_withdrawals_go_out_before_everything_else(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    await harness.stop()
    await harness.publish(*(document(f"bretagne:new-{n}") for n in range(30)))
    await harness.withdraw(ONE)
    await harness.start()
    await eventually(lambda: harness.live() == {f"bretagne:new-{n}": "Découverte d'un atelier" for n in range(30)})
    gone = row_of(harness.simulator, ONE).discarded_at
    assert gone is not None
    after = [row.published_at for row in harness.simulator.stock.rows if row.remote_id != ONE]
    assert 30 - 4 <= sum(at is not None and gone <= at for at in after)  # the few that were under way beside it


async def test_a_change_of_what_the_site_does_not_take_costs_no_call(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    await harness.publish(document(ONE, revision=2, source_id="ailleurs:7"))
    await eventually(lambda part: part.sequence == harness.sequence, of=lambda: harness.part(ONE))
    assert 0 == harness.calls("PATCH")


async def test_a_field_that_begins_costs_no_call(make_harness: Make) -> None:
    """EVO-005: offers that are sent again on its day, with the field, are what the site holds already."""
    documents = [document(f"bretagne:{number}") for number in range(20)]
    harness = await make_harness()
    await harness.deliver(*documents)
    states = [harness.state({**one, "revision": 2}) for one in documents]
    await harness.write(*(replace(one, offer={**(one.offer or {}), FIELD: DEFAULT}) for one in states))
    sequences = {one.id: one.known.sequence for one in states}
    await eventually(
        lambda deliveries: {one.id: one.sequence for one in deliveries.values()} == sequences, of=harness.deliveries
    )
    await harness.until_states({one["id"]: "delivered" for one in documents})
    assert (1 + len(documents), 0) == (harness.calls("POST"), harness.calls("PATCH"))  # a login, and each creation


async def test_a_republished_offer_gets_a_new_remote_id(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    await harness.withdraw(ONE)
    await harness.until_states({ONE: "withdrawn"})
    await harness.publish(document(ONE, revision=3))
    await harness.until_states({ONE: "delivered"})
    assert {f"{ONE}~2"} == set(harness.live())
    delivery = (await harness.deliveries())[ONE]
    assert [(1, "dead"), (2, "delivered")] == [(part.generation, part.state) for part in delivery.parts]


async def test_a_dead_remote_id_without_a_record_leads_to_the_next_generation(make_harness: Make) -> None:
    harness = await make_harness()
    row = harness.simulator.publish_on_site(
        owner=harness.operators["shared"],
        remote_id=ONE,
        title="Ancien",
        zipcode="35000",
        sector="s5",
        weeks=("2027-W24",),
    )
    harness.simulator.discard(row)
    await harness.deliver(document(ONE))
    assert {f"{ONE}~2"} == set(harness.live())


async def test_a_live_remote_id_is_adopted(make_harness: Make) -> None:
    harness = await make_harness()
    harness.simulator.publish_on_site(
        owner=harness.operators["shared"],
        remote_id=ONE,
        title="Ancien",
        employer_name="Atelier",
        zipcode="35000",
        city="Rennes",
        sector="s5",
        weeks=tuple(JUNE),
        grades=("seconde",),
    )
    await harness.deliver(document(ONE))
    assert {ONE: "Découverte d'un atelier"} == harness.live()


async def test_the_parts_of_a_mixed_offer_are_independent(make_harness: Make) -> None:
    harness = await make_harness()
    mixed = document(ONE, levels=["troisieme", "seconde"], weeks=["2027-W10", *JUNE])
    await harness.start(mixed)
    await harness.until_states({f"{ONE} college": "delivered", f"{ONE} lycee": "delivered"})
    assert {f"{ONE}~c", f"{ONE}~l"} == set(harness.live())
    await harness.publish({**mixed, "revision": 2, "levels": ["troisieme"]})
    await harness.until_states({f"{ONE} college": "delivered", f"{ONE} lycee": "withdrawn"})
    assert {f"{ONE}~c"} == set(harness.live())


async def test_a_refusal_is_recorded_and_blocks_no_other_offer(make_harness: Make) -> None:
    harness = await make_harness()
    harness.simulator.faults.order(CallFault("refused", "POST"))
    await harness.start(document(ONE), document("bretagne:2"))
    await eventually(lambda deliveries: states(deliveries) == ["delivered", "refused"], of=harness.deliveries)
    refused = next(d.parts[0] for d in (await harness.deliveries()).values() if d.parts[0].state == "refused")
    assert ["national-refused:other"] == [problem["code"] for problem in refused.problems]
    assert {"fr", "en"} == set(refused.problems[0]["message"])


def states(deliveries: Mapping[str, Delivery]) -> list[str]:
    return sorted(part.state for delivery in deliveries.values() for part in delivery.current())


async def test_a_refused_offer_goes_out_with_its_next_revision(make_harness: Make) -> None:
    harness = await make_harness()
    harness.simulator.faults.order(CallFault("refused", "POST"))
    await harness.start(document(ONE))
    await harness.until_states({ONE: "refused"})
    await harness.publish(document(ONE, revision=2))
    await harness.until_states({ONE: "delivered"})
    assert {ONE} == set(harness.live())


async def test_an_offer_that_the_site_would_refuse_is_not_sent_and_states_the_reason(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    await harness.publish(document(ONE, revision=2, weeks=["2027-W24"], stay_weeks=1))
    await harness.until_states({ONE: "not-deliverable"})
    assert {} == harness.live()
    part = await part_of(harness, ONE)
    assert ["not-deliverable:mandatory-weeks"] == [problem["code"] for problem in part.problems]


async def test_offers_of_next_year_wait_for_the_first_of_july(make_harness: Make) -> None:
    june_30 = 1_782_856_680_000  # 30 June 2026, 23:58 in Paris
    harness = await make_harness(start=june_30, speed=60.0)
    await harness.start(document(ONE))
    await harness.until_states({ONE: "pending"})
    assert "2026-07-01" == (await part_of(harness, ONE)).until
    assert 0 == harness.calls("POST")
    await harness.until_states({ONE: "delivered"})
    assert {ONE} == set(harness.live())


@pytest.mark.parametrize("zone", ["Europe/Paris", "UTC", "America/Guadeloupe", "Pacific/Noumea"])
async def test_offers_of_next_year_are_sent_once_the_day_has_come_in_the_sites_own_zone(
    make_harness: Make, zone: str
) -> None:
    """Twenty offers that the site refuses at midnight here come back within the hour after midnight there."""
    june_30 = 1_782_856_680_000  # 30 June 2026, 23:58 in Paris
    harness = await make_harness(start=june_30, speed=2_000.0)
    harness.simulator.zone = ZoneInfo(zone)
    ids = [f"bretagne:{number}" for number in range(20)]
    await harness.deliver(*(document(one) for one in ids))
    there = datetime(2026, 7, 1, tzinfo=ZoneInfo(zone)).timestamp() * 1_000
    assert harness.time.clock() < max(there, june_30) + 45 * 60_000


async def test_offers_of_last_year_are_never_updated(make_harness: Make) -> None:
    june_30 = 1_814_392_680_000  # 30 June 2027, 23:58 in Paris
    harness = await make_harness(start=june_30, speed=60.0)
    last = document(ONE, expires_on="2027-12-31")
    await harness.start(last)
    await harness.until_states({ONE: "delivered"})
    await eventually(lambda: harness.time.clock() > june_30 + 3 * 60_000)
    await harness.publish(
        {**last, "revision": 2, "title": "Trop tard"}, document("bretagne:2", levels=["troisieme"], weeks=["2027-W46"])
    )
    await harness.until_states({ONE: "delivered", "bretagne:2": "delivered"})
    assert 0 == harness.calls("PATCH")


@pytest.mark.parametrize(
    "changes",
    [{"redistribution": {"national": False}}, {"apply_url": "https://1eleve1stage.education.gouv.fr/offres/1"}],
)
async def test_an_offer_that_is_not_meant_for_the_site_is_not_sent(make_harness: Make, changes: dict[str, Any]) -> None:
    """[RTE-002] [RTE-003]."""
    harness = await make_harness()
    state = harness.state(document(ONE, **changes))
    if "apply_url" in changes:
        state = with_provenance(state, ("bretagne", "national"))
    await harness.write(state)
    await harness.deliver(document("bretagne:2"))
    assert {"bretagne:2"} == set(harness.live())


def with_provenance(state: OfferState, provenance: tuple[str, ...]) -> OfferState:
    return replace(state, known=replace(state.known, provenance=provenance))


async def test_a_platform_that_delivers_by_itself_is_not_delivered_until_the_gateway_takes_over(
    make_harness: Make,
) -> None:
    harness = await make_harness()
    await harness.save("bretagne", national_delivery="self")
    await harness.start(document(ONE))
    await harness.save("occitanie")
    await harness.publish(document("occitanie:1"))
    await harness.until_states({"occitanie:1": "delivered"})
    assert {"occitanie:1"} == set(harness.live())
    await harness.save("bretagne", national_delivery="gateway")
    await harness.until_states({"occitanie:1": "delivered", ONE: "delivered"})
    await harness.save("bretagne", national_delivery="self")
    await harness.withdraw(ONE)
    await harness.withdraw("occitanie:1")
    await harness.until_states({"occitanie:1": "withdrawn", ONE: "delivered"})
    assert {ONE} == set(harness.live())


async def test_a_platform_that_gets_an_account_of_its_own_moves_to_it(make_harness: Make) -> None:
    harness = await make_harness(names={"shared": ["*"], "bretagne": ["bretagne"]})
    both, harness.accounts = harness.accounts, accounts_at(harness.simulator.url, names={"shared": ["*"]})
    await harness.deliver(document(ONE))
    await harness.stop()
    harness.accounts = both
    await harness.start()
    await eventually(lambda: harness.live() == {f"{ONE}~2": "Découverte d'un atelier"})
    await harness.until_states({ONE: "delivered"})
    assert "bretagne" == (await part_of(harness, ONE)).account
    assert harness.operators["bretagne"] is row_of(harness.simulator, f"{ONE}~2").owner


async def test_one_week_of_seconde_goes_through_the_old_interface(make_harness: Make) -> None:
    harness = await make_harness(v1="0f" * 16)
    await harness.deliver(document(ONE, weeks=["2027-W24"], stay_weeks=1))
    assert ("2027-W24",) == row_of(harness.simulator, ONE).weeks


async def test_a_moderated_offer_is_never_sent_again_automatically(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    harness.simulator.discard(row_of(harness.simulator, ONE))
    answer = await harness.order(Reconcile(repair=True))
    assert [ONE] == answer["missing"]["remote_ids"]
    await harness.until_states({ONE: "moderated"})
    await harness.publish(document(ONE, revision=2), document("bretagne:2"))
    await harness.until_states({ONE: "moderated", "bretagne:2": "delivered"})
    assert {"bretagne:2"} == set(harness.live())
    assert 1 == (await harness.order(Replay((ONE,))))["replayed"]
    await harness.until_states({ONE: "delivered", "bretagne:2": "delivered"})
    assert {"bretagne:2", f"{ONE}~2"} == set(harness.live())
