"""Texts: no markup, no control characters, composed accents, never blank (OFR-010 to OFR-013)."""

import re
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas.folding import find_invisible, is_blank, visible
from tests.schemas.documents import changed, check, errors, found, pointer

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
def test_characters_that_are_not_html_are_text(text: str) -> None:
    """OFR-010"""
    assert errors(check(changed(description=text))) == []


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "sign",
    ["\x00", "\t", "\r", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u202e", "\u2066", "\ufeff", "\u200e", "\u200f",
     "\u061c", "\u202a", "\u2069", "\U000e0001", "\U000e0041", "\U000e007f"],
)  # fmt: skip
def test_control_characters_are_refused_in_every_text(field: str, sign: str) -> None:
    """OFR-011"""
    verdict = check(changed({field: f"Ren{sign}nes"}))
    assert ("text-control", pointer(field)) in errors(verdict)
    message = next(problem for problem in verdict.problems if problem.code == "text-control").to_json()["message"]
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
@pytest.mark.parametrize(
    "blank",
    ["", " ", "\u00a0\u202f", "\u200b", "\u00ad", "\u2060", "\u3164", "\u2800", "\u1680", "\u205f", "\u115f",
     "\u1160", "\uffa0", "\u034f", "\u0301", "\u20e3", "\u0901", " \u0e31\u0301", "\u00ad\u0901", "\u180e", "\ufe0f",
     "\u200d\u200d", "\u2061 \u2063", "\ufffc", "\U0001d159", "\U000e0100", "\u206a", "\u17b4", "\ue000"],
)  # fmt: skip
def test_blank_texts_are_refused(field: str, blank: str) -> None:
    """OFR-013"""
    assert ("text-blank", pointer(field)) in errors(check(changed({field: blank})))


INVISIBLE = (
    "\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\u2061", "\u2064", "\u206a", "\u206f", "\u180e", "\u034f",
    "\u17b4", "\ufe00", "\ufe0f", "\ufff0", "\U0001d173", "\U000e0080", "\U000e01ef",
)  # fmt: skip


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("sign", INVISIBLE)
def test_invisible_characters_are_removed_with_a_dated_warning(field: str, sign: str) -> None:
    """OFR-011: the document stays as it was sent (REV-002), the offer is relayed without the character."""
    text = "Lannilis" if field == "location.city" else "Atelier"
    verdict = check(changed({field: f"{text[:3]}{sign}{text[3:]}"}))
    assert (verdict.accepted, found(verdict)) == (True, [("text-invisible", pointer(field))])
    expected = verdict.problems[0].to_json()
    assert f"(U+{ord(sign):04X}) at character 4" in expected["message"]["en"]
    assert ("2027" in expected["fix"]["fr"], "1 September 2027" in expected["fix"]["en"]) == (True, True)
    relayed: Any = verdict.offer
    sent: Any = verdict.document
    for step in field.split("."):
        relayed, sent = relayed[step], sent[step]
    assert (relayed, sent) == (text, f"{text[:3]}{sign}{text[3:]}")


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f527",
        "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
        "\u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3 accueil",
        "\u260e\ufe0f accueil",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\u8fbb\U000e0100",
        "\u1820\u180b",
    ],
)
def test_joiners_and_selectors_stay_where_they_have_a_use(text: str) -> None:
    """OFR-011: within emoji, and in scripts that are written with them."""
    assert visible(text) == text
    verdict = check(changed(description=f"Bienvenue {text} !"))
    assert (found(verdict), (verdict.offer or {})["description"]) == ([], f"Bienvenue {text} !")


@pytest.mark.parametrize(("text", "expected"), [
    ("e\u200b\u0301te\u0301", "été"),
    ("\u2764\ufe0f\ufe0e\ufe01", "\u2764\ufe0f"),
    ("a\u200db", "ab"),
    ("\U0001f469\u200d", "\U0001f469"),
    ("\u200d\U0001f527", "\U0001f527"),
])  # fmt: skip
def test_the_remaining_text_is_in_normal_form(text: str, expected: str) -> None:
    """OFR-011, OFR-012"""
    assert visible(text) == expected


@given(st.text(st.sampled_from("ae \n1❤👩🔧\u0301\u0915辻" + "".join(INVISIBLE)), max_size=12) | st.text())
def test_removal_is_done_once_and_never_lengthens(text: str) -> None:
    """OFR-011"""
    once = visible(text)
    assert (visible(once), len(once) <= len(text), find_invisible(once)) == (once, True, None)
    assert (find_invisible(text) is None) == (once == text)


@pytest.mark.parametrize("text", ["<\u200bb>gras</b>", "R&\u2060amp;D", "R&am\u00adp;D"])
def test_invisible_characters_hide_no_markup(text: str) -> None:
    """OFR-010, OFR-011"""
    assert ("text-markup", "/description") in errors(check(changed(description=text)))


def test_a_text_is_blank_exactly_if_nothing_of_it_can_be_seen() -> None:
    """OFR-013: over all of Unicode; the rule considers blank exactly what the schema does."""
    pattern = re.compile(schemas.schema("offer")["$defs"]["not_blank"]["pattern"])
    wrong = []
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        if 0xD800 <= code <= 0xDFFF:
            continue
        if unicodedata.category(sign)[0] in "ZMC" and not is_blank(sign):
            wrong.append(hex(code))
        if pattern.search(sign) is None and not is_blank(sign):
            wrong.append(hex(code))
    assert wrong == []
    assert not any(map(is_blank, "aé1.-€😀中"))
