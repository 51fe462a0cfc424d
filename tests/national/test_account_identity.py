"""Account identity: a delivery is withdrawn under the account that made it, or not at all."""

from dataclasses import replace
from typing import Any

from adapters.national.delivery.order import Reconcile
from adapters.national.site.accounts import Accounts
from tests.national.conftest import Make
from tests.national.harness import PASSWORD, Bench, document, eventually, part_of, row_of

ONE = "bretagne:1"


def with_email(bench: Bench, email: str, *, name: str = "shared", **changes: Any) -> Accounts:
    account = replace(bench.accounts.accounts[name], email=email, **changes)
    return replace(bench.accounts, accounts={**bench.accounts.accounts, name: account})


async def delivered_and_stopped(make_bench: Make) -> Bench:
    bench = await make_bench()
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    await bench.stop()
    return bench


async def identity(bench: Bench) -> dict[str, Any] | None:
    note = (await bench.note()) or {}
    return note.get("identity")


async def test_another_account_under_the_same_name_withdraws_nothing(make_bench: Make) -> None:
    bench = await delivered_and_stopped(make_bench)
    bench.simulator.add_operator("other@example.org", PASSWORD)
    bench.accounts = with_email(bench, "other@example.org")
    await bench.withdraw(ONE)
    await bench.publish(document("bretagne:2"))
    await bench.start()
    await eventually(lambda: is_changed(bench))
    assert {ONE} == set(bench.live())  # not withdrawn, and above all not recorded as withdrawn
    assert "pending" == (await part_of(bench, ONE)).state
    assert {"error": "account-changed"} == dict(await bench.order(Reconcile(repair=True)))
    await bench.stop()
    bench.accounts = with_email(bench, "shared@example.org")
    await bench.start()
    await bench.until_states({ONE: "withdrawn", "bretagne:2": "delivered"})
    assert {"bretagne:2"} == set(bench.live())


async def is_changed(bench: Bench) -> bool:
    found = await identity(bench)
    return found is not None and (found["held"], found["missing"]) == (1, 1)


async def test_an_account_whose_email_the_site_changed_goes_on(make_bench: Make) -> None:
    """The index of the renamed account lists what was delivered, which proves that it is the same."""
    bench = await delivered_and_stopped(make_bench)
    bench.operators["shared"].email = "renamed@example.org"
    bench.accounts = with_email(bench, "renamed@example.org")
    await bench.withdraw(ONE)
    await bench.start()
    await bench.until_states({ONE: "withdrawn"})
    assert {} == bench.live()


async def test_the_accounts_file_may_state_that_the_email_changed(make_bench: Make) -> None:
    """What the site's moderators deleted meanwhile is in no index: the operator's word is needed then."""
    bench = await delivered_and_stopped(make_bench)
    bench.operators["shared"].email = "renamed@example.org"
    bench.simulator.discard(row_of(bench.simulator, ONE))
    bench.accounts = with_email(bench, "renamed@example.org", formerly=("shared@example.org",))
    await bench.publish(document("bretagne:2"))
    await bench.start()
    await eventually(lambda: holds(bench, {"bretagne:2"}))


async def holds(bench: Bench, names: set[str]) -> bool:
    return set(bench.live()) == names


async def test_an_offer_of_an_account_that_is_not_configured_waits_and_says_so(make_bench: Make) -> None:
    bench = await make_bench(names={"own": ["bretagne"], "shared": ["*"]})
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    await bench.stop()
    kept = {"shared": bench.accounts.accounts["shared"]}
    both = bench.accounts
    bench.accounts = replace(both, accounts=kept, platforms={"*": "shared"})
    await bench.withdraw(ONE)
    await bench.start()
    await eventually(lambda: tells(bench, "national-account-missing"))
    assert {ONE} == set(bench.live())
    await bench.stop()
    bench.accounts = replace(both, platforms={"*": "shared"})
    await bench.start()
    await bench.until_states({ONE: "withdrawn"})
    assert {} == bench.live()


async def tells(bench: Bench, code: str) -> bool:
    part = await bench.part(ONE)
    return part is not None and part.state == "pending" and [code] == [problem["code"] for problem in part.problems]
