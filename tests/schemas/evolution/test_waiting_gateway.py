"""A whole gateway under a release that does not exist: no line of the product knows its field."""

from typing import Any

import pytest

from schemas.registry import fast_validator
from tests.schemas.evolution.scratch import answers_in
from tests.schemas.evolution.waiting import DEFAULT, FIELD, RELEASE, VALUE, waiting_tree

pytestmark = pytest.mark.slow
WAYS = ("put", "dry run", "batch", "inbox", "feed", "check", "validate")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("waiting")
    return answers_in(waiting_tree(folder, value=True), "tests.schemas.evolution.waiting_gateway", folder)


@pytest.mark.parametrize(
    ("moment", "code", "feed"),
    [
        ("no day", ["field-not-begun"], ["field-left-early"]),
        ("eve", ["field-not-begun"], ["field-left-early"]),
        ("begun", [], []),
    ],
)
def test_every_way_in_goes_by_the_day_of_receipt(found: Any, moment: str, code: list[str], feed: list[str]) -> None:
    """OFR-050: up to the last instant in Paris, and from the first one on. A feed is published without the field."""
    assert {way: feed if way == "feed" else code for way in WAYS} == found[moment]


@pytest.mark.parametrize(
    ("moment", "codes", "feed"),
    [
        ("no day", ["value-not-begun"], (["seconde"], ["value-left-early"], ["value-not-begun"])),
        ("eve", ["value-not-begun"], (["seconde"], ["value-left-early"], ["value-not-begun"])),
        ("begun", [], (["seconde", VALUE], [], [])),
    ],
)
def test_a_value_of_a_list_goes_by_the_day_as_well(found: Any, moment: str, codes: list[str], feed: Any) -> None:
    """OFR-050: a feed's offer is published without it, unless the list would be empty; forms and filters
    do not have it.
    """
    filters = [400 if codes else 200] * 3
    assert {"put": codes, "feed": [*feed], "forms": not codes, "filters": filters} == found["value"][moment]


def test_partners_read_the_day(found: Any) -> None:
    """EVO-004"""
    assert {RELEASE: found["day"]} == found["discovery"]
    assert {"release": RELEASE, "from": found["day"], "changed": True} == found["activated"]


def test_an_offer_of_the_day_has_the_default_and_an_older_one_lacks_the_field(found: Any) -> None:
    """EVO-005"""
    assert {"old": None, "begun-put": True, "plain": DEFAULT} == found["read"]


def test_a_reader_of_the_release_before_takes_every_page(found: Any) -> None:
    """EVO-001: its own schema says so."""
    assert fast_validator("changes-page").is_valid(found["changes"])
    assert {True, DEFAULT, None} == {one["offer"].get(FIELD) for one in found["changes"]["changes"]}


def test_there_is_no_way_back_once_offers_have_the_field(found: Any) -> None:
    """EVO-004: neither the act nor the start of the version before."""
    assert "release-begun" == found["cancel"]
    assert "4 offers, live or accepted, have one of its fields" in found["older"]
