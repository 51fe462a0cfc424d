"""Answers of the site as outcomes, and its refusals as our codes with texts in French and English."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.national.mapping.deliverability import refusal, refusals, vocabulary
from adapters.national.site.answer import (
    AlreadyDeleted,
    DoneAnswer,
    Forbidden,
    Missing,
    NameTaken,
    RefusedAnswer,
    RightMissing,
    SiteAnswer,
    Unrecognized,
    find_dropped,
    outcome_of,
)
from tests.national.site.harness import JUNE, offer_of, ready

WEEKS = ("2025-W21", "2025-W22")


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("create/created", 201, DoneAnswer(WEEKS, ("troisieme",), published=True)),
        ("create/unprocessable_entity_bad_data", 201, DoneAnswer((*WEEKS, "2025-W23"), ("troisieme",), published=True)),
        ("create/conflict", 409, NameTaken()),
        ("create/unauthorized", 401, RightMissing()),
        ("search/unauthorized", 401, RightMissing()),
        ("destroy/ok", 200, DoneAnswer(("2026-W25",), ("seconde",), published=True)),
        ("destroy/conflict", 409, AlreadyDeleted()),
        ("destroy/not_found", 404, Missing()),
        ("update/not_found", 404, Missing()),
        ("update/forbidden", 403, Forbidden()),
        ("search/too_many_requests", 429, Unrecognized(429, "")),
    ],
)
def test_recorded_answers_are_understood(name: str, status: int, expected: object, samples: Path) -> None:
    assert expected == outcome_of(SiteAnswer(status, recorded(samples, name)))


@pytest.mark.samples
def test_pitfall_8_unpadded_weeks_of_an_answer_are_padded(samples: Path) -> None:
    done = outcome_of(SiteAnswer(200, recorded(samples, "update/ok")))
    assert isinstance(done, DoneAnswer)
    assert {"2025-W01", "2024-W52"} <= set(done.weeks)
    assert 39 == len(done.weeks)
    assert not done.published


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "status", "problems"),
    [
        (
            "create/bad_request",
            400,
            {
                ("missing", "/location/postal_code"),
                ("invalid", "/location/postal_code"),
                ("missing", "/location"),
                ("missing", "/title"),
                ("missing", "/description"),
                ("missing", "/location/street"),
                ("missing", "/location/city"),
                ("missing", "/sector"),
                ("missing", "/employer/name"),
                ("missing", "/id"),
                ("missing", "/apply_url"),
                ("missing", "/employer/description"),
            },
        ),
        ("update/bad_request", 400, {("too-long", "/description")}),
        ("create/unprocessable_entity_bad_payload", 422, {("payload", "")}),
        ("create/unprocessable_entity_missing_mandatory_weeks", 422, {("mandatory-weeks", "/weeks")}),
        ("create/unprocessable_entity_mixed_grades", 422, {("levels", "/levels")}),
        ("update/unprocessable_entity_bad_data", 422, {("weeks", "/weeks")}),
    ],
)
def test_pitfall_12_refusals_in_any_form_and_language_get_our_codes(
    name: str, status: int, problems: set[tuple[str, str]], samples: Path
) -> None:
    outcome = outcome_of(SiteAnswer(status, recorded(samples, name)))
    assert isinstance(outcome, RefusedAnswer)
    assert {(f"national-refused:{code}", pointer) for code, pointer in problems} == {
        (one.code, one.pointer) for one in outcome.refusals
    }


@pytest.mark.parametrize(
    ("error", "code", "pointer"),
    [
        ({"permalink": ["lien vers un environnement de test"]}, "apply-url-word", "/apply_url"),
        ({"zipcode": ["pas de département"]}, "postal-code", "/location/postal_code"),
        ({"lunch_break": ["est trop court"]}, "too-short", "/schedule/lunch_break"),
        ({"max_candidates": "doit être supérieur à 0"}, "invalid", "/seats"),
        ({"sunshine": ["too bright"]}, "other", ""),
        ({"sunshine": ["is missing"]}, "other", ""),
        ({"title": []}, "other", "/title"),
        ("a reason of 2031", "other", ""),
        ({}, "other", ""),
        (None, "other", ""),
        (["a", "list"], "other", ""),
        ({"title": {"nested": 1}}, "other", "/title"),
    ],
)
def test_unknown_refusals_are_still_reported(error: Any, code: str, pointer: str) -> None:
    outcome = outcome_of(SiteAnswer(400, {"code": "VALIDATION_ERROR", "error": error}))
    assert isinstance(outcome, RefusedAnswer)
    (only,) = outcome.refusals
    assert (f"national-refused:{code}", pointer) == (only.code, only.pointer)


@pytest.mark.parametrize(
    "answer",
    [
        SiteAnswer(500, {"status": 500}),
        SiteAnswer(502, "<html>"),
        SiteAnswer(200, "<html><body>maintenance</body></html>"),
        SiteAnswer(200, []),
        SiteAnswer(404, "<html>no such page</html>"),
        SiteAnswer(409, {"code": "SOMETHING_ELSE"}),
        SiteAnswer(418, None),
    ],
)
def test_an_answer_that_the_site_never_gives_is_no_outcome(answer: SiteAnswer) -> None:
    assert Unrecognized(answer.status, "") == outcome_of(answer)


def test_a_creation_whose_answer_holds_nonsense_still_counts_as_done() -> None:
    """It was written; the comparison then says that weeks and levels are not those sent."""
    done = outcome_of(SiteAnswer(201, {"remote_id": "x", "weeks": [7, "2027-W24", "soon"], "grades": None}))
    assert DoneAnswer(("2027-W24",), (), published=False) == done


def test_the_sites_words_are_capped_and_hold_no_personal_data() -> None:
    problems = refusal("national-refused:other", actual="écrire à quelquun@example.org " + "x" * 200)
    assert problems.actual is not None
    assert "example.org" not in problems.actual
    assert len(problems.actual) <= 80


def test_dropped_weeks_and_levels_are_found() -> None:
    sent = ready(offer_of())
    kept = DoneAnswer(tuple(JUNE), ("seconde",), published=True)
    assert find_dropped(sent, kept) is None
    fewer = find_dropped(sent, replace(kept, weeks=("2027-W24",)))
    assert fewer is not None
    assert ("national-weeks-dropped", "/weeks", "2027-W25") == (fewer.code, fewer.pointer, fewer.actual)
    other = find_dropped(sent, replace(kept, levels=("troisieme",)))
    assert other is not None
    assert ("/levels", "seconde, troisieme") == (other.pointer, other.actual)


def test_every_refusal_has_a_remedy_in_both_languages() -> None:
    for code in refusals():
        problems = refusal(code, pointer="/weeks", actual="ses mots").to_json()
        for text in ("message", "fix"):
            assert {"fr", "en"} == problems[text].keys()
            assert all(problems[text].values())
            assert problems[text]["fr"] != problems[text]["en"]
        assert not any("{" in text for text in problems["message"].values())


def test_every_word_of_the_vocabulary_leads_to_a_refusal() -> None:
    known = {f"national-refused:{entry['code']}" for entry in vocabulary()["sentences"]} | {"national-refused:other"}
    assert known == {code for code in refusals() if code.startswith("national-refused:")}
    with pytest.raises(KeyError):
        refusal("national-refused:unheard-of")


def recorded(samples: Path, name: str) -> Any:
    return orjson.loads((samples / "national-v2" / "internship_offers" / f"{name}.json").read_bytes())
