"""The kit on subscriber topics: no fault in those of our gateway, each wrong topic caught by what it names."""

from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio

from conformance.clock import now
from conformance.model.library import cases
from conformance.model.result import Outcome
from conformance.role.runner import CaseSelection, cases_for, drive
from conformance.target.doctor import examine
from conformance.target.setup import Setup, SetupError
from conformance.target.topic import subscriber_topics
from tests.conformance.gateway_fixture import played_on, running_gateway
from tests.conformance.matrix import caught, gateway_cases, naming
from tests.conformance.mutants.topics import HONEST, REPEATING, WRONG_TOPICS
from tests.conformance.topic_rewriter import reading, rewritten

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
_PATIENCE = 0.3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def right(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> AsyncIterator[Setup]:
    async with running_gateway(tmp_path_factory.mktemp("gateway"), kafka_servers) as setup:
        yield setup


async def test_the_kit_finds_no_fault_in_topics_that_are_written_again_as_they_are(right: Setup) -> None:
    async with rewritten(right, HONEST) as setup:
        results = await played_on(setup, reading(gateway_cases()), seed="honest")
    assert [] == [(each.case.id, each.findings, each.reason) for each in results if each.outcome is not Outcome.PASS]
    assert len(results) > 25


async def test_the_kit_finds_no_fault_in_topics_that_repeat_and_skip_as_they_may(right: Setup) -> None:
    chosen = [case for case in reading(gateway_cases()) if case.family == "topic" or case.id.endswith("-of-the-feed")]
    async with rewritten(right, REPEATING) as setup:
        results = await played_on(setup, chosen, seed="repeating")
    assert [] == [(each.case.id, each.findings, each.reason) for each in results if each.outcome is not Outcome.PASS]


async def test_a_whole_run_judges_the_topics(right: Setup) -> None:
    chosen = cases_for(right, CaseSelection(families=("topic",)), cases())
    run = await drive(right, chosen, seed="whole")
    assert [("topic/as-the-feed", Outcome.PASS), ("topic/compacted", Outcome.PASS)] == [
        (each.case.id, each.outcome) for each in run.results
    ]


async def test_a_topic_that_does_not_exist_is_named_and_not_created(right: Setup) -> None:
    assert right.cluster is not None
    elsewhere = replace(right, cluster=replace(right.cluster, prefix="nobody"))
    for _ in range(2):
        with pytest.raises(SetupError, match=r"nobody\.feed\.normandie\.v1 does not exist"):
            async with subscriber_topics(elsewhere):
                pass


async def test_the_doctor_opens_the_topics(right: Setup) -> None:
    assert right.cluster is not None
    elsewhere = replace(right, cluster=replace(right.cluster, prefix="nobody"))
    found = []
    async with aiohttp.ClientSession() as session:
        for setup in (right, elsewhere):
            checks = {check.name["en"]: check async for check in examine(setup, session, now=now())}
            found.append(checks["subscriber topics"].state)
    assert ["good", "wrong"] == found


@pytest.mark.parametrize("name", WRONG_TOPICS)
async def test_a_wrong_topic_is_caught_by_what_it_names(name: str, right: Setup) -> None:
    wrong = WRONG_TOPICS[name]
    async with rewritten(replace(right, patience=_PATIENCE), wrong) as setup:
        results = await played_on(setup, reading(naming(wrong, gateway_cases())), seed=name, fail_fast=True)
    assert caught(wrong, results).by, f"{wrong.fault}: {wrong.names} does not notice"
    found = [finding for each in results for finding in each.findings]
    assert "topic" in found[0].location["en"], found
