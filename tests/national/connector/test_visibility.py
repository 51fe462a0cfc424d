"""A delivered offer may be invisible to search, and one invisible to this account may be visible to pupils.

The site's search omits the offers of accounts that are not open to reuse, and those outside the departments of
the account that asks.
"""

from typing import Any

import pytest

from gateway.protocol.delivery_order import Reconcile
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, row_of

LOCALITIES = {
    "35": ("35000", "Rennes"),
    "56": ("56000", "Vannes"),
    "2A": ("20000", "Ajaccio"),
    "974": ("97400", "Saint-Denis"),
}


def placed(number: int, department: str) -> dict[str, Any]:
    postal_code, city = LOCALITIES[department]
    return document(f"bretagne:{number}", location={"street": "1 rue", "postal_code": postal_code, "city": city})


async def delivered(make_harness: Make, *departments: str, **rights: Any) -> ConnectorHarness:
    harness = await make_harness(speed=6_000.0, rights={"full_access": True, **rights})
    offers = [placed(number, department) for number, department in enumerate(departments)]
    await harness.start(*offers)
    await harness.until_states({offer["id"]: "delivered" for offer in offers})
    return harness


async def looked(harness: ConnectorHarness) -> tuple[tuple[int, int, int], list[bool | None]]:
    answer = await harness.order(Reconcile())
    visible = {key: one.current()[0].visible for key, one in (await harness.deliveries()).items()}
    return (answer["visible"], answer["not_visible"], answer["beyond_account"]), list(
        dict(sorted(visible.items())).values()
    )


async def test_an_account_that_is_not_open_to_reuse_cannot_see_its_own_offers(make_harness: Make) -> None:
    harness = await delivered(make_harness, "35", "35", open_data=False)
    assert ((0, 0, 2), [None, None]) == await looked(harness)


async def test_an_account_of_one_department_sees_nothing_of_others(make_harness: Make) -> None:
    harness = await delivered(make_harness, "35", "35", "56", departments=frozenset({"35"}))
    row_of(harness.simulator, "bretagne:1").full = True
    row_of(harness.simulator, "bretagne:2").full = True
    assert ((1, 1, 1), [True, False, None]) == await looked(harness)


@pytest.mark.parametrize("department", ["2A", "974"])
async def test_departments_of_three_digits_are_distinguished(make_harness: Make, department: str) -> None:
    harness = await delivered(make_harness, department, department)
    row_of(harness.simulator, "bretagne:0").full = True
    assert ((1, 1, 0), [False, True]) == await looked(harness)


async def test_an_offer_that_reappears_is_visible(make_harness: Make) -> None:
    harness = await delivered(make_harness, "35", "35")
    row_of(harness.simulator, "bretagne:0").full = True
    assert ((1, 1, 0), [False, True]) == await looked(harness)
    row_of(harness.simulator, "bretagne:0").full = False
    assert ((2, 0, 0), [True, True]) == await looked(harness)
