"""One cause that explains the failures is reported once and first, and ends the run; a wrong set-up is no failure."""

import asyncio
import socket
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from conformance.clock import today
from conformance.model.case import Case
from conformance.model.cause import FAMILY
from conformance.model.library import cases
from conformance.model.result import Deviation, Exchange, Outcome, Result, Run
from conformance.role.diagnosis import RunDiagnosis
from conformance.role.journal import SentSubmission, SubmissionJournal
from conformance.role.runner import drive, run_cases
from conformance.role.tally import Exchanges, RunTally
from conformance.role.traffic import Traffic
from conformance.role.watch import check_watch
from conformance.target.setup import Setup
from schemas.rulebook import LANGUAGES
from tests.conformance import wrong_partners as wrong
from tests.conformance.partner_fixtures import Partner, Publisher, Subscriber, interface, played, setup_for
from tests.conformance.wrong_partners import (
    DISCOVERED,
    TOKEN,
    Answering,
    Answers,
    always,
    driven,
    json,
    otherwise,
    own,
    run_of,
)

pytestmark = pytest.mark.slow


def cause_of(run: Run) -> Result:
    """The one cause, which comes first of all that did not pass."""
    [found] = [result for result in run.results if result.case.family == FAMILY]
    assert found == next(result for result in run.results if result.outcome not in {Outcome.PASS, Outcome.OMIT})
    assert all(found.case.mend[language] and found.case.title[language] for language in LANGUAGES)
    assert not run.conforms
    return found


@pytest.mark.parametrize(
    ("made", "code", "exit_code"),
    [
        (wrong.WrongSecret, "token-refused", 3),
        (wrong.OwnToken, "token-not-asked", 3),
        (wrong.WithoutHeader, "token-unused", 1),
        (wrong.CutsToken, "token-invalid", 1),
        (wrong.OtherEncoding, "requests-refused", 1),
        (wrong.NeverSends, "no-request", 3),
        (wrong.BasePath, "base-path", 3),
        (wrong.OtherPath, "unknown-paths", 1),
        (wrong.WithoutId, "set-up", 3),
        (wrong.Stuck, "interface-silent", 3),
        (wrong.Broken, "interface-fails", 3),
        (wrong.Silent, "interface-silent", 3),
        (wrong.NeverReads, "no-request", 3),
        (wrong.WrongSubscriberSecret, "token-refused", 3),
        (wrong.FailsToRead, "sync-fails", 1),
        (wrong.TokenByJson, "token-request", 1),
        (wrong.SecretInAddress, "token-request", 1),
        (wrong.AsksForMore, "requests-refused", 1),
    ],
)
async def test_a_partner_that_cannot_be_examined_is_described_once(
    made: type[Partner], code: str, exit_code: int
) -> None:
    run = await driven(made)
    assert (f"run/{code}", exit_code) == (cause_of(run).case.id, run.exit_code)
    assert 10 > sum(result.outcome is not Outcome.OMIT for result in run.results)


@pytest.mark.parametrize(
    ("made", "code", "case"),
    [
        (wrong.AsksForMore, "parameter-unknown", "subscriber/takes-upserts"),
        (wrong.CutsCursor, "cursor-forged", "subscriber/many-pages"),
    ],
)
async def test_a_reader_that_fails_at_a_refusal_of_the_feed_reads_the_refusal(
    made: type[Subscriber], code: str, case: str
) -> None:
    """And not that its test interface fails."""
    [result] = await played(made, [each for each in cases() if each.id == case])
    assert [code] == [finding.actual["en"] for finding in result.findings]


@pytest.mark.parametrize("made", [wrong.Markup, wrong.Insists])
async def test_a_publisher_whose_every_document_is_refused_reads_the_problem_first(made: type[Partner]) -> None:
    """Also where it never stops sending."""
    run = await driven(made)
    cause = cause_of(run)
    assert ("run/documents-refused", 1) == (cause.case.id, run.exit_code)
    assert "text-markup at /description" in cause.case.title["en"]
    assert "text-markup, en /description" in cause.case.title["fr"]
    assert cause.reason is not None
    assert "OFR-" in cause.case.requirements[0]
    assert 3 > sum(result.case.family == "publisher" and result.outcome is Outcome.FAIL for result in run.results)
    assert ["watched/sound-documents"] == [
        result.case.id for result in run.results if result.case.family == "watched" and result.outcome is Outcome.FAIL
    ]


