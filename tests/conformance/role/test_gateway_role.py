"""The kit on our gateway, on both logs: it passes every case with no announced failure, also when it is killed."""

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conformance.clock import milliseconds, now
from conformance.model.case import CaseDocument
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.report.document import evidence_of, report_of
from conformance.role.runner import CaseSelection, cases_for, drive
from conformance.target.doctor import examine
from conformance.target.setup import Setup, TargetAccount
from demo.broker import free_ports
from gateway.protocol.certificate import Nonce
from gateway.protocol.evidence import Evidence, judge_evidence
from gateway.settings import Settings
from schemas.kit_cases import seed_of
from tests.conformance.gateway_fixture import onboard, played_on, running_gateway, settings_in
from tests.conformance.matrix import gateway_cases, play
from tests.conformance.mutants.proxy import Answer, Forward, Mutant, Seen, honest, json_answer, proxied

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
NONCE = "nonce-of-a-test-0123"


@pytest.fixture
async def right(tmp_path: Path) -> AsyncIterator[Setup]:
    async with running_gateway(tmp_path) as setup:
        yield setup


async def played(setup: Setup, choice: CaseSelection) -> list[tuple[str, Outcome, object]]:
    return outcomes(await played_on(setup, cases_for(setup, choice, cases()), seed="s"))


def outcomes(results: Sequence[Result]) -> list[tuple[str, Outcome, object]]:
    return [(result.case.id, result.outcome, result.findings or result.reason) for result in results]


@pytest.fixture(
    params=[pytest.param("embedded", marks=pytest.mark.smoke), pytest.param("kafka", marks=pytest.mark.kafka)]
)
def kafka(request: pytest.FixtureRequest) -> str | None:
    servers: str | None = request.getfixturevalue("kafka_servers") if request.param == "kafka" else None
    return servers


@pytest.mark.timeout(1_500)
async def test_our_gateway_passes_every_case(tmp_path: Path, kafka: str | None) -> None:
    """On the embedded log in the whole run of the command, with examination and mark: the mark disturbs no case, and
    the run is evidence for a certificate (CER-004). On
    Kafka through a proxy without a fault, as the wrong gateways of test_mutants are: what is caught there is the
    fault, not the proxy.
    """
    async with running_gateway(tmp_path, kafka) as right:
        if kafka is None:
            chosen = cases_for(right, CaseSelection(), cases())
            run = await drive(right, chosen, seed=seed_of(NONCE, platform="bretagne", role="gateway"))
            found = outcomes(run.results)
            assert run.conforms, [each for each in found if each[1] not in {Outcome.PASS, Outcome.OMIT}]
            document = evidence_of(
                report_of(run), platform="bretagne", nonce=NONCE, played=chosen, off=["restart"], used=run.used
            )
            nonce = Nonce(text=NONCE, issued_at=milliseconds() - 600_000, expires_at=milliseconds() + 600_000)
            judged = judge_evidence(document, platform="bretagne", nonces=[nonce], now=milliseconds(), used=())
            assert isinstance(judged, Evidence), judged
        else:
            unchanged = Mutant("right", "nothing", "document/sound", honest)
            found = outcomes(await play(right, unchanged, gateway_cases(), seed="right"))
    assert [] == [each for each in found if each[1] not in {Outcome.PASS, Outcome.OMIT}]
    assert sum(each[1] is Outcome.PASS for each in found) > 680


