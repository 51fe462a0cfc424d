"""Expand and contract: a field with another name and a value that ends, as data of a copy of the package."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas.evolution.compare import ReleaseComparison, has_ended, unannounced
from schemas.evolution.process import Release
from tests.schemas.documents import changed
from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree

pytestmark = pytest.mark.slow
OLD, NEW = "seats", "places"
DAY, BEFORE = "2027-09-01", "2027-08-31"
BEGUN = {"1.1": "2027-01-01"}
DEPRECATED, RETIRED, TWICE = f"field-deprecated:{OLD}", "value-retired:levels:quatrieme", "field-twice"


def renamed_offer(*, waits: bool) -> dict[str, Any]:
    """The offer's schema with a field that takes the place of another, and a value that ends."""
    offer = PRESENT["offer"]
    field = offer["properties"][OLD]
    new = {**field, "x-replaces": OLD, **({"x-begins": "1.1"} if waits else {})}
    retired = {"quatrieme": {"successor": "troisieme", "error_from": DAY}}
    level = {**offer["$defs"]["level"], "x-retires": retired}
    properties = {**offer["properties"], OLD: {**field, "x-ends": DAY}, NEW: new}
    return {**offer, "x-version": "1.1", "properties": properties, "$defs": {**offer["$defs"], "level": level}}


def renamed_tree(folder: Path, *, waits: bool = False, **more: Any) -> str:
    def described(reference: dict[str, Any]) -> dict[str, Any]:
        return {**reference, "fields": {**reference["fields"], NEW: reference["fields"][OLD]}}

    return scratch_tree(folder, {"offer": renamed_offer(waits=waits)}, reference=described, **more)


@pytest.fixture(scope="module", params=[False, True], ids=["at once", "on a day"])
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with Release(renamed_tree(tmp_path_factory.mktemp("renamed"), waits=request.param)) as release:
        yield release


def document(levels: tuple[str, ...] = ("troisieme",), **more: Any) -> dict[str, Any]:
    return changed(weeks=["2028-W10"], stay_weeks=1, levels=[*levels], **{OLD: None, **more})


def sent(**more: Any) -> dict[str, Any]:
    return {name: value for name, value in document(**more).items() if value is not None}


@pytest.mark.parametrize(
    ("offer", "before", "after"),
    [
        (sent(), (), ()),
        (sent(seats=3), (), (DEPRECATED,)),
        (sent(places=3), (), ()),
        (sent(seats=3, places=3), (), (DEPRECATED,)),
        (sent(seats=3, places=3.0), (), (DEPRECATED,)),
        (sent(seats=3, places=4), (TWICE,), (DEPRECATED, TWICE)),
        (sent(levels=("quatrieme", "troisieme")), (), (RETIRED,)),
    ],
    ids=["neither", "old", "new", "both", "both, written otherwise", "different", "value"],
)
def test_both_names_and_values_are_accepted_until_the_end(
    release: Release, offer: dict[str, Any], before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """OFR-051, OFR-052"""
    found = [release.judge("submission", day, [offer], BEGUN)[0].codes for day in (BEFORE, DAY)]
    assert [before, after] == found


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The accepted form and the problems of an offer, by the release in which the new name waits."""
    tree = renamed_tree(tmp_path_factory.mktemp("stored"), waits=True)
    script = (
        "import orjson, schemas, sys; from datetime import date;"
        "offer, on, days = orjson.loads(sys.stdin.buffer.read());"
        "days = {name: date.fromisoformat(day) for name, day in days.items()};"
        "found = schemas.check(orjson.dumps(offer), on=date.fromisoformat(on), activations=days);"
        "sys.stdout.buffer.write(orjson.dumps([found.offer, [one.to_json() for one in found.problems]]))"
    )

    def judge(offer: Mapping[str, Any], on: str, days: Mapping[str, str]) -> Any:
        question = orjson.dumps([offer, on, days])
        command = [sys.executable, "-c", script]
        ended = subprocess.run(command, input=question, cwd=tree, capture_output=True, check=True)
        return orjson.loads(ended.stdout)

    return judge


@pytest.mark.parametrize(
    ("offer", "on", "days", "fields"),
    [
        (sent(seats=3), BEFORE, BEGUN, (3, 3)),
        (sent(places=3), BEFORE, BEGUN, (3, 3)),
        (sent(seats=3), BEFORE, {}, (3, None)),
        (sent(places=3), DAY, BEGUN, (None, 3)),
        (sent(), BEFORE, BEGUN, (None, None)),
    ],
    ids=["old", "new", "the new one waits", "after the end", "neither"],
)
def test_readers_get_both_names_until_the_end(
    stored: Any, offer: dict[str, Any], on: str, days: dict[str, str], fields: tuple[int | None, int | None]
) -> None:
    """OFR-052: of an offer that was received until then."""
    form, _ = stored(offer, on, days)
    assert fields == (form.get(OLD), form.get(NEW))


def test_the_warnings_name_successor_and_day_in_both_languages(stored: Any) -> None:
    """OFR-051, OFR-052"""
    _, problems = stored(sent(seats=3, levels=("quatrieme",)), BEFORE, BEGUN)
    found = {one["code"]: one for one in problems}
    assert {DEPRECATED: "OFR-052", RETIRED: "OFR-051"} == {code: one["requirement"] for code, one in found.items()}
    assert ["/levels/0", "troisieme"] == [found[RETIRED][name] for name in ("pointer", "expected")]
    for code, words in ((DEPRECATED, (OLD, NEW)), (RETIRED, ("quatrieme", "troisieme"))):
        for language, day in (("fr", "1er septembre 2027"), ("en", "1 September 2027")):
            text = found[code]["message"][language] + found[code]["fix"][language]
            assert [] == [word for word in (*words, day) if word not in text]


def test_an_end_is_announced_once(release: Release) -> None:
    """The end itself is a break to announce; nothing else of the change is one."""
    with Release(schemas.RELEASE) as old:
        found = [one for one in ReleaseComparison(old, release, count=900, seed=1).findings() if one.word == "witness"]
    assert {DEPRECATED, RETIRED} >= {code for one in found for code in one.broken.split(", ")}
    assert [] == unannounced(found, "".join(f"`rules {one.broken}`" for one in found))


def test_what_has_ended_is_taken_away_without_a_break(release: Release, tmp_path: Path) -> None:
    """The release before refuses it itself, from its day on."""
    offer = renamed_offer(waits=False)
    properties = {name: part for name, part in offer["properties"].items() if name != OLD}
    level = {**PRESENT["offer"]["$defs"]["level"], "enum": ["troisieme", "seconde"]}
    new = {**properties[NEW]}
    del new["x-replaces"]
    without = {**offer, "properties": {**properties, NEW: new}, "$defs": {**offer["$defs"], "level": level}}

    def described(reference: dict[str, Any]) -> dict[str, Any]:
        return {**reference, "fields": {**reference["fields"], NEW: reference["fields"][OLD]}}

    with Release(scratch_tree(tmp_path, {"offer": without}, reference=described)) as later:
        found = [*ReleaseComparison(release, later, count=300, seed=1).of_schema("submission", "publishers")]
        broken = [one for one in found if one.word == "witness"]
        assert 2 <= len(broken)
        assert [True] * len(broken) == [has_ended(one, release, DAY) for one in broken]
        assert [False] * len(broken) == [has_ended(one, release, BEFORE) for one in broken]
