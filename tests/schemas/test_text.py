"""Texts: no markup, no control characters, composed accents, never blank (OFR-010 to OFR-013)."""

import pytest

from tests.schemas.documents import changed, check, errors, pointer

TEXTS = [
    "title",
    "description",
    "employer.name",
    "employer.description",
    "location.street",
    "location.city",
    "schedule.lunch_break",
]
LINES = ["title", "employer.name", "location.street", "location.city"]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "markup",
    ["<b>gras</b>", "avant<br/>", "</p>", "<!-- x -->", "<?php", "R&amp;D", "l&#39;été", "&#xE9;t", "a&nbsp;b"],
)
def test_html_is_refused_in_every_text(field: str, markup: str) -> None:
    """OFR-010"""
    assert ("text-markup", pointer(field)) in errors(check(changed({field: markup})))


@pytest.mark.parametrize("text", ["moins de < 5 élèves", "R&D et AT&T", "3 < 5 > 2", "Q&R ; suite", "a & b;"])
def test_signs_that_are_not_html_are_text(text: str) -> None:
    """OFR-010"""
    assert errors(check(changed(description=text))) == []


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "sign", ["\x00", "\t", "\r", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u202e", "\u2066", "\ufeff"]
)
def test_control_characters_are_refused_in_every_text(field: str, sign: str) -> None:
    """OFR-011"""
    verdict = check(changed({field: f"Ren{sign}nes"}))
    assert ("text-control", pointer(field)) in errors(verdict)
    message = next(trouble for trouble in verdict.problems if trouble.code == "text-control").to_json()["message"]
    assert f"U+{ord(sign):04X}" in message["en"]
    assert "character 4" in message["en"]


def test_line_feeds_are_for_long_texts_only() -> None:
    """OFR-011"""
    for field in TEXTS:
        verdict = check(changed({field: "une\nautre\n"}))
        expected = [("text-line-feed", pointer(field))] if field in LINES else []
        assert errors(verdict) == expected


@pytest.mark.parametrize("field", TEXTS)
def test_accents_apart_from_their_letters_are_refused(field: str) -> None:
    """OFR-012"""
    assert errors(check(changed({field: "e\u0301te\u0301"}))) == [("text-not-nfc", pointer(field))]
    assert errors(check(changed({field: "été, œuvre, l’atelier – 5 € « ici » 😀"}))) == []


def test_accents_apart_are_found_beside_other_errors() -> None:
    """OFR-012, OFR-038"""
    assert errors(check(changed(title="e\u0301te\u0301", seats=0))) == [
        ("out-of-range", "/seats"),
        ("text-not-nfc", "/title"),
    ]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("blank", ["", " ", "\u00a0\u202f", "\u200b"])
def test_blank_texts_are_refused(field: str, blank: str) -> None:
    """OFR-013"""
    assert ("text-blank", pointer(field)) in errors(check(changed({field: blank})))
