"""Programs that others could have written, in JavaScript from the protocol page alone: the kit finds no fault in them.

A gateway with the mandatory part only, a publisher, and a subscriber that keeps its copy in SQLite. They need Node 20
and the command sqlite3; without these the tests are skipped, or fail with CI=true.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.model.case import RoleName
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.runner import Choice, cases_for, drive
from conformance.target.setup import Account, Setup
from gateway.demo.broker import free_ports
from tests.conformance.gateway_fixture import HOST, SCOPES, SLUGS

PROGRAMS = Path(__file__).parent / "independent"
ABSENT = ("batch", "snapshots", "idempotency", "moderation", "reference", "exports", "bounds", "restart")
"""Features that the gateway leaves out, declared as ``conformance.toml`` has it."""
SECRET = "essai-secret"
MOST_LINES = {"gateway": 400, "verdict": 400, "seal": 50, "personal": 50, "publisher": 200, "subscriber": 200}
MOST_COLUMNS = 120
STARTED_WITHIN = 60


def unavailable() -> str | None:
    """Why the programs cannot run here; None if they can."""
    missing = [command for command in ("node", "sqlite3") if shutil.which(command) is None]
    if missing:
        return f"independent programs: no {' and no '.join(missing)} on the path"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major = int(version.removeprefix("v").partition(".")[0])
    return None if major >= 20 else f"independent programs: Node 20 is needed, {version} is there"


@pytest.fixture(scope="module", autouse=True)
def node() -> None:
    reason = unavailable()
    if reason:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@asynccontextmanager
async def running(program: str, folder: Path, **configuration: Any) -> AsyncIterator[str]:
    """The program in a process of its own; gives the address that it prints."""
    configured = folder / f"{program}.json"
    configured.write_text(json.dumps(configuration), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        "node", str(PROGRAMS / f"{program}.mjs"), str(configured), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTED_WITHIN):
            address = (await process.stdout.readline()).decode().strip()
        assert address.startswith("http://127.0.0.1:"), f"{program} does not start"
        yield address
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def played(setup: Setup) -> Sequence[Result]:
    """The results of the command ``run``, with its examination of the set-up."""
    return (await drive(setup, cases_for(setup, Choice(), cases()), seed="independent")).results


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
    accounts = [
        {"platform": slug, "secret": SECRET, "scopes": sorted(SCOPES[name]), "hosts": [HOST] * (name == "subscriber")}
        for name, slug in SLUGS.items()
    ]
    async with running("gateway", tmp_path, accounts=accounts) as target:
        setup = Setup(
            role="gateway",
            target=target,
            profile="core",
            accounts={
                name: Account(platform=slug, client_id=slug, secret=SECRET, host=HOST if name == "subscriber" else None)
                for name, slug in SLUGS.items()
            },
            features=dict.fromkeys(ABSENT, False),
        )
        results = await played(setup)
    assert [] == alarms(results)
    assert passed(results) > 640


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
        account = Account(platform=slug, client_id=slug, secret=SECRET)
        setup = Setup(role=role, target="", listen=listen, control=control, accounts={role: account})
        results = await played(setup)
    assert [] == alarms(results)
    assert passed(results) > least


def test_the_programs_stay_small_and_need_nothing_but_node() -> None:
    lines = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in PROGRAMS.glob("*.mjs")}
    assert set(MOST_LINES) == set(lines)
    assert [] == [name for name, text in lines.items() if len(text) > MOST_LINES[name]]
    assert [] == [(name, line) for name, text in lines.items() for line in text if len(line) > MOST_COLUMNS]
    imported = {line.split(" from ")[1] for text in lines.values() for line in text if line.startswith("import ")}
    assert [] == [name for name in imported if not name.startswith(("'node:", "'./"))]