async def test_an_observed_publisher_whose_every_document_is_refused_reads_the_problem_first() -> None:
    """The other invariants are judged as well."""
    setup = own(setup_for(wrong.Markup), features={"order": False}, patience=0.1, observe=1.5)
    publisher = wrong.Markup(f"http://{setup.listen}")
    publisher.slug = setup.accounts["publisher"].platform
    running = asyncio.ensure_future(run_of(setup))
    await asyncio.sleep(0.3)
    for number in (1, 2):
        await publisher.publish(publisher.document(f"{publisher.slug}:{number}", 1))
    run = await running
    await publisher.close()
    assert "run/documents-refused" == cause_of(run).case.id
    assert {"watched/sound-documents", "watched/own-slug"} <= {result.case.id for result in run.results}


@pytest.mark.parametrize("made", [Publisher, Subscriber])
async def test_a_correct_partner_has_no_cause(made: type[Partner]) -> None:
    run = await driven(made, patience=1.0)
    assert {Outcome.PASS, Outcome.OMIT} >= {result.outcome for result in run.results}
    assert 0 == run.exit_code


async def test_a_publisher_that_asks_for_other_addresses_first_has_no_cause() -> None:
    """With a patience in which every refusal would count at once."""
    run = await driven(wrong.Early, patience=0.1, only=("publisher/creates", "publisher/changes"))
    assert ["publisher/changes", "publisher/creates"] == sorted(result.case.id for result in run.results)


async def test_a_publisher_under_another_slug_is_caught_by_the_requirement() -> None:
    run = await driven(wrong.OtherSlug, only=("publisher/creates", "watched/own-slug"))
    failed = [result for result in run.results if result.outcome is Outcome.FAIL]
    assert "IDN-003" in [each for result in failed for each in result.case.requirements]
    assert 1 == run.exit_code


async def test_a_subscriber_without_a_test_interface_is_a_set_up_error() -> None:
    run = await run_of(own(setup_for(Subscriber)))
    assert ("run/no-interface", 3) == (cause_of(run).case.id, run.exit_code)


async def test_a_feature_that_is_declared_absent_and_used_does_not_conform() -> None:
    class Withdraws(Publisher):
        async def publish(self, document: dict[str, Any]) -> None:
            await self.withdraw(f"{self.slug}:former", 1)
            await super().publish(document)

    run = await driven(Withdraws, features={"withdrawals": False}, only=("publisher/creates",))
    assert ("withdrawals",) == run.used
    assert "run/uses-withdrawals" == run.results[-1].case.id
    assert not run.conforms


async def test_an_observed_publisher_that_never_comes_is_a_set_up_error() -> None:
    setup = own(setup_for(Publisher), features={"order": False}, patience=0.1)
    run = await run_of(setup)
    assert ("run/no-request", 3) == (cause_of(run).case.id, run.exit_code)


def html() -> web.Response:
    return web.Response(text="<html>Bienvenue</html>", content_type="text/html")


DATED = {"Date": "Mon, 05 Jan 2026 08:00:00 GMT"}
API: Answers = {"/oauth/token": TOKEN["/oauth/token"], **DISCOVERED}


@pytest.mark.parametrize(
    ("answer", "code", "exit_code"),
    [
        (wrong.never, "target-silent", 3),
        (wrong.trickling, "target-silent", 3),
        (always(500), "target-fails", 3),
        (always(503), "target-fails", 3),
        (always(404), "wrong-target", 3),
        (always(301, Location="https://elsewhere.example/"), "target-redirects", 3),
        (otherwise({"/.well-known/passerelle": html, "/oauth/token": html}, always(404)), "wrong-target", 3),
        (
            otherwise({"/.well-known/passerelle": lambda: json(200, {"protocol_version": "2"})}, always(404)),
            "protocol-version",
            3,
        ),
        (otherwise(DISCOVERED, always(401, {"error": "invalid_client"})), "token-refused", 3),
        (otherwise(API, always(404)), "base-path", 3),
        (otherwise(API, always(401)), "token-not-accepted", 1),
        (otherwise(API, always(403, {"code": "scope-missing"})), "scope-missing", 3),
        (otherwise({**API, "/v1/changes": lambda: json(200, {})}, always(403, {"code": "x"})), "wrong-platform", 3),
        (otherwise(API, always(429)), "rate-limited", 3),
        (otherwise(API, always(200, **DATED)), "clock", 3),
    ],
)
async def test_a_target_that_cannot_be_examined_is_described_once(answer: Answering, code: str, exit_code: int) -> None:
    async with wrong.target(answer) as setup:
        run = await run_of(setup)
    assert (f"run/{code}", exit_code, 1) == (cause_of(run).case.id, run.exit_code, len(run.results))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (wrong.never, "target-silent"),
        (always(500), "target-fails"),
        (always(404), "base-path"),
        (always(401), "token-refused"),
    ],
)
async def test_the_national_site_is_examined_in_the_same_way(answer: Answering, code: str) -> None:
    async with wrong.target(answer, role="national") as setup:
        run = await run_of(setup)
    assert (f"run/{code}", 3) == (cause_of(run).case.id, run.exit_code)


