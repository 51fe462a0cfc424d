"""``passerelle national`` as the operator runs it: a process of its own beside a connector that works."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.national.maintenance.offer_orders import NEUTRAL
from gateway.log.sqlite import SqliteLog
from tests.fork_server import outcome
from tests.national.connector.conftest import Make
from tests.national.connector.harness import PASSWORD, ConnectorHarness, document, eventually, row_of

pytestmark = pytest.mark.slow


@pytest.fixture
async def harness(make_harness: Make, tmp_path: Path) -> AsyncIterator[ConnectorHarness]:
    log = await SqliteLog.open(tmp_path / "log.sqlite", partitions=3)
    one = await make_harness(log, speed=6_000.0)
    yield one
    await one.stop()
    await one.partners.close()
    await log.close()


async def command(harness: ConnectorHarness, *words: str) -> tuple[int, str]:
    """Its exit code and output, blanks joined."""
    environ = {"PASSERELLE_DATA": str(harness.folder), "NATIONAL_PASSWORD": PASSWORD}
    code, output = await outcome(environ, "national", *words)
    return code, " ".join(output.split())


async def at_work(harness: ConnectorHarness, *documents: dict[str, Any]) -> None:
    await harness.start(*documents)
    await eventually(lambda note: note.get("platforms") == ["*"], of=harness.note)


async def test_status_counts_the_deliveries(harness: ConnectorHarness) -> None:
    assert "No account has delivered yet" in (await command(harness, "status"))[1]
    await at_work(harness, document("bretagne:1"), document("bretagne:2", weeks=["2027-W24"]))
    await harness.until_states({"bretagne:1": "delivered", "bretagne:2": "not-deliverable"})
    code, output = await command(harness, "status")
    assert 0 == code
    assert "shared bretagne delivered 1" in output
    assert "shared bretagne not-deliverable 1" in output
    assert "1 not-deliverable:mandatory-weeks" in output


async def test_plan_lists_the_calls_and_their_duration(harness: ConnectorHarness) -> None:
    accounts = harness.folder / "accounts.json"
    entry = {"name": "shared", "email": "a@example.org", "password": {"env": "NATIONAL_PASSWORD"}, "platforms": ["*"]}
    accounts.write_text(json.dumps({"url": harness.simulator.url, "accounts": [entry]}))
    await harness.publish(*(document(f"bretagne:{n}") for n in range(250)), document("bretagne:x", weeks=["2027-W24"]))
    code, output = await command(harness, "plan", "--accounts", str(accounts))
    assert 0 == code
    assert "0 to withdraw, 250 to create, 0 to update" in output
    assert "1 cannot be delivered about 3 min at 100 calls a minute" in output
    assert 0 == harness.calls("POST")
    assert {} == await harness.deliveries()


async def test_orders_are_carried_out_by_the_gateway_and_leave_nothing_behind(harness: ConnectorHarness) -> None:
    await at_work(harness, document("bretagne:1"))
    await harness.until_states({"bretagne:1": "delivered"})
    code, output = await command(harness, "reconcile")
    assert (0, True) == (code, "matched: 1" in output)
    harness.simulator.discard(row_of(harness.simulator, "bretagne:1"))
    code, output = await command(harness, "reconcile")
    assert (1, True) == (code, "missing: 1 bretagne:1" in output)
    code, output = await command(harness, "reconcile", "--repair")
    assert (0, True) == (code, "repaired: True" in output)
    await harness.until_states({"bretagne:1": "moderated"})
    code, output = await command(harness, "replay", "bretagne:1", "bretagne:unknown")
    assert (0, True, True) == (code, "1 offers" in output, "bretagne:unknown: nothing" in output)
    await harness.until_states({"bretagne:1": "delivered"})
    assert [] == [key for key, value in (await harness.records()).items() if key.startswith(b"order/") and value]


async def test_an_offer_is_erased_only_once_it_was_deleted_there(harness: ConnectorHarness) -> None:
    await at_work(harness, document("bretagne:1"))
    await harness.until_states({"bretagne:1": "delivered"})
    code, output = await command(harness, "erase", "bretagne:1")
    assert (2, True) == (code, "withdraw the offer at its platform" in output)
    await harness.withdraw("bretagne:1")
    await harness.until_states({"bretagne:1": "withdrawn"})
    code, output = await command(harness, "erase", "bretagne:1")
    assert (0, True, True) == (code, "erased: 1 bretagne:1" in output, "kept: 0" in output)
    row = row_of(harness.simulator, "bretagne:1")
    assert (NEUTRAL, False) == (row.employer_name, row.kept)
    row.owner = harness.simulator.add_operator("other@example.org", "x")
    code, output = await command(harness, "erase", "bretagne:1")
    assert (1, True) == (code, "kept: 1 bretagne:1" in output)


async def test_an_impossible_command_names_the_next_step(harness: ConnectorHarness) -> None:
    code, output = await command(harness, "reconcile")
    assert (2, True) == (code, "start the gateway with PASSERELLE_NATIONAL set" in output)
    await at_work(harness)
    code, output = await command(harness, "adopt", "nowhere")
    assert (2, True) == (code, "unknown-platform" in output)
    code, output = await command(harness, "plan", "--accounts", str(harness.folder / "missing.json"))
    assert (2, True) == (code, "cannot be read" in output)
