"""A field that begins: on a copy of the package whose schema has one, by the real verdicts of that release."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas.derived import complete_change
from schemas.evolution.compare import ReleaseComparison
from schemas.evolution.process import TREE, Release
from schemas.registry import schema
from schemas.rules.beginning import MARKS
from tests.schemas.documents import changed
from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree
from tests.schemas.evolution.waiting import FIELD, RELEASE, VALUE, described, waiting_offer, waiting_tree

pytestmark = pytest.mark.slow
DAY, BEFORE = "2027-09-01", "2027-08-31"
CODE = "field-not-begun"
ACTIVATED = {RELEASE: DAY}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with Release(waiting_tree(tmp_path_factory.mktemp("waiting"))) as release:
        yield release


def document(**more: Any) -> dict[str, Any]:
    return changed(weeks=["2028-W10"], stay_weeks=1, levels=["troisieme"], **more)


@pytest.mark.parametrize(
    ("day", "activations", "codes"),
    [
        (BEFORE, ACTIVATED, (CODE,)),
        (DAY, ACTIVATED, ()),
        (DAY, {}, (CODE,)),
        (DAY, {"1.2": BEFORE}, (CODE,)),
        (BEFORE, {RELEASE: BEFORE, "1.2": DAY}, ()),
    ],
    ids=["the day before", "the day", "no day", "another release", "two releases"],
)
def test_a_field_is_refused_until_its_release_holds(
    release: Release, day: str, activations: dict[str, str], codes: tuple[str, ...]
) -> None:
    """OFR-050: an offer without the field is accepted on any day."""
    answers = release.judge("submission", day, [document(**{FIELD: True}), document()], activations)
    assert [(not codes, codes), (True, ())] == [(one.accepted, one.codes) for one in answers]


def test_a_malformed_offer_has_the_problem_of_its_field_as_well(release: Release) -> None:
    """OFR-038, OFR-050: all problems at once, whatever else is wrong."""
    offers = [document(**{FIELD: "yes"}), document(**{FIELD: True}, titel="x"), document(**{FIELD: True}, sector="s99")]
    assert [True, True, True] == [CODE in one.codes for one in release.judge("submission", BEFORE, offers, ACTIVATED)]


@pytest.mark.parametrize(
    ("activations", "french", "english"),
    [
        ({RELEASE: date(2027, 9, 1)}, "il commence le 1er septembre 2027.", "it begins on 1 September 2027."),
        ({}, "son jour n’est pas encore fixé.", "its day is not set yet."),
    ],
    ids=["a day", "no day"],
)
def test_the_refusal_names_field_release_and_day(
    tmp_path: Path, activations: dict[str, date], french: str, english: str
) -> None:
    """OFR-050, in both languages; the pointer is that of the field."""
    script = (
        "import orjson, schemas, sys; from datetime import date;"
        "document, days = orjson.loads(sys.stdin.buffer.read());"
        "days = {name: date.fromisoformat(day) for name, day in days.items()};"
        "found = schemas.check(orjson.dumps(document), on=date(2027, 8, 31), activations=days).problems;"
        "sys.stdout.buffer.write(orjson.dumps([one.to_json() for one in found]))"
    )
    question = orjson.dumps([document(**{FIELD: True}), activations])
    ended = subprocess.run(
        [sys.executable, "-c", script], input=question, cwd=waiting_tree(tmp_path), capture_output=True, check=True
    )
    (found,) = orjson.loads(ended.stdout)
    assert [CODE, "OFR-050", "error", f"/{FIELD}"] == [
        found[name] for name in ("code", "requirement", "severity", "pointer")
    ]
    assert {
        "fr": f"Le champ `{FIELD}` de la version {RELEASE} n’a pas commencé : {french}",
        "en": f"The field `{FIELD}` of release {RELEASE} has not begun: {english}",
    } == found["message"]


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with Release(waiting_tree(tmp_path_factory.mktemp("value"), value=True)) as release:
        yield release


def test_a_value_of_a_list_is_refused_until_its_release_holds(listing: Release) -> None:
    """OFR-050: whatever else is in the list; an offer without the value is accepted on any day."""
    offers = [{**document(), "levels": levels} for levels in ([VALUE], ["seconde", VALUE], ["seconde"])]
    found = [listing.judge("submission", day, offers, ACTIVATED) for day in (BEFORE, DAY)]
    refused = (False, ("value-not-begun",))
    assert [[refused, refused, (True, ())], [(True, ())] * 3] == [
        [(one.accepted, one.codes) for one in answers] for answers in found
    ]


def test_a_feed_is_published_without_a_list_that_begins(tmp_path: Path) -> None:
    """OFR-050: whatever it holds."""
    offer = waiting_offer()
    waits = {key: value for key, value in offer["properties"][FIELD].items() if key != "default"}
    listed = {**waits, "type": "array", "items": {"type": "string", "maxLength": 10}}
    properties = {**offer["properties"], FIELD: listed}
    tree = scratch_tree(tmp_path, {"offer": {**offer, "properties": properties}}, reference=described)
    script = (
        "import orjson, sys; from datetime import date;"
        "from adapters.formats.item import ItemPosition, OfferItem, judge;"
        "document = orjson.loads(sys.stdin.buffer.read()); document.pop('revision');"
        "item = OfferItem(ItemPosition(0, 1), document.pop('id'), document);"
        "verdict = judge(item, revision=1, on=date(2027, 8, 31));"
        "found = [verdict.accepted, [one.code for one in verdict.problems], sorted(verdict.document)];"
        "sys.stdout.buffer.write(orjson.dumps(found))"
    )
    for values in (["fr"], ["fr", "de"]):
        ended = subprocess.run(
            [sys.executable, "-c", script],
            input=orjson.dumps(document(**{FIELD: values})),
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(TREE)},
            capture_output=True,
            check=True,
        )
        accepted, codes, names = orjson.loads(ended.stdout)
        assert (True, ["field-left-early"], False) == (accepted, codes, FIELD in names)


def test_no_reader_may_require_a_field_that_begins() -> None:
    """EVO-005: older records lack it."""
    offer = waiting_offer()
    change = orjson.loads(orjson.dumps(PRESENT["change"]))
    complete_change(change, offer={**offer, "required": [*offer["required"], FIELD]}, withdrawal=schema("withdrawal"))
    assert FIELD in change["$defs"]["offer"]["properties"]
    assert FIELD not in change["$defs"]["offer"]["required"]


def test_the_beginning_of_a_field_breaks_nobody(release: Release) -> None:
    with Release(schemas.RELEASE) as old:
        found = [*ReleaseComparison(old, release, count=300, seed=1).findings()]
    assert [] == [one for one in found if one.word == "witness"]


def test_nothing_waits_today() -> None:
    """Then a verdict looks nothing up."""
    assert {} == dict(MARKS)
