"""Messages speak to the author of a profile: in one language, with no placeholder left, naming what to change."""

import re
from string import Formatter
from typing import Any

import pytest

import schemas
from adapters.formats.field import FIELDS
from adapters.formats.item import OfferItem, judge
from adapters.formats.mapping import load_mapping
from adapters.formats.problem import _rules, _words, for_item, for_profile, rule_pointer
from schemas import Problem, Rule
from schemas.bilingual import json_type, spoken
from schemas.rulebook import LANGUAGES, reading_rules
from tests.docs.test_no_english import english
from tests.formats.feeds import ON, flat, items, row, written

TO_SENDERS = re.compile(r"\b(envoyez|envoyer|envoi|send|sending|sent)\b", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{[a-z_]*\}")


def names_in(rule: Rule) -> set[str]:
    texts = [text for part in (rule.message, rule.fix, rule.consequence or {}) for text in part.values()]
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def rendered(rule: Rule, language: Any) -> list[str]:
    """The texts of a rule, each placeholder filled by a value that is the same in both languages."""
    values = dict.fromkeys(names_in(rule), "7")
    parts = (rule.message, rule.fix, rule.consequence or {})
    return [part[language].format_map(values) for part in parts if part]


EVERY = [
    *(pytest.param(rule, id=f"reading-{code}") for code, rule in reading_rules().items()),
    *(pytest.param(rule, id=f"profile-{code}") for code, rule in _rules("profile").items()),
    *(pytest.param(rule, id=f"item-{code}") for code, rule in _rules("item").items()),
]


@pytest.mark.parametrize("rule", EVERY)
def test_every_code_is_rendered_whole_in_both_languages(rule: Rule) -> None:
    """[FMT-012]"""
    french, english_texts = (rendered(rule, language) for language in LANGUAGES)
    assert [] == [text for text in (*french, *english_texts) if PLACEHOLDER.search(text)]
    assert [] == english(french)
    assert all(one != other for one, other in zip(french, english_texts, strict=True))


def test_the_words_for_authors_have_no_break_spaces_where_french_needs_them() -> None:
    """[FMT-012]"""
    listed = [
        rule.get(part, {}).get("fr", "")
        for scope in ("profile", "item")
        for rule in _words()[scope].values()
        for part in ("message", "fix")
    ]
    assert [] == [text for text in listed if re.search(r"[^ \u00a0] [:;?!»]|« ", text)]


SHAPES: dict[str, Any] = {
    "wrong-type": {"seats": {"path": 3}},
    "wrong-type of a flag": {"title": {"path": "t", "html": "oui"}},
    "wrong-type of a text": {"title": {"path": True}},
    "invalid": {"title": {"path": "a//b"}},
    "not-in-list": {"levels": {"constant": ["secunde"]}},
    "not-in-list without a near one": {"levels": {"constant": ["§§§"]}},
    "not-in-list of sectors": {"sector": {"constant": "zzz"}},
    "out-of-range": {"title": {"path": "t", "cut": 1}},
    "field-misnamed": {"titel": {"path": "t"}},
    "field-unknown": {"qqqq": {"path": "t"}},
    "too-long": {"title": {"path": "t", "split": "x" * 20}},
    "too-few": {"title": {"path": []}},
    "too-many": {"title": {"path": ["a"] * 11}},
    "text-blank": {"title": {"path": "t", "split": ""}},
    "code-as-number": {"location.postal_code": {"constant": 35000}},
    "not-whole": {"title": {"path": "t", "cut": 2.5}},
    "text-markup": {"title": {"constant": "<b>x</b>"}},
    "text-control": {"title": {"constant": "a\x00b"}},
    "url": {"apply_url": {"constant": "voir"}},
    "week": {"weeks": {"constant": ["2027-24"]}},
    "rule source": {"title": {}},
    "sector": {"sector": {"path": "s", "map": {"a": "Informatik"}}},
    "pattern": {"expires_on": {"path": "t", "date": "jj/mm"}},
}


@pytest.mark.parametrize("fields", SHAPES.values(), ids=SHAPES)
def test_a_fault_of_a_mapping_names_the_correction_in_the_profile(fields: dict[str, Any]) -> None:
    """[FMT-012]"""
    found = load_mapping("json", {"id": {"path": "id"}, "fields": fields})
    assert isinstance(found, tuple)
    for problem in found:
        body = problem.to_json()
        assert body["pointer"].startswith("/fields/")
        texts = [body[part]["fr"] for part in ("message", "fix")]
        assert [] == english(texts)
        for language in LANGUAGES:
            sentences = " ".join(body[part][language] for part in ("message", "fix"))
            assert not TO_SENDERS.search(sentences)
            assert "schéma publié" not in sentences
            assert "True" not in sentences
            assert "{" not in sentences


def only_problem(form: str, mapping: dict[str, Any]) -> Problem:
    found = load_mapping(form, mapping)
    assert isinstance(found, tuple)
    [problem] = found
    return problem


def test_a_value_of_the_wrong_form_is_answered_with_the_description_of_its_key() -> None:
    """[FMT-012]"""
    problem = only_problem("json", {"id": {"path": "id"}, "fields": {"title": {"path": "a//b"}}})
    body = problem.to_json()
    assert "séparés par des barres obliques" in body["fix"]["fr"]
    assert "first counts that leads to something" in body["fix"]["en"]


def test_an_unknown_key_is_answered_with_the_keys_that_exist() -> None:
    """[FMT-012]"""
    problem = only_problem("json", {"id": {"path": "id"}, "fields": {"title": {"path": "t", "zzz": 1}}})
    assert "school_weeks" in problem.to_json()["fix"]["fr"]


def test_a_field_of_the_national_api_is_suggested_only_where_it_is_allowed() -> None:
    """[FMT-012]"""
    document = {"id": {"path": "id"}, "fields": {"zipcode": {"path": "t"}}, "siret": {}}
    found = load_mapping("json", document)
    assert isinstance(found, tuple)
    sentences = {problem.pointer: (problem.code, problem.expected) for problem in found}
    assert {
        "/fields/zipcode": ("field-misnamed", "location.postal_code"),
        "/siret": ("field-unknown", None),
    } == sentences


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_has_the_rule_that_gives_it(name: str) -> None:
    """[FMT-012]"""
    assert f"/mapping/fields/{name}" == rule_pointer("/" + name.replace(".", "/"))


def test_other_pointers_lead_to_their_rules() -> None:
    """[FMT-012]"""
    assert "/mapping/id" == rule_pointer("/id")
    assert "/mapping/fields/weeks" == rule_pointer("/weeks/3")
    assert "/mapping/fields/schedule.monday" == rule_pointer("/schedule/monday/start")
    assert "/mapping/extensions/agence" == rule_pointer("/extensions/bretagne/agence")
    assert "/mapping/fields/employer.name" == rule_pointer("/employer")
    assert "/mapping/fields" == rule_pointer("")


def test_a_verdict_on_an_item_names_the_rule_of_the_profile() -> None:
    """[FMT-012]: a field that nothing fills, a text that is too long, a value that is none, whatever the code."""
    mapping = flat("json", fields={"title": {"path": "none"}, "seats": {"path": "places"}})
    offer, _ = items(written("json", [{**row(1), "description": "x" * 2_000, "places": "0"}]), mapping)
    assert isinstance(offer, OfferItem)
    bodies = {one.pointer: one.to_json() for one in judge(offer, revision=1, on=ON).problems}
    assert {"/title", "/description", "/seats"} <= bodies.keys()
    for pointer in ("/title", "/description", "/seats"):
        for language in LANGUAGES:
            assert f"/mapping/fields{pointer}" in bodies[pointer]["fix"][language]
    assert "`cut`" in bodies["/description"]["fix"]["fr"]


@pytest.mark.parametrize(
    ("text", "field"), [("?", "seats"), ("x", "weeks"), ("?", "levels"), ("?", "location.latitude")]
)
def test_a_value_that_cannot_be_read_names_the_rule_of_the_profile(text: str, field: str) -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={field: {"path": "value"}})
    offer, _ = items(written("json", [{**row(1), "value": text}]), mapping)
    assert isinstance(offer, OfferItem)
    [problem] = [one for one in offer.problems if one.severity == "error"]
    for language in LANGUAGES:
        assert f"/mapping/fields/{field}" in problem.to_json()["fix"][language]


def test_the_words_for_authors_are_of_codes_that_exist() -> None:
    words = _words()
    assert set() == (set(words["profile"]) | set(words["item"])) - set(schemas.catalogue())


def test_problems_of_other_packages_stay_as_they_are() -> None:
    problem = reading_rules()
    found = only_problem("csv", {"id": {"path": "a"}, "source": {"items": "a"}, "fields": {"title": {"path": "a"}}})
    assert found is for_item(found) is for_profile(found, "mapping", {})
    assert found.code in problem


def test_literals_and_types_are_translated() -> None:
    assert ["vrai", "faux", "rien"] == [spoken(value, "fr") for value in (True, False, None)]
    assert ["true", "false", "null"] == [spoken(value, "en") for value in (True, False, None)]
    for name in ("object", "array", "string", "number", "integer", "boolean", "null"):
        assert [] == english([f"Une valeur de type {json_type(name).fr} est attendue."])
