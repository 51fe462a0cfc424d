"""Rules that become errors on a day: severity follows the day of receipt, and so does every sentence that names it."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas.rulebook import Rule, catalogue
from schemas.texts import LANGUAGES, MONTHS, day_in_words
from tests.schemas.documents import changed, found

ROOT = Path(__file__).parents[2]
DATED = [rule for rule in catalogue().values() if rule.error_from is not None]
MONTH = "|".join(name for names in MONTHS.values() for name in names)
DAY = re.compile(rf"\b[0-9]{{1,2}}(?:er)?\s+(?:{MONTH})\s+20[0-9]{{2}}\b")
SENTENCE_ENDS = re.compile(r"(?<=[.;:|])\s+(?![a-z])|\n\s*(?=[-#|])")
OF_AN_END = re.compile(r"error|erreur|refus")
NORMATIVE = (
    "docs/protocol.md",
    "schemas/requirements.json",
    *(f"schemas/catalogue/{one}.json" for one in ("offer", "protocol", "http")),
)
GUIDES = (
    "CHANGELOG.md",
    "docs/publisher.md",
    "docs/fr/emetteur.md",
    "docs/fr/anomalies.md",
    "docs/reference/problems.md",
)


def invisible(day: date) -> dict[str, Any]:
    """An offer with a soft hyphen, for weeks half a year after a day."""
    monday = day + timedelta(days=180 - day.weekday())
    return changed(title="Décou\u00advrir", weeks=[monday.strftime("%G-W%V")], stay_weeks=1, levels=["troisieme"])


@pytest.mark.parametrize("rule", DATED, ids=lambda rule: rule.code)
def test_a_warning_is_an_error_from_its_day_on(rule: Rule) -> None:
    """[OFR-011]: by the day of receipt, also for an offer that breaks other rules."""
    assert rule.error_from is not None
    before, first = rule.error_from - timedelta(days=1), rule.error_from
    assert ["warning", "error", "error"] == [rule.severity_on(day) for day in (before, first, date.max)]


@pytest.mark.parametrize(("later", "accepted"), [(-1, True), (0, False), (400, False)])
def test_an_invisible_character_refuses_from_the_first_day_on(later: int, *, accepted: bool) -> None:
    """[OFR-011]."""
    first = catalogue()["text-invisible"].error_from
    assert first is not None
    on = first + timedelta(days=later)
    verdict = schemas.check(orjson.dumps(invisible(on)), on=on)
    problem = next(one for one in verdict.problems if one.code == "text-invisible")
    severity = "warning" if accepted else "error"
    assert (accepted, severity, severity) == (verdict.accepted, problem.severity, problem.to_json()["severity"])


@pytest.mark.parametrize(("later", "first"), [(-1, "too-long"), (0, "text-invisible")])
def test_errors_come_first_by_their_severity_on_the_day(later: int, first: str) -> None:
    """[OFR-038]: beside a failure of the schema, too."""
    day = catalogue()["text-invisible"].error_from
    assert day is not None
    on = day + timedelta(days=later)
    document = invisible(on) | {"schedule": {"lunch_break": "x" * 251}}
    errors = [one.code for one in schemas.check(orjson.dumps(document), on=on).problems if one.severity == "error"]
    assert ({"too-long", "text-invisible"} if first == "text-invisible" else {"too-long"}) == set(errors)


def test_a_sentence_names_the_day_of_its_rule() -> None:
    rule = catalogue()["text-invisible"]
    assert rule.error_from is not None
    assert rule.consequence is not None
    for language in LANGUAGES:
        assert day_in_words(rule.error_from, language) in rule.consequence[language]


def days_in(name: str, *, of_ends: bool) -> set[str]:
    """The days that a text names: all, or those of sentences about errors and refusals."""
    sentences = SENTENCE_ENDS.split((ROOT / name).read_text()) if of_ends else [(ROOT / name).read_text()]
    return {
        re.sub(r"\s+", " ", day)
        for sentence in sentences
        if not of_ends or OF_AN_END.search(sentence)
        for day in DAY.findall(sentence)
    }


KNOWN_DAYS = {day_in_words(rule.error_from, language) for rule in DATED if rule.error_from for language in LANGUAGES}


@pytest.mark.parametrize("name", [*NORMATIVE, *GUIDES])
def test_no_text_names_a_day_that_the_rules_do_not_have(name: str) -> None:
    """A day in prose that no rule has as ``error_from`` is one that a change of the data forgets."""
    assert set() == days_in(name, of_ends=name in GUIDES) - KNOWN_DAYS


@pytest.mark.parametrize("name", ["docs/protocol.md", "schemas/requirements.json", *GUIDES])
def test_each_text_names_the_days_of_dated_rules(name: str) -> None:
    """The search finds the sentences at all."""
    assert days_in(name, of_ends=name in GUIDES) & KNOWN_DAYS


def test_the_rules_of_the_code_list_name_their_day() -> None:
    listed = {item["code"]: item.get("error_from") for item in schemas.reference("rules")["items"]}
    assert {rule.code: str(rule.error_from) for rule in DATED} == {code: day for code, day in listed.items() if day}


def test_a_problem_without_a_dated_rule_has_its_severity_on_any_day() -> None:
    verdict = schemas.check(orjson.dumps(changed(sector="s99")), on=date(2099, 1, 1))
    assert ("not-in-list", "/sector") in found(verdict)
    assert "error" == next(one.severity for one in verdict.problems if one.code == "not-in-list")