class Ending:
    """A gateway in a process of its own, and a command that kills it and starts it again."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.script = folder / "gateway.sh"
        self.pid = folder / "pid"
        self.url = ""

    async def start(self) -> None:
        port, management = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        settings = replace(
            self.settings,
            port=port,
            management_port=management,
            signing_key=_signing_key(self.folder / "signing.pem") if self.settings.kafka else None,
        )
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.to_environ().items())
        serve = 'import sys; from gateway.cli import main; sys.argv = ["passerelle", "serve"]; main()'
        python = f"{shlex.quote(sys.executable)} -c {shlex.quote(serve)}"
        command = f"cd {shlex.quote(str(ROOT))} && {variables} exec {python}"
        self.script.write_text(
            f"test -f {self.pid} && kill -9 $(cat {self.pid})\n"
            f"({command}) >{self.folder}/out 2>&1 </dev/null &\necho $! >{self.pid}\n"
        )
        process = await asyncio.create_subprocess_exec("sh", str(self.script))
        assert 0 == await process.wait()
        async with asyncio.timeout(90), aiohttp.ClientSession() as session:
            while not await _answers(session, self.url):
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        process = await asyncio.create_subprocess_shell(f"kill -9 $(cat {self.pid})")
        await process.wait()


def _signing_key(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/.well-known/passerelle") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


@pytest.mark.timeout(300)
async def test_our_gateway_survives_a_kill_during_publications(tmp_path: Path, kafka: str | None) -> None:
    settings = settings_in(tmp_path, kafka)
    accounts = await onboard(settings)
    ending = Ending(tmp_path, settings)
    await ending.start()
    try:
        restart = f"sh {shlex.quote(str(ending.script))}"
        setup = Setup(role="gateway", target=ending.url, accounts=accounts, restart=restart)
        found = await played(setup, CaseSelection(families=("crash",)))
    finally:
        await ending.end()
    assert {
        ("crash/restart-amid-publications", Outcome.PASS, None),
        ("crash/key-after-a-restart", Outcome.PASS, None),
    } == set(found)


async def test_without_a_hook_a_crash_could_not_be_verified(right: Setup) -> None:
    found = await played(replace(right, features={}), CaseSelection(families=("crash",)))
    assert [Outcome.SKIP, Outcome.SKIP] == [outcome for _, outcome, _ in found]


async def _without_batches(seen: Seen, forward: Forward) -> Answer:
    """A gateway that does not support batches, and announces that."""
    if seen.path == "/v1/offers/batch":
        problem = json_answer(404, {"type": "x", "title": "x", "status": 404})
        return Answer(problem.status, {"Content-Type": "application/problem+json"}, problem.body)
    answered = await forward(seen)
    if seen.path == "/.well-known/passerelle" and answered.status == 200:
        body = answered.json
        return answered.saying({**body, "endpoints": {k: v for k, v in body["endpoints"].items() if k != "batch"}})
    return answered


async def test_the_absence_of_an_unsupported_feature_is_tested(right: Setup) -> None:
    chosen = CaseSelection(cases=("feature/no-batch", "batch/all-queued"))
    async with proxied(right.target, _without_batches) as url:
        without = replace(right, target=url, features={"batch": False})
        found = {name: outcome for name, outcome, _ in await played(without, chosen)}
    assert {"feature/no-batch": Outcome.PASS, "batch/all-queued": Outcome.OMIT} == found
    claimed = {name: outcome for name, outcome, _ in await played(replace(right, features={"batch": False}), chosen)}
    assert Outcome.FAIL is claimed["feature/no-batch"]


async def test_a_wrong_secret_is_a_configuration_error(right: Setup) -> None:
    wrong = TargetAccount(platform="bretagne", client_id="bretagne", secret="faux")
    setup = replace(right, accounts={**right.accounts, "publisher": wrong})
    [found] = await played(setup, CaseSelection(cases=("publish/new-is-201",)))
    assert Outcome.CONFIG_ERROR is found[1]
    killing = replace(setup, features={}, restart="true", patience=0.05)
    crashed = await played(killing, CaseSelection(families=("crash",)))
    assert [Outcome.CONFIG_ERROR, Outcome.CONFIG_ERROR] == [outcome for _, outcome, _ in crashed]


async def test_an_account_that_is_missing_leaves_its_cases_unverified(right: Setup) -> None:
    accounts = {name: account for name, account in right.accounts.items() if name != "operator"}
    [found] = await played(replace(right, accounts=accounts), CaseSelection(cases=("withdrawal/lifted",)))
    assert Outcome.SKIP is found[1]


async def doctor(setup: Setup, at: str) -> dict[str, str]:
    async with aiohttp.ClientSession() as session:
        return {check.name["en"]: check.state async for check in examine(setup, session, now=at)}


async def test_the_doctor_finds_nothing_wrong_with_a_right_set_up(right: Setup) -> None:
    async with aiohttp.ClientSession() as session:
        found = [check async for check in examine(right, session, now=now())]
    assert [] == [check for check in found if check.state != "good"]
    assert "reset neighbour" in {check.name["en"] for check in found}


async def _just_started(seen: Seen, forward: Forward) -> Answer:
    """A correct gateway that is not ready at the first request."""
    if seen.path.startswith("/v1/") and seen.path not in seen.memory:
        seen.memory[seen.path] = True
        return json_answer(503, {"code": "view-behind"})
    return await forward(seen)


async def test_the_doctor_waits_for_a_gateway_that_has_just_been_started(right: Setup) -> None:
    async with proxied(right.target, _just_started) as url:
        assert {"good"} == set((await doctor(replace(right, target=url), now())).values())


async def test_the_doctor_names_what_is_wrong(right: Setup) -> None:
    assert {"reachable": "wrong"} == await doctor(
        replace(right, target="http://127.0.0.1:1"), "2026-01-01T00:00:00+00:00"
    )
    swapped = {
        **right.accounts,
        "subscriber": right.accounts["publisher"],
        "publisher": right.accounts["subscriber"],
    }
    found = await doctor(replace(right, accounts=swapped, features={}), "2020-01-01T00:00:00+00:00")
    wrong = {name for name, state in found.items() if state != "good"}
    assert {"clock", "account publisher", "account subscriber", "restart"} == wrong


OF_OTHER_DAYS = {"snapshot/invisible-refused"}
"""Omitted until the day from which the rule is an error (``error_from``)."""
ODD = "+&#% é/="
"""Characters that a cursor may hold; the subscriber encodes it."""
_OPAQUE = ("cursor", "mark")


async def _with_odd_cursors(seen: Seen, forward: Forward) -> Answer:
    """A correct gateway whose cursors and marks have another form, and whose pages of receipts are short."""
    known = {name: value.removeprefix(ODD) for name, value in seen.query.items() if name in {*_OPAQUE, "snapshot"}}
    short = {"limit": "7"} if seen.path == "/v1/receipts" else {}
    answered = await forward(seen.asking(**known, **short))
    if answered.status not in {200, 201} or not isinstance(answered.json, dict):
        return answered
    given = {name: ODD + answered.json[name] for name in _OPAQUE if isinstance(answered.json.get(name), str)}
    return answered.saying({**answered.json, **given}) if given else answered


@pytest.mark.timeout(300)
async def test_cursors_and_marks_may_hold_any_character(right: Setup) -> None:
    async with proxied(right.target, _with_odd_cursors) as url:
        odd = replace(right, target=url, features={}, restart="true")
        found = await played(odd, CaseSelection(families=("feed", "snapshot", "crash")))
    assert [] == [each for each in found if each[1] is not Outcome.PASS and each[0] not in OF_OTHER_DAYS]
    assert len(found) > 30


async def _late_on_other_routes(seen: Seen, forward: Forward) -> Answer:
    """A correct gateway on which routes other than publication return an offer from the second request on."""
    question = f"{seen.method} {seen.path} {sorted(seen.query.items())}"
    reads = (
        seen.method == "GET" and seen.path.startswith(("/v1/offers/", "/v1/receipts")) and "cursor" not in seen.query
    )
    if question in seen.memory or not (reads or seen.path.endswith("/moderation")):
        return await forward(seen)
    seen.memory[question] = True
    empty: dict[str, object] = {"receipts": [], "cursor": None, "more": False}
    return json_answer(200, empty) if seen.path == "/v1/receipts" else json_answer(404, {"code": "not-found"})


async def test_other_routes_may_return_an_offer_later_than_its_verdict(right: Setup) -> None:
    chosen = CaseSelection(families=("withdrawal", "receipt", "repeat", "snapshot"))
    async with proxied(right.target, _late_on_other_routes) as url:
        found = await played(replace(right, target=url), chosen)
    assert [] == [each for each in found if each[1] is not Outcome.PASS and each[0] not in OF_OTHER_DAYS]
    assert len(found) > 50


async def _with_odd_problems(seen: Seen, forward: Forward) -> Answer:
    """A gateway whose problems point to null, and whose results are strings."""
    answered = await forward(seen)
    if seen.publishes and answered.status == 422:
        problems = [{**problem, "pointer": None, "code": ["x"]} for problem in answered.json["problems"]]
        return answered.saying({**answered.json, "problems": problems})
    if seen.path == "/v1/offers/batch" and answered.status == 422:
        return answered.saying({**answered.json, "results": ["x"]})
    return answered


async def test_a_malformed_answer_is_the_targets_failure(right: Setup) -> None:
    documents = [(case.id, case.subject) for case in cases() if isinstance(case.subject, CaseDocument)]
    by_kind = {one.kind: name for name, one in documents if one.live and not one.expected.accepted}
    async with proxied(right.target, _with_odd_problems) as url:
        found = await played(replace(right, target=url), CaseSelection(cases=tuple(by_kind.values())))
    assert {"offer", "submission"} <= set(by_kind)
    assert {Outcome.FAIL} == {outcome for _, outcome, _ in found}
