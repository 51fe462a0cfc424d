"""A field that ends: on a copy of the package whose schema has a day for one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas.evolution.compare import ReleaseComparison
from schemas.evolution.process import Release
from tests.schemas.documents import changed
from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree

pytestmark = pytest.mark.slow
DAY, BEFORE = "2027-09-01", "2027-08-31"
CODE = "field-deprecated:employer.website"


def ending_tree(folder: Path, offer: dict[str, Any] = PRESENT["offer"], **files: Any) -> str:
    """A tree whose schema announces the end of a field, and with files as in ``scratch_tree``."""
    employer = offer["$defs"]["employer"]
    website = {**employer["properties"]["website"], "x-ends": DAY}
    ends = {**employer, "properties": {**employer["properties"], "website": website}}
    body = {**offer, "$defs": {**offer["$defs"], "employer": ends}}
    return scratch_tree(folder, {"offer": body}, **files)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with Release(ending_tree(tmp_path_factory.mktemp("ending"))) as release:
        yield release


def document(**employer: str) -> dict[str, Any]:
    employer = {"name": "Atelier du Port", **employer}
    return changed(weeks=["2028-W10"], stay_weeks=1, levels=["troisieme"], employer=employer)


def test_a_field_that_ends_is_refused_from_its_day_on(release: Release) -> None:
    """OFR-049: an offer without it is accepted."""
    offers = [document(website="https://port.example"), document()]
    answers = [(one.accepted, one.codes) for day in (BEFORE, DAY) for one in release.judge("submission", day, offers)]
    assert [(True, ()), (True, ()), (False, (CODE,)), (True, ())] == answers


@pytest.mark.parametrize(
    ("ends", "on", "accepted"),
    [("9999-12-31", "2028-03-01", True), ("2027-10-01", "2027-09-30", True), ("2027-10-01", "2027-10-01", False)],
    ids=["no day", "the day before", "the day"],
)
def test_it_ends_on_the_day_of_the_federation(release: Release, ends: str, on: str, accepted: bool) -> None:  # noqa: FBT001
    """EVO-006: where one sets it; never before the announced day."""
    (found,) = release.judge("submission", on, [document(website="https://port.example")], {CODE: ends})
    assert (accepted, () if accepted else (CODE,)) == (found.accepted, found.codes)
    (early,) = release.judge("submission", BEFORE, [document(website="https://port.example")], {CODE: "2027-01-01"})
    assert early.accepted


def test_its_rule_names_field_and_day_in_both_languages(release: Release) -> None:
    """OFR-049."""
    (rule,) = [one for one in release.facts["rules"] if one["code"].startswith("field-deprecated")]
    assert (CODE, "warning", DAY) == (rule["code"], rule["severity"], rule["error_from"])
    for language, day in (("fr", "1er septembre 2027"), ("en", "1 September 2027")):
        for name in ("message", "fix"):
            assert {True} == {part in rule[name][language] for part in ("employer.website", day)}


def test_the_end_is_a_break_to_announce(release: Release) -> None:
    with Release(schemas.RELEASE) as old:
        found = ReleaseComparison(old, release, count=600, seed=1).findings()
        assert CODE in {one.broken for one in found if one.word == "witness"}
