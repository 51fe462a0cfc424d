"""The plan of a running gateway, computed by a process of its own on the gateway's log."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog

from gateway.bootstrap.national_plan import NationalPlans
from gateway.federation.national import PlanError
from gateway.log.sqlite import SqliteLog
from gateway.protocol.delivery import AccountPlan
from gateway.settings import Settings
from tests.national.connector.conftest import Make
from tests.national.connector.harness import PASSWORD, document

pytestmark = pytest.mark.slow


async def computed(plans: NationalPlans) -> Sequence[AccountPlan]:
    """The plans, once they are there."""
    while True:
        found = await plans.get()
        if found is not None:
            return found


async def test_a_plan_is_that_of_the_command_and_writes_nothing(make_harness: Make, tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.sqlite", partitions=3)
    harness = await make_harness(log, speed=6_000.0)
    secret, accounts = tmp_path / "site.secret", tmp_path / "accounts.json"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    entry = {"name": "shared", "email": "a@example.org", "password": {"file": str(secret)}, "platforms": ["*"]}
    accounts.write_text(json.dumps({"url": harness.simulator.url, "accounts": [entry]}))
    await harness.publish(*(document(f"bretagne:{n}") for n in range(3)), document("bretagne:x", weeks=["2027-W24"]))
    plans = NationalPlans(Settings(data=tmp_path, partitions=3, national=accounts))
    codes = {"not-deliverable:mandatory-weeks": 1}
    [plan] = await computed(plans)
    assert isinstance(plan, AccountPlan)
    assert ("shared", 3, 0, 0) == (plan.account, *(plan.queue[kind] for kind in ("create", "update", "delete")))
    assert (1, codes) == (plan.states["not-deliverable"], dict(plan.codes))
    assert (0, {}) == (harness.calls("POST"), await harness.deliveries())
    accounts.write_text("{")
    again = NationalPlans(Settings(data=tmp_path, partitions=3, national=accounts))
    with structlog.testing.capture_logs() as lines, pytest.raises(PlanError):
        await computed(again)
    assert ["national.plan_failed"] == [line["event"] for line in lines]
    await harness.partners.close()
    await log.close()
