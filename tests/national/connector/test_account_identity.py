"""Account identity: a delivery is withdrawn under the account that made it, or not at all."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.national.site.accounts import Accounts
from gateway.protocol.delivery_order import Reconcile
from tests.national.connector.conftest import Make
from tests.national.connector.harness import PASSWORD, ConnectorHarness, document, eventually, part_of, row_of

pytestmark = pytest.mark.slow

ONE = "bretagne:1"


def with_email(harness: ConnectorHarness, email: str, *, name: str = "shared", **changes: Any) -> Accounts:
    account = replace(harness.accounts.accounts[name], email=email, **changes)
    return replace(harness.accounts, accounts={**harness.accounts.accounts, name: account})


async def delivered_and_stopped(make_harness: Make) -> ConnectorHarness:
    harness = await make_harness()
    await harness.deliver(document(ONE))
    await harness.stop()
    return harness


async def identity(harness: ConnectorHarness) -> dict[str, Any] | None:
    note = (await harness.note()) or {}
    return note.get("identity")


async def test_another_account_under_the_same_name_withdraws_nothing(make_harness: Make) -> None:
    harness = await delivered_and_stopped(make_harness)
    harness.simulator.add_operator("other@example.org", PASSWORD)
    harness.accounts = with_email(harness, "other@example.org")
    await harness.withdraw(ONE)
    await harness.start(document("bretagne:2"))
    await eventually(lambda found: (found["held"], found["missing"]) == (1, 1), of=lambda: identity(harness))
    assert {ONE} == set(harness.live())  # not withdrawn, and above all not recorded as withdrawn
    assert "pending" == (await part_of(harness, ONE)).state
    assert {"error": "account-changed"} == dict(await harness.order(Reconcile(repair=True)))
    await harness.stop()
    harness.accounts = with_email(harness, "shared@example.org")
    await harness.start()
    await harness.until_states({ONE: "withdrawn", "bretagne:2": "delivered"})
    assert {"bretagne:2"} == set(harness.live())


async def test_an_account_whose_email_the_site_changed_continues(make_harness: Make) -> None:
    """The index of the renamed account lists the delivered offers, which proves that it is the same."""
    harness = await delivered_and_stopped(make_harness)
    harness.operators["shared"].email = "renamed@example.org"
    harness.accounts = with_email(harness, "renamed@example.org")
    await harness.withdraw(ONE)
    await harness.start()
    await harness.until_states({ONE: "withdrawn"})
    assert {} == harness.live()


async def test_the_accounts_file_may_state_that_the_email_changed(make_harness: Make) -> None:
    """Offers deleted by the site's moderators are in no index: the operator has to confirm the account then."""
    harness = await delivered_and_stopped(make_harness)
    harness.operators["shared"].email = "renamed@example.org"
    harness.simulator.discard(row_of(harness.simulator, ONE))
    harness.accounts = with_email(harness, "renamed@example.org", formerly=("shared@example.org",))
    await harness.start(document("bretagne:2"))
    await eventually(lambda: set(harness.live()) == {"bretagne:2"})


async def test_an_offer_of_an_account_that_is_not_configured_waits_and_says_so(make_harness: Make) -> None:
    harness = await make_harness(names={"own": ["bretagne"], "shared": ["*"]})
    await harness.deliver(document(ONE))
    await harness.stop()
    kept = {"shared": harness.accounts.accounts["shared"]}
    both = harness.accounts
    harness.accounts = replace(both, accounts=kept, platforms={"*": "shared"})
    await harness.withdraw(ONE)
    await harness.start()
    await harness.until_problem("national-account-missing")
    assert {ONE} == set(harness.live())
    await harness.stop()
    harness.accounts = replace(both, platforms={"*": "shared"})
    await harness.start()
    await harness.until_states({ONE: "withdrawn"})
    assert {} == harness.live()