async def test_an_address_with_a_path_too_many_is_corrected() -> None:
    async with wrong.target(otherwise(DISCOVERED, always(404))) as setup:
        run = await run_of(replace(setup, target=f"{setup.target}/v1"))
    assert f'target = "{setup.target}"' in cause_of(run).case.mend["en"]


async def test_no_tls_where_tls_is_expected_is_named() -> None:
    async with wrong.target(always(200)) as setup:
        run = await run_of(replace(setup, target=setup.target.replace("http:", "https:")))
    assert "run/tls" == cause_of(run).case.id


async def test_a_gateway_that_refuses_the_valid_offer_is_quoted() -> None:
    """It refuses every document for the same reason."""
    problem = {"code": "week-past", "pointer": "/weeks/0", "severity": "error"}
    refusal = {"code": "submission-refused", "problems": [problem], "detail": "Semaine passée."}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path in API:
            return API[request.path]()
        return json(422, refusal) if request.method == "PUT" else json(200, {})

    async with wrong.target(answer) as setup:
        run = await run_of(setup)
    cause = cause_of_late(run)
    assert ("run/documents-refused", 1) == (cause.case.id, run.exit_code)
    assert "week-past at /weeks/0" in cause.case.title["en"]
    assert cause.reason is not None
    assert "Semaine passée." in cause.reason["fr"]
    assert len(run.results) < 20


async def test_a_target_that_dies_during_the_run_is_a_failure_since_that_case() -> None:
    """It answers the examination and some cases, and then nothing."""
    asked = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked > 30:
            return await wrong.never(request)
        if request.path in API:
            return API[request.path]()
        return json(200 if request.method == "GET" else 422, {"code": "x"})

    async with wrong.target(answer, patience=0.02) as setup:
        run = await run_of(setup)
    cause = cause_of_late(run)
    assert ("run/target-silent", 1) == (cause.case.id, run.exit_code)
    assert "since the case " in cause.case.title["en"]
    assert len(run.results) < 60


