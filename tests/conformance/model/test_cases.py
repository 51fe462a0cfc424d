"""The cases on file: valid, complete, and in agreement with the verdict on their own day and on others."""

import json
import re
from datetime import date
from pathlib import Path

import orjson
import pytest

import schemas
from conformance.build_requirements import write_requirements
from conformance.model.case import CaseDocument, Script
from conformance.model.library import CaseError, base, cases, coverage, read_topic, reasons
from conformance.script.body import document_of
from conformance.script.template import Names
from schemas.requirements import sentences
from schemas.rulebook import Language

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
CHECKS = {"offer": schemas.check, "withdrawal": schemas.check_withdrawal, "submission": schemas.check_submission}
DAYS = ("2025-06-30", "2026-01-15", "2026-06-01", "2026-06-29", "2026-11-24", "2027-03-01", "2027-06-26")


def documents() -> list[tuple[str, CaseDocument]]:
    """Each with the id of its case."""
    return [(case.id, case.subject) for case in cases() if isinstance(case.subject, CaseDocument)]


def verdict_of(case_id: str, document: CaseDocument, on: date) -> tuple[bool, set[tuple[str, str]]]:
    names = Names(seed="s", case=case_id, day=on, platforms={"publisher": "bretagne"})
    verdict = CHECKS[document.kind](document_of(document, names), on=on)
    return verdict.accepted, {(problem.code, problem.pointer) for problem in verdict.problems}


def test_the_verdict_function_agrees_with_every_case() -> None:
    stated = {name: (one.expected.accepted, set(one.expected.problems)) for name, one in documents()}
    assert stated == {name: verdict_of(name, one, one.on) for name, one in documents()}


@pytest.mark.parametrize("day", DAYS)
def test_a_live_case_expects_the_same_on_other_days(day: str) -> None:
    on = date.fromisoformat(day)
    live = [(name, one) for name, one in documents() if one.live]
    verdicts = {name: one.expected.on(on) for name, one in live}
    stated = {name: (one.accepted, set(one.problems) - one.open) for name, one in verdicts.items()}
    found = {name: verdict_of(name, one, on) for name, one in live}
    left = {name: (found[name][0], found[name][1] - one.expected.open) for name, one in live}
    assert stated == left


def test_there_are_as_many_cases_as_the_guide_says() -> None:
    assert len(documents()) > 500
    assert sum(isinstance(case.subject, Script) for case in cases()) > 150


def test_the_valid_offer_is_accepted_without_a_problem() -> None:
    assert "${id.a}" == base()["id"]
    sound = next(one for name, one in documents() if name == "document/sound")
    assert (True, set()) == verdict_of("document/sound", sound, date(2026, 11, 24))


def test_the_requirements_are_those_of_the_normative_page() -> None:
    page = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    packaged = (ROOT / "schemas/requirements.json").read_text(encoding="utf-8")
    written = write_requirements(page, json.loads(packaged))
    assert written == packaged, "run: python -m conformance.build_requirements docs/protocol.md"


@pytest.mark.parametrize("id_", sentences())
def test_a_requirement_is_written_in_both_languages(id_: str) -> None:
    """Code and numbers are the same in both languages."""
    french, english = sentences()[id_]["fr"], sentences()[id_]["en"]
    assert french.strip(), "write it in French"
    assert french != english
    assert sorted(re.findall("`[^`]+`", english)) == sorted(re.findall("`[^`]+`", french))
    assert numbers_in(english) == numbers_in(french)


def numbers_in(sentence: str) -> list[str]:
    """Numbers without digit grouping: a comma in English, a space in French."""
    return sorted(re.findall("[0-9]+", re.sub(r"(?<=[0-9])[, \u00a0\u202f](?=[0-9]{3})", "", sentence)))


def test_a_changed_requirement_needs_a_new_french_text() -> None:
    known: dict[str, dict[Language, str]] = {"A-001": {"fr": "Un", "en": "One"}, "A-002": {"fr": "Deux", "en": "Two"}}
    page = "- One `[A-001]`.\n- Two and a half `[A-002]`.\n- Three `[A-003]`.\n"
    kept = {id_: text["fr"] for id_, text in json.loads(write_requirements(page, known)).items()}
    assert {"A-001": "Un", "A-002": "", "A-003": ""} == kept


def test_every_requirement_has_a_case_or_a_written_reason_and_not_both() -> None:
    covered = {each.id for each in coverage() if each.cases}
    assert set(sentences()) - covered == set(reasons())


def test_no_case_names_a_requirement_that_does_not_exist() -> None:
    assert set() == {named for case in cases() for named in case.requirements} - set(sentences())


def test_every_error_and_warning_of_the_offer_catalogue_is_expected_by_a_case() -> None:
    """A rule that no case breaks need not be implemented."""
    stated = {code for _, one in documents() for code, _ in one.expected.problems}
    rules = set(json.loads((ROOT / "schemas/catalogue/offer.json").read_text()))
    # The calendar covers the 400 days in which the weeks of an offer may lie: no case can meet a year without one.
    # No field of this release waits for its day or replaces another one (OFR-050, OFR-052 in uncovered.json).
    waiting = {"field-not-begun", "field-twice", "value-not-begun"}
    assert {"invalid", "more-problems", "not-deliverable:year-unknown"} | waiting == rules - stated


def test_a_case_that_breaks_the_schema_names_its_file() -> None:
    with pytest.raises(CaseError, match=r"family/topic\.json/cases/0"):
        list(read_topic("family", "topic.json", orjson.dumps({"topic": {"fr": "x", "en": "x"}, "cases": [{}]})))


def test_a_file_that_is_not_json_names_itself() -> None:
    with pytest.raises(CaseError, match=r"family/topic\.json"):
        list(read_topic("family", "topic.json", b"{"))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"here": 1}, "there is no part elsewhere"),
        (None, "there is no part elsewhere"),
        ({"elsewhere": [{"$part": "here"}], "here": 1}, "a part names another one"),
        ({"elsewhere": 1, "here": 1}, "no case names the part here"),
    ],
)
def test_a_part_that_is_not_there_names_another_or_is_not_used_is_refused(parts: object, said: str) -> None:
    topic = {"topic": {"fr": "x", "en": "x"}, "cases": [{"put": {"/a": {"$part": "elsewhere"}}}]}
    with pytest.raises(CaseError, match=rf"family/topic\.json: {said}"):
        list(read_topic("family", "topic.json", orjson.dumps(topic | ({"parts": parts} if parts else {}))))
