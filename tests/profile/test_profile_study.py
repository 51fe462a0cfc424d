"""A sample studied with the choices of a person: fields, offers, problems, profile."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from adapters.formats.inference.guess import ORDER
from adapters.profile.choice import FIXABLE, LISTS, MEANT
from adapters.profile.draft import draft_profile
from adapters.profile.study import draft_of, open_sample, study

pytestmark = pytest.mark.slow

ON = date(2026, 11, 24)


def offer(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"o-{number}",
        "titre": f"Découvrir le métier {number}",
        "description": "Observer une équipe au travail, poser ses questions et aider un peu.",
        "entreprise": f"Atelier {number}",
        "code_postal": "35500",
        "ville": "Vitré",
        "niveau": "Seconde",
        "debut": "2027-06-14",
        "fin": "2027-06-25",
        "secteur": "Tourisme",
        "lien": f"https://stages.example/o/{number}",
        **changes,
    }


def sample_of(*offers: Mapping[str, Any]) -> Mapping[str, Any]:
    opened = open_sample([json.dumps(offers).encode()])
    sample: Mapping[str, Any] = json.loads(json.dumps(opened["sample"]))
    return sample


def studied(choices: Mapping[str, Any], *offers: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(study(sample_of(*offers), choices, on=ON)))
    return document


def field(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(one for one in document["fields"] if one["name"] == name)
    return found


def test_each_offer_is_published_waits_or_is_refused() -> None:
    """An offer waits if it lacks nothing but the choice of a path."""
    both = {"secteur_2": "Santé"}
    document = studied(
        {},
        offer(1, **both, secteur="Sport"),
        offer(2, **both),
        offer(3, **both, code_postal="99999", ville="Nulle-Part"),
    )
    assert ["sector"] == document["missing"]
    assert {"published": 0, "waiting": 2, "refused": 1, "passed": 0} == document["counts"]
    assert ["waiting", "waiting", "refused"] == [one["state"] for one in document["offers"]]
    chosen = studied(
        {"sector": {"path": "secteur"}}, offer(1), offer(2), offer(3, code_postal="99999", ville="Nulle-Part")
    )
    assert {"published": 2, "waiting": 0, "refused": 1, "passed": 0} == chosen["counts"]


def test_the_offer_with_most_errors_is_among_the_three() -> None:
    offers = [offer(number) for number in range(1, 8)]
    offers[5] |= {"secteur": "Divers", "niveau": "Master"}
    document = studied({}, *offers)
    assert [1, 2, 6] == [one["number"] for one in document["offers"]]
    assert {"sector-unknown", "level-unknown"} == {error["code"] for error in document["offers"][2]["errors"]}


def test_two_offers_with_one_id_are_refused_both() -> None:
    document = studied({}, offer(1), offer(2), offer(2, titre="Un autre métier"))
    assert (1, 2) == (document["counts"]["published"], document["counts"]["refused"])


def test_without_an_id_the_other_fields_are_judged_all_the_same() -> None:
    document = studied({"id": {"path": ""}}, offer(1), offer(2))
    assert ["id"] == document["missing"]
    assert {"published": 0, "waiting": 2, "refused": 0, "passed": 0} == document["counts"]
    assert "Tourisme" not in [one["sector"] for one in document["offers"]]
    assert ["s48", "s48"] == [one["sector"] for one in document["offers"]]


@pytest.mark.parametrize(
    "choices",
    [
        {"title": {"path": "nowhere"}},
        {"title": {"path": "a//b"}},
        {"weeks": {"path": "debut + nowhere"}},
        {"title": {"path": "titre + ville"}},
        {"unknown": {"path": "titre"}},
        {"weeks": {"date": "%Y"}},
        {"sector": {"meanings": {}}},
        {"online": {"nowhere": ["x"]}},
    ],
)
def test_choices_that_the_sample_does_not_have_are_dropped(choices: Mapping[str, Any]) -> None:
    sample = sample_of(offer(1), offer(2))
    assert draft_of(sample, {}, on=ON).mapping == draft_of(sample, choices, on=ON).mapping


@pytest.mark.parametrize("name", sorted(FIXABLE))
def test_any_field_that_can_have_one_value_makes_a_valid_profile_or_says_why_not(name: str) -> None:
    values = {"sectors": "s48", "levels": ["seconde"], "school": "school", "accessibility": "yes", "yes_no": "no"}
    for value in (values.get(LISTS.get(name, ""), "2"), "not admitted: \u0007", "x" * 3000):
        sample = sample_of(offer(1), offer(2))
        choices = {name: {"fixed": value}}
        made = draft_of(sample, choices, on=ON)
        assert draft_profile(made).mapping is not None
        one = field(study(sample, choices, on=ON), name)
        assert (one["refused"] is None) == (bool(one["fixed"]))


@pytest.mark.parametrize(
    ("name", "value", "code", "expected"),
    [
        ("sector", "Divers", "s12", "s12"),
        ("levels", "Lycéens", "troisieme+seconde", ["troisieme", "seconde"]),
        ("levels", "Adultes", "-", None),
        ("accessibility", "partiel", "unknown", "unknown"),
        ("employer.public", "mixte", "no", "no"),
    ],
)
def test_a_meaning_becomes_an_entry_of_the_map(name: str, value: str, code: str, expected: Any) -> None:
    path = {"sector": "secteur", "levels": "niveau"}.get(name, "autre")
    choices = {name: {"path": path, "meanings": {value: code}}}
    sample = sample_of(offer(1, **{path: value}), offer(2, **({} if path != "autre" else {path: "oui"})))
    rule = draft_of(sample, choices, on=ON).mapping["fields"][name]
    assert ({value: expected}, "keep") == (rule["map"], rule["unmatched"])
    [meaning] = field(study(sample, choices, on=ON), name)["meanings"]
    assert (value, code) == (meaning["value"], meaning["code"])


def test_every_list_and_meaning_is_of_a_field_that_exists() -> None:
    assert FIXABLE <= set(ORDER)
    assert set(MEANT) <= set(ORDER)


def test_ready_made_formats_keep_their_rules_beside_a_meaning() -> None:
    posting = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "title": "Stage",
        "url": "https://site.example/1",
        "industry": "Divers",
        "identifier": {"value": "a1"},
    }
    opened = open_sample([json.dumps([posting, {**posting, "identifier": {"value": "a2"}}]).encode()])
    assert "jobposting" == opened["sample"]["form"]
    rule = draft_of(opened["sample"], {"sector": {"meanings": {"Divers": "s12"}}}, on=ON).mapping["fields"]["sector"]
    assert {"Divers": "s12"} == rule["map"]
    whole = draft_of(opened["sample"], {}, on=ON).guesses["sector"].rule
    assert whole is not None
    assert whole["path"] == rule["path"]