async def test_a_family_whose_requests_are_never_answered_is_left_after_three_cases() -> None:
    """One address hangs; everything else is answered."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path in API:
            return API[request.path]()
        if request.path.endswith("/batch"):
            return await wrong.never(request)
        return json(200 if request.method == "GET" else 422, {"code": "x"})

    async with wrong.target(answer, patience=0.01) as setup:
        chosen = [case for case in cases() if case.family in {"batch", "discovery"} and "gateway" in case.roles]
        run = await drive(setup, chosen, seed="s")
    batch = [result for result in run.results if result.case.family == "batch"]
    late = [result for result in batch if result.outcome is Outcome.FAIL]
    assert len(late) < 6
    assert len(batch) > 8
    assert {Outcome.SKIP} == {result.outcome for result in batch[-3:]}
    assert "discovery" in {result.case.family for result in run.results}


def cause_of_late(run: Run) -> Result:
    """The one cause of a run that had other failures before."""
    [found] = [result for result in run.results if result.case.family == FAMILY]
    return found


async def test_a_port_that_another_program_has_is_a_set_up_error() -> None:
    setup = own(setup_for(Publisher))
    address, _, port = setup.listen.rpartition(":")
    with socket.create_server((address, int(port))):
        run = await run_of(setup)
    assert 3 == run.exit_code
    assert setup.listen in cause_of(run).case.title["fr"]


async def test_a_second_run_on_an_account_is_refused_with_its_holder() -> None:
    """By the account of one program on another port, and by the port under another account."""
    first = own(setup_for(wrong.Stuck), patience=0.5)
    partner = wrong.Stuck(f"http://{first.listen}")
    async with interface(partner) as control:
        running = asyncio.ensure_future(run_of(replace(first, control=control)))
        await asyncio.sleep(0.5)
        other_port = replace(first, listen=setup_for(Publisher).listen, control=control)
        other_account = own(replace(first, control=control))
        found = [cause_of(await run_of(setup)) for setup in (other_port, other_account)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        again = await run_of(replace(other_port, patience=0.01))
    assert ["run/account-in-use", "run/port-in-use"] == [each.case.id for each in found]
    assert all("process" in each.case.title["en"] and ", since 20" in each.case.title["en"] for each in found)
    assert "run/interface-silent" == cause_of(again).case.id, "the lock ends with its run"


async def test_two_programs_of_one_name_are_examined_at_the_same_time() -> None:
    """Each behind its own test interface: they share no gateway."""
    first = own(setup_for(wrong.Stuck), patience=0.5)
    partner = wrong.Stuck(f"http://{first.listen}")
    second = replace(first, listen=setup_for(Publisher).listen, patience=0.01)
    async with interface(partner) as control, interface(partner) as other:
        running = asyncio.ensure_future(run_of(replace(first, control=control)))
        await asyncio.sleep(0.5)
        run = await run_of(replace(second, control=other))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert "run/interface-silent" == cause_of(run).case.id


async def diagnosis_of(setup: Setup, tally: RunTally) -> RunDiagnosis:
    async with aiohttp.ClientSession() as session:
        return RunDiagnosis(setup, session, tally)


def exchange(path: str = "/v1/offers/a:1", status: int = 201, **more: Any) -> Exchange:
    return Exchange(
        **{
            "method": "PUT",
            "url": f"http://127.0.0.1:1{path}",
            "headers": {"Authorization": "•••"},
            "body": "",
            "status": status,
            "answer_headers": {},
            "answer": "",
            "milliseconds": 1,
            **more,
        }
    )


async def test_a_flood_of_requests_ends_the_run_in_bounded_memory() -> None:
    setup, tally = own(setup_for(Publisher), control="http://c"), RunTally()
    diagnosis, journal = await diagnosis_of(setup, tally), Exchanges(tally)
    for number in range(100_001):
        assert diagnosis.during() is None
        status = 422 if number % 2 else 404
        journal.append(exchange(f"/v1/offer{number % 2 * 's'}/{number}", status, answer='{"code": "x"}'))
    found = diagnosis.during()
    assert found is not None
    assert ("flood", Outcome.FAIL) == (found.code, found.outcome)
    assert (100, 50, 1_000) == (len(journal), len(tally.unknown_paths), len(tally.refused_paths))


async def test_a_run_that_takes_too_long_ends_without_a_verdict() -> None:
    setup = own(setup_for(Publisher), patience=0.000_001, observe=0.001)
    diagnosis = await diagnosis_of(setup, RunTally())
    await asyncio.sleep(0.05)
    found = diagnosis.during()
    assert found is not None
    assert ("too-long", Outcome.SKIP) == (found.code, found.outcome)


class Failing:
    """A role with the same defect in every case."""

    def __init__(self) -> None:
        self.journal: list[Exchange] = []

    async def play(self, _case: Case) -> list[Deviation]:
        raise ZeroDivisionError


async def test_a_defect_of_the_kit_is_reported_once() -> None:
    setup = own(setup_for(Publisher), control="http://c")
    chosen = [case for case in cases() if "publisher" in case.roles]
    diagnosis = await diagnosis_of(setup, RunTally())
    results = await run_cases(chosen, Failing(), setup, on=today(), diagnosis=diagnosis)
    assert [("run/kit", Outcome.ERROR)] == [(result.case.id, result.outcome) for result in results]


def test_submissions_are_kept_in_bounded_memory_and_findings_too() -> None:
    journal = SubmissionJournal("bretagne")
    for number in range(100_100):
        journal.note(SentSubmission(id=f"x:{number}", revision=1, outcome="accepted", at=0.0))
    assert 100_000 == len(journal.sent)
    assert 1_000 == len(check_watch("slug", Traffic(), journal, since=0))
    assert [] == check_watch("resending", Traffic(), journal, since=0)


@pytest.mark.parametrize(
    "order",
    [
        [exchange(status=503), exchange(status=429), exchange(status=401), exchange(status=0)],
        [exchange(status=201), exchange(status=404, method="GET")],
        [exchange(status=422), exchange(status=201)],
        [exchange("/oauth/token", 401), exchange("/oauth/token", 200)],
    ],
)
async def test_faults_that_the_kit_ordered_and_single_refusals_are_no_cause(order: list[Exchange]) -> None:
    tally = RunTally()
    diagnosis = await diagnosis_of(own(setup_for(Publisher), control="http://c", patience=0.000_01), tally)
    tally.note(exchange("/oauth/token", 200))
    for each in order:
        tally.note(each)
    assert (None, None) == (diagnosis.during(), diagnosis.during())
    if not tally.taken:
        return
    assert diagnosis.gave_up() is None
