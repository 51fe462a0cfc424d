"""Programs that others could have written, in JavaScript from the protocol page alone: the kit finds no fault in them.

A gateway with the mandatory part only, a publisher, and a subscriber that keeps its copy in SQLite. They need Node 20
and the command sqlite3; without these the tests are skipped, or fail with CI=true.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.model.case import RoleName
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.runner import CaseSelection, cases_for, drive
from conformance.target.setup import Setup, TargetAccount
from demo.broker import free_ports
from tests.conformance.gateway_fixture import SLUGS
from tests.conformance.independent_fixture import PROGRAMS, SECRET, report_missing, running, running_gateway

pytestmark = pytest.mark.slow

MAX_LINES = {"gateway": 400, "verdict": 400, "publisher": 200, "subscriber": 200}
MAX_LINES |= dict.fromkeys(("digest", "personal", "request", "seal"), 50)
MAX_COLUMNS = 120


@pytest.fixture(scope="module", autouse=True)
def node() -> None:
    report_missing(pytest.fail, pytest.skip)


async def played(setup: Setup) -> Sequence[Result]:
    """The results of the command ``run``, with its examination of the set-up."""
    return (await drive(setup, cases_for(setup, CaseSelection(), cases()), seed="independent")).results


def alarms(results: Sequence[Result]) -> list[tuple[str, Outcome, object]]:
    return [
        (result.case.id, result.outcome, result.findings or result.reason)
        for result in results
        if result.outcome not in {Outcome.PASS, Outcome.OMIT}
    ]


def passed(results: Sequence[Result]) -> int:
    return sum(result.outcome is Outcome.PASS for result in results)


@pytest.mark.timeout(600)
async def test_the_kit_finds_no_fault_in_an_independent_gateway(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as setup:
        results = await played(setup)
    assert [] == alarms(results)
    assert passed(results) > 640


@pytest.mark.parametrize("territory", [["35"], ["35", "22", "14"]], ids="-".join)
async def test_the_kit_finds_no_fault_in_the_territory_of_an_independent_gateway(
    tmp_path: Path, territory: list[str]
) -> None:
    async with running_gateway(tmp_path, subscriber={"platform": "lecteur", "territory": territory}) as setup:
        wanted = CaseSelection(cases=("feed/left-the-own-territory",))
        results = (await drive(setup, cases_for(setup, wanted, cases()), seed="independent")).results
    assert [Outcome.PASS] == [each.outcome for each in results if each.case.family == "feed"], alarms(results)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("role", "least"), [("publisher", 20), ("subscriber", 25)])
async def test_the_kit_finds_no_fault_in_an_independent_partner(tmp_path: Path, role: RoleName, least: int) -> None:
    [port] = free_ports(1)
    listen = f"127.0.0.1:{port}"
    slug = SLUGS[role]
    async with running(
        role,
        tmp_path,
        gateway=f"http://{listen}",
        platform=slug,
        client_id=slug,
        secret=SECRET,
        database=str(tmp_path / "offers.sqlite"),
    ) as control:
        account = TargetAccount(platform=slug, client_id=slug, secret=SECRET)
        setup = Setup(role=role, target="", listen=listen, control=control, accounts={role: account})
        results = await played(setup)
    assert [] == alarms(results)
    assert passed(results) > least


def test_the_programs_stay_small_and_need_nothing_but_node() -> None:
    lines = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in PROGRAMS.glob("*.mjs")}
    assert set(MAX_LINES) == set(lines)
    assert [] == [name for name, text in lines.items() if len(text) > MAX_LINES[name]]
    assert [] == [(name, line) for name, text in lines.items() for line in text if len(line) > MAX_COLUMNS]
    imported = {line.split(" from ")[1] for text in lines.values() for line in text if line.startswith("import ")}
    assert [] == [name for name in imported if not name.startswith(("'node:", "'./"))]
