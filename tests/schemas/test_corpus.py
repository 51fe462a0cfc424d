"""The corpus of hard texts: personal data to redact, and innocent numbers and characters to keep (OFR-034).

``personal_corpus.ndjson`` has one text a line, with its pattern and, where needed, the redacted text. The
numbers are of the ranges that ARCEP keeps for fiction, or not assigned; the domains are for examples.

``fresh/`` has sets of texts that were committed before the rules were first measured on them. The first line
of each says how many texts were missed (a whole address or number can be read) or damaged then; ``known`` marks the
texts that are still wrong.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.personal import redact, redact_tree
from tests.schemas.realistic import realistic

FRESH = [
    [*map(orjson.loads, path.read_bytes().splitlines())]
    for path in sorted(Path(__file__).with_name("fresh").glob("*.ndjson"))
]
CORPUS = [orjson.loads(line) for line in Path(__file__).with_name("personal_corpus.ndjson").read_bytes().splitlines()]


def test_the_corpus_is_large_and_varied() -> None:
    """At least 1,000 different texts of 100 patterns, at most ten of each, in both directions."""
    patterns = Counter(line["pattern"] for line in CORPUS)
    assert len({line["text"] for line in CORPUS}) == len(CORPUS) >= 1_000
    assert len(patterns) >= 100
    assert max(patterns.values()) <= 10
    assert min(sum("redacted" in line for line in CORPUS), sum("redacted" not in line for line in CORPUS)) >= 300


def test_no_text_of_the_corpus_is_missed() -> None:
    """OFR-034: each miss is printed with its pattern."""
    misses = [
        f"{line['pattern']}: {line['text']!r} became {redact(line['text'])!r}"
        for line in CORPUS
        if redact(line["text"]) != line.get("redacted", line["text"])
    ]
    print(f"{len(CORPUS)} texts, {len(misses)} misses", *misses, sep="\n")  # noqa: T201  # the tally is the result
    assert misses == []


def test_the_corpus_is_redacted_once() -> None:
    """OFR-034: a second redaction changes nothing, and no redaction lengthens a text."""
    for line in CORPUS:
        once = redact(line["text"])
        assert redact(once) == once
        assert len(once) <= len(line["text"])


def test_fresh_texts_are_read_as_they_should_be() -> None:
    """OFR-034: but for the known ones, at most one in a hundred of those that must go, and of those that must stay."""
    lines = [line for header, *lines in FRESH for line in lines]
    wrong = {line["text"] for line in lines if redact(line["text"]) != line.get("redacted", line["text"])}
    known = {line["text"] for line in lines if "known" in line}
    for header, *_ in FRESH:
        print(f"set {header['set']}, at first: {header['first_measurement']}")  # noqa: T201  # the tally is the result
    print(f"{len(lines)} fresh texts, {len(wrong)} wrong", *sorted(wrong), sep="\n")  # noqa: T201
    assert wrong == known
    for personal in (True, False):
        count = [line["text"] in known for line in lines if ("redacted" in line) == personal]
        assert sum(count) * 100 <= len(count)


def test_fresh_texts_are_redacted_once() -> None:
    """OFR-034"""
    for _, *lines in FRESH:
        for line in lines:
            once = redact(line["text"])
            assert (redact(once), len(once) <= len(line["text"])) == (once, True)


def test_no_realistic_text_is_cut() -> None:
    """OFR-034: of 10,000 texts without personal data none changes."""
    texts = [*realistic(10_000)]
    assert 10_000 == len(set(texts))
    assert [] == [(text, redact(text)) for text in texts if redact(text) != text]


PAIRS = [
    f"{number[0]}{{}}{number[1]}{{}}{number[2]}{{}}{number[3]}{{}}{number[4]}"
    for number in (
        ("06", "12", "34", "56", "78"),
        ("06", "98", "21", "45", "33"),
        ("02", "99", "78", "45", "12"),
    )
]
"""Pairs with a sign between them: in ascending order, mobile, landline."""


@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("sign", [":", "|", "#", "\u2026", "+", " # ", " \u2026 ", " + ", " puis ", " ensuite "])
@pytest.mark.parametrize("text", ["{}", "Renseignements {}", "Venez avec vos parents, {} pour la suite."])
def test_a_number_without_a_word_for_phones_is_cut_whatever_sign_is_in_it(text: str, sign: str, pairs: str) -> None:
    """OFR-034."""
    number = pairs.format(*[sign] * 4)
    assert text.format("[\u2026]") == redact(text.format(number))


@pytest.mark.parametrize(
    "found",
    [
        *("06 puis 98 21 45 33", "06 puis 98 puis 21.45.33", "06,98,21,45,33", "06;98;21;45;33", "02,99,78,45,12"),
        *("contact at menuiserie.fr", "rh at atelier-bois.fr", "x \u00e0 example.fr", "jean.martin \u00e0 exemple.fr"),
    ],
)
def test_personal_data_without_a_word_for_it_is_cut(found: str) -> None:
    """OFR-034."""
    assert "[\u2026]" == redact(found)
    assert "Une question, [\u2026] le matin." == redact(f"Une question, {found} le matin.")


@pytest.mark.parametrize(
    ("value", "cut"),
    [
        ({"ref": {"a": 612345678.0}}, True), ({"a": 6.12345678e8}, True), ({"a": [712345678.0]}, True),
        ({"tel": 312345678.0}, True), ({"a": 33612345678.0}, True),
        ({"a": 612345678}, False), ({"siren": 775670417.0}, False), ({"budget": 612345678.0}, False),
        ({"a": 650000000.0}, False), ({"a": 512345678.0}, False), ({"a": 48.85}, False),
    ],
)  # fmt: skip
def test_a_mobile_number_that_a_spreadsheet_has_read_as_a_number_is_cut(value: Any, *, cut: bool) -> None:
    """OFR-034: with a decimal point or an exponent; an integer of nine digits may be a company's, or an id."""
    assert cut == bool(redact_tree(value, "")[1])
