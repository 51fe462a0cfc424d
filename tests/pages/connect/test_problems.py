"""The problems of a sample: one row for each sentence, whatever objects its fields are missing in."""

from typing import Any

import orjson
import pytest

from adapters.profile.study import open_sample
from gateway.bootstrap.connect_work import FUNCTIONS
from gateway.pages.connect import port
from gateway.pages.connect.problems import rows_of, with_labels
from gateway.pages.connect.view_model import describe
from schemas import catalogue, problem
from schemas.rulebook import LANGUAGES, Language, reading_rules
from tests.formats.feeds import written


def study_of(*groups: tuple[Any, int]) -> dict[str, Any]:
    return {
        "missing": ["location.postal_code", "sector"],
        "fields": [],
        "problems": [{**found.to_json(), "count": count} for found, count in groups],
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_field_missing_with_its_object_and_without_is_one_row(language: Language) -> None:
    missing = [problem("field-missing", pointer=pointer, field=pointer[1:]) for pointer in ("/location", "/sector")]
    inner = problem("field-missing", pointer="/location/postal_code", field="postal_code")
    labels = {"location.postal_code": "A", "location.city": "B", "sector": "C"}
    rows = rows_of(study_of((missing[0], 3), (missing[1], 4), (inner, 2)), labels, language)
    assert [(5, ["location.postal_code"]), (4, ["sector"])] == [(row.count, list(row.links)) for row in rows]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_a_rule_stands_twice(language: Language) -> None:
    half: list[dict[str, Any]] = [{"id": f"a{number}", "titre": "Atelier", "lieu": {}} for number in range(3)]
    half += [{"id": f"b{number}", "titre": "Atelier", "lieu": {"rue": "4 quai Lamennais"}} for number in range(3)]
    opened = open_sample([written("json", half)])
    study = FUNCTIONS[port.STUDY](_bytes(opened["sample"]), {"choices": {}, "on": "2026-11-28"})
    rows = describe(study, language)["problems"]
    assert len(rows) == len({(row.kind, row.rule, row.sentence) for row in rows}) > 2


def _bytes(sample: Any) -> bytes:
    return orjson.dumps(sample)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_has_neither_a_pointer_of_the_profile_nor_a_back_tick(language: Language) -> None:
    """Of every text that a reader of feeds has."""
    for rule in (*reading_rules().values(), *catalogue().values()):
        for text in (rule.message[language], rule.fix[language]):
            sentence = text.replace("{rule}", "/mapping/fields/employer.name/path")
            written = with_labels(sentence, {}, language)
            assert "/mapping" not in written, written
            assert "`" not in written, written


def test_pointers_of_a_profile_are_words() -> None:
    sentence = "Corrigez /mapping/fields/weeks, /mapping/id, /mapping/only et `map` sous /mapping/fields/employer.name."
    assert (
        "Corrigez «\u00a0Semaines\u00a0», «\u00a0Identifiant\u00a0», «\u00a0ce qui est en ligne\u00a0» et "
        "<code>map</code> sous «\u00a0Employeur\u00a0»." == with_labels(sentence, {}, "fr")
    )
