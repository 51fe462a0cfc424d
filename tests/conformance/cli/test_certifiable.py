"""A platform that publishes by snapshots only, and one that the kit observes, each get a certificate."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from conformance.model.library import cases
from conformance.model.result import Outcome, Run
from conformance.report.document import check_evidence, evidence_of, report_of
from conformance.role.runner import CaseSelection, cases_for, drive
from conformance.target.setup import Setup
from conformance.words import Texts
from gateway.clock import now
from gateway.protocol.certificate import Nonce
from gateway.protocol.evidence import Evidence, judge_evidence
from schemas.kit_cases import features_of, seed_of
from tests.conformance.partner_fixtures import Publisher, interface, setup_for
from tests.conformance.partner_kinds import SnapshotPublisher

pytestmark = pytest.mark.slow

OBSERVED = {"order": False, "snapshots": False, "idempotency": False}
PAUSE = 0.3
NONCE = "nonce-of-a-test-0123"


async def certified(setup: Setup) -> tuple[Run, Evidence | Sequence[Texts]]:
    """The run of every case, and what a gateway's operator makes of its evidence."""
    chosen = cases_for(setup, CaseSelection(), cases())
    run = await drive(setup, chosen, seed=seed_of(NONCE, platform="bretagne", role="publisher"))
    off = [feature for feature in features_of("publisher") if not setup.supports(feature)]
    document = evidence_of(report_of(run), platform="bretagne", nonce=NONCE, played=chosen, off=off, used=run.used)
    assert [] == check_evidence(document), not_passed(run)
    nonce = Nonce(text=NONCE, issued_at=now() - 600_000, expires_at=now() + 600_000)
    return run, judge_evidence(document, platform="bretagne", nonces=[nonce], now=now(), used=run.used)


def not_passed(run: Run) -> list[tuple[str, object]]:
    return [
        (result.case.id, result.findings or result.reason)
        for result in run.results
        if result.outcome not in {Outcome.PASS, Outcome.OMIT}
    ]


def outcomes(run: Run, *families: str) -> set[Outcome]:
    return {result.outcome for result in run.results if result.case.family in families}


@pytest.mark.timeout(240)
async def test_a_platform_that_publishes_by_snapshots_only_gets_a_certificate() -> None:
    setup = setup_for(SnapshotPublisher)
    async with interface(SnapshotPublisher(f"http://{setup.listen}")) as control:
        run, judged = await certified(replace(setup, control=control, features={"idempotency": True}))
    assert isinstance(judged, Evidence), judged
    assert {Outcome.PASS} == outcomes(run, "publisher", "watched")


async def test_an_observed_platform_gets_a_certificate() -> None:
    setup = replace(setup_for(Publisher), observe=6.0, profile="core", features=OBSERVED)
    publisher = Publisher(f"http://{setup.listen}")
    using = asyncio.ensure_future(use(publisher))
    run, judged = await certified(setup)
    using.cancel()
    await publisher.close()
    assert isinstance(judged, Evidence), judged
    assert {Outcome.OMIT} == outcomes(run, "publisher")
    assert Outcome.PASS in outcomes(run, "watched")


async def use(publisher: Publisher) -> None:
    """Publish, change and withdraw, as a person does meanwhile."""
    await asyncio.sleep(PAUSE)
    for key in ("c", "a", "b"):
        await publisher.order("create", {"offer": key})
    await asyncio.sleep(2.0)
    await publisher.order("change", {"offer": "a"})
    await asyncio.sleep(PAUSE)
    await publisher.order("withdraw", {"offer": "b"})


async def test_an_observed_platform_that_loses_what_is_answered_503_gets_none() -> None:
    setup = replace(setup_for(Publisher), observe=3.0, profile="core", features=OBSERVED)
    publisher = Forgetful(f"http://{setup.listen}")
    using = asyncio.ensure_future(use(publisher))
    run = await drive(setup, cases_for(setup, CaseSelection(), cases()), seed="observed")
    using.cancel()
    await publisher.close()
    assert "watched/sent-again" in {case for case, _ in not_passed(run)}


class Forgetful(Publisher):
    async def repeats(self, status: int, answer: object, retry: float) -> bool:
        return status != 503 and await super().repeats(status, answer, retry)
