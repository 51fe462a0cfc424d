"""The roles publisher and subscriber: a correct partner passes every case, a wrong one fails the case of its fault."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

from conformance.clock import today
from conformance.model.result import Outcome, Result
from conformance.role.runner import playing, run_cases
from tests.conformance.matrix import caught, play_partner
from tests.conformance.mutants.known_partners import PARTNERS, WrongPartner
from tests.conformance.partner_fixtures import Partner, Publisher, Subscriber, cases_of, played, role_of, setup_for
from tests.conformance.partner_kinds import (
    BatchPublisher,
    FilteringSubscriber,
    GenerationSubscriber,
    KeyedPublisher,
    NightlyPublisher,
    QueuedPublisher,
    SnapshotPublisher,
    StoppingSubscriber,
    SynchronousPublisher,
    SynchronousSnapshotPublisher,
    TransactionalSubscriber,
    WaitingPublisher,
)
from tests.conformance.pushed_subscriber import PushedSubscriber

pytestmark = pytest.mark.slow

_TOGETHER = 20
NOT_USED: Mapping[type[Partner], set[str]] = {
    Publisher: {"snapshots", "idempotency"},
    WaitingPublisher: {"snapshots", "idempotency"},
    QueuedPublisher: {"snapshots", "idempotency"},
    BatchPublisher: {"snapshots", "idempotency"},
    KeyedPublisher: {"snapshots"},
    SnapshotPublisher: set(),
    SynchronousPublisher: {"snapshots", "idempotency"},
    SynchronousSnapshotPublisher: set(),
    NightlyPublisher: set(),
    Subscriber: {"push"},
    FilteringSubscriber: {"push"},
    GenerationSubscriber: {"push"},
    StoppingSubscriber: {"push"},
    TransactionalSubscriber: {"push"},
    PushedSubscriber: set(),
}
"""Correct partners, and the features that each does without."""


def wrong(results: Sequence[Result]) -> list[tuple[str, object]]:
    return [
        (result.case.id, result.findings or result.reason)
        for result in results
        if result.outcome not in {Outcome.PASS, Outcome.OMIT}
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def correct() -> Mapping[type[Partner], Sequence[Result]]:
    """The results of each correct partner in every case of its role."""
    found = await asyncio.gather(*(played(made, cases_of(role_of(made))) for made in NOT_USED))
    return dict(zip(NOT_USED, found, strict=True))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("made", NOT_USED)
def test_a_correct_partner_passes_every_case(
    made: type[Partner], correct: Mapping[type[Partner], Sequence[Result]]
) -> None:
    assert [] == wrong(correct[made])
    omitted = [result.case for result in correct[made] if result.outcome is Outcome.OMIT]
    assert omitted == [result.case for result in correct[made] if NOT_USED[made] & set(result.case.features)]
    assert len(correct[made]) - len(omitted) > 30


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def named() -> Mapping[str, Sequence[Result]]:
    """The results of each wrong partner in the cases that name its fault; several at once, since they mostly wait."""
    gate = asyncio.Semaphore(_TOGETHER)

    async def examine(mutant: WrongPartner) -> Sequence[Result]:
        async with gate:
            return await play_partner(mutant)

    return dict(zip(PARTNERS, await asyncio.gather(*map(examine, PARTNERS.values())), strict=True))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PARTNERS)
def test_a_wrong_partner_is_caught_by_the_case_that_names_its_fault(
    name: str, named: Mapping[str, Sequence[Result]]
) -> None:
    assert caught(PARTNERS[name], named[name]).by, PARTNERS[name].fault


@pytest.mark.parametrize("name", ["forgets-withdrawals", "does-not-wait", "ignores-removals", "rounds-sequences"])
async def test_a_wrong_partner_passes_cases_about_other_things(name: str) -> None:
    mutant = PARTNERS[name]
    others = {"publisher/creates", "publisher/changes", "subscriber/takes-upserts", "subscriber/many-pages"}
    chosen = [case for case in cases_of(role_of(mutant.made)) if case.id in others]
    assert [] == wrong(await played(mutant.made, chosen))


async def test_without_a_test_interface_the_kit_observes_and_lists_what_it_could_not_verify() -> None:
    setup = setup_for(Publisher)
    async with playing(setup, seed="s") as player:
        publisher = Publisher(f"http://{setup.listen}")
        await publisher.publish(publisher.document("bretagne:1", 1))
        await publisher.publish({**publisher.document("bretagne:2", 1), "max_candidates": 2})
        results = await run_cases(cases_of("publisher"), player, setup, on=today())
        await publisher.close()
    outcomes = {result.case.id: result.outcome for result in results}
    assert Outcome.SKIP is outcomes["publisher/creates"]
    assert Outcome.PASS is outcomes["watched/own-slug"]
    assert Outcome.FAIL is outcomes["watched/sound-documents"]


async def test_observing_nothing_verifies_nothing() -> None:
    setup = setup_for(Publisher)
    async with playing(setup, seed="s") as player:
        watched = [case for case in cases_of("publisher") if case.family == "watched"]
        results = await run_cases(watched, player, setup, on=today())
    assert {Outcome.SKIP} == {result.outcome for result in results}


async def test_an_unreachable_test_interface_is_a_configuration_error() -> None:
    setup = replace(setup_for(Subscriber), control="http://127.0.0.1:1")
    async with playing(setup, seed="s") as player:
        first = next(case for case in cases_of("subscriber") if case.family == "subscriber")
        [result] = await run_cases([first], player, setup, on=today())
    assert Outcome.CONFIG_ERROR is result.outcome


async def test_a_wrong_secret_gets_no_token_from_the_kit() -> None:
    setup = setup_for(Publisher)
    async with playing(setup, seed="s"):
        publisher = Publisher(f"http://{setup.listen}")
        form = {"grant_type": "client_credentials", "client_id": "bretagne", "client_secret": "faux"}
        async with publisher.session.post(f"{publisher.gateway}/oauth/token", data=form) as response:
            assert 401 == response.status
        publisher.token = "faux"
        status, _, _ = await publisher.send("PUT", "/v1/offers/bretagne:1", publisher.document("bretagne:1", 1))
        await publisher.close()
    assert 401 == status
