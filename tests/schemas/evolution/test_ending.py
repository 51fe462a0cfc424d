"""A field that ends: on a copy of the package whose schema has a day for one."""

from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    offer = PRESENT["offer"]
    employer = offer["$defs"]["employer"]
    website = {**employer["properties"]["website"], "x-ends": DAY}
    ends = {**employer, "properties": {**employer["properties"], "website": website}}
    body = {**offer, "$defs": {**offer["$defs"], "employer": ends}}
    with Release(scratch_tree(tmp_path_factory.mktemp("ending"), {"offer": body})) as release:
        yield release


def document(**employer: str) -> dict[str, Any]:
    employer = {"name": "Atelier du Port", **employer}
    return changed(weeks=["2028-W10"], stay_weeks=1, levels=["troisieme"], employer=employer)


def test_a_field_that_ends_is_refused_from_its_day_on(release: Release) -> None:
    """OFR-049: an offer without it is accepted."""
    offers = [document(website="https://port.example"), document()]
    answers = [(one.accepted, one.codes) for day in (BEFORE, DAY) for one in release.judge("submission", day, offers)]
    assert [(True, ()), (True, ()), (False, (CODE,)), (True, ())] == answers


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
