"""A whole gateway whose schema announces the end of a field: it comes on a day that the operator sets."""

from typing import Any

import pytest

from tests.schemas.evolution.scratch import answers_in
from tests.schemas.evolution.test_ending import CODE, ending_tree
from tests.schemas.evolution.waiting import FIELD, described, waiting_offer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ending")
    return answers_in(
        ending_tree(folder, waiting_offer(), reference=described), "tests.schemas.evolution.ending_gateway", folder
    )


def test_nothing_ends_without_an_act_nor_while_a_platform_sends_it(found: Any) -> None:
    """EVO-006: the warnings of accepted offers are counted by platform, rule and day, for thirty days; an offer that is
    live with one counts as long as it is: a feed that sends it unchanged publishes nothing.
    """
    held = found["held"]
    assert [201, "warning"] == held["announced"]
    assert {"accepted None": 1, f"accepted {CODE}": 1} == held["counted"]
    assert ["end-in-use"] * 3 == [held["unforced"], held["29 days later"], held["live"]]


def test_the_command_reads_no_view_that_is_behind_the_log(found: Any) -> None:
    """EVO-006: who sends what ends may be in what it lacks."""
    assert found["behind"].startswith("2 ")
    assert "The gateway is filling its views." in found["behind"]


def test_the_contacts_of_a_platform_get_a_notice_of_that_day(found: Any) -> None:
    """EVO-006: not of the announced one, on which nothing is refused; the impact names that day, too."""
    assert [[], [["2027-10-03", 1]]] == [found["held"][name] for name in ("noticed before", "noticed")]
    assert ["2027-10-03"] == found["held"]["impact"]


def test_it_ends_on_the_day_of_the_act(found: Any) -> None:
    """EVO-006, OFR-049: partners read the day."""
    held = found["held"]
    assert {"release": CODE, "from": "2027-10-03", "changed": True} == held["30 days later"]
    assert [422, "error"] == held["ended"]
    assert {CODE: "2027-10-03"} == held["discovery"]


@pytest.mark.parametrize(
    ("way", "done", "conflict", "early"),
    [("api", "200", "409", "422"), ("page", "303", "409", "422"), ("command", "0", "2", "2")],
)
def test_the_act_is_one_by_each_way_in(found: Any, way: str, done: str, conflict: str, early: str) -> None:
    """EVO-006: refused by the names of the platforms, unless it is forced with a reason, which the journal has."""
    one = found["ways"][way]
    assert [done, early, done] == [one["alone"], one["early"], one["forced"]]
    assert [[conflict, True]] * 2 == [one["in use"], one["without a reason"]]
    assert found["ways"]["api"]["effect"] == one["effect"]
    ((act, about, details, why, _),) = one["effect"]["journal"]
    assert ("release.activate", CODE, "Annoncée depuis un an") == (act, about, why)
    assert {"day": "2099-09-01", "forced": ["bretagne"]} == details


def test_the_page_names_what_begins_and_what_ends_with_its_day(found: Any) -> None:
    """EVO-004, EVO-006: to a platform, before there is a day, and with it."""
    before, after = (page.replace("\u00a0", " ") for page in found["pages"])
    for text in (f"sans jour fixé : {FIELD}.", "dès sa fin, le 1er septembre 2027 au plus tôt"):
        assert (True, False) == (text in before, text in after), text
    for text in (f"à partir du 2 septembre 2099 : {FIELD}.", "elle arrive le 1er septembre 2099"):
        assert (False, True) == (text in before, text in after), text
