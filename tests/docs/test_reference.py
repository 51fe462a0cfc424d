"""The pages about the offer say what the schemas say, in both languages."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas.build_reference import PAGES
from schemas.reference_pages import offer_fields
from schemas.texts import load_texts

ROOT = Path(__file__).parents[2]
TEXTS = load_texts("schemas", "reference.json")
FRENCH = {
    "docs/fr/offre.md": "docs/reference/offer.md",
    "docs/fr/codes.md": "docs/reference/codes.md",
    "docs/fr/anomalies.md": "docs/reference/problems.md",
}


def codes(page: str) -> list[str]:
    """The first cell of every row that begins with code."""
    return re.findall(r"^\| (`[^`]+`) \|", (ROOT / page).read_text(), re.MULTILINE)


def test_every_text_is_of_a_field() -> None:
    """The other way round the generator itself fails."""
    assert sorted(TEXTS["fields"]) == sorted(field.path for field in offer_fields())


def test_the_examples_are_a_valid_offer() -> None:
    verdict = schemas.check_submission(json.dumps(TEXTS["example"]).encode(), on=date(2026, 11, 28))
    assert [] == [problem.code for problem in verdict.problems if problem.severity == "error"]


def test_every_named_requirement_is_in_the_protocol() -> None:
    known = set(re.findall(r"`\[([A-Z]+-[0-9]+)\]`", (ROOT / "docs/protocol.md").read_text()))
    named = {one for field in TEXTS["fields"].values() for one in field.get("requirements", ())}
    assert named <= known


@pytest.mark.parametrize(("french", "english"), FRENCH.items(), ids=lambda path: Path(path).name)
def test_both_languages_have_the_same_rows(french: str, english: str) -> None:
    assert {french, english} <= PAGES.keys()
    assert len(codes(english)) > 30
    assert codes(french) == codes(english)


def test_no_value_of_a_closed_list_is_missing() -> None:
    listed = set(codes("docs/fr/codes.md"))
    values: set[Any] = set()
    for name, part in (("offer", "level"), ("offer", "sector")):
        values |= set(schemas.schema(name)["$defs"][part]["enum"])
    values |= set(schemas.schema("receipt")["properties"]["verdict"]["enum"])
    assert {f"`{value}`" for value in values} <= listed
