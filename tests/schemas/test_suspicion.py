"""The fast search never calls a text clean in which the full search finds something (OFR-034)."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import suspicion
from schemas.email_address import find_emails, find_replaced
from schemas.folding import fold
from schemas.phone import find_international, find_national, find_others, find_spelled
from schemas.rules import link
from tests.schemas.documents import changed, check, found

HERE = Path(__file__).parent
CORPUS = [orjson.loads(line) for line in (HERE / "personal_corpus.ndjson").read_bytes().splitlines()]
FRESH = [
    orjson.loads(line) for path in sorted(HERE.glob("fresh/*.ndjson")) for line in path.read_bytes().splitlines()[1:]
]
CONTACTS = [orjson.loads(line) for line in (HERE / "contact_corpus.ndjson").read_bytes().splitlines()]
PIECES = [
    "06", "39", "98", "12", "34", "0639981234", "+33", "0033", "(0)", "33", "262692123456", "6 39 98 12 34", " ", ".",
    "-",
    "_", "·", "→", "¤", "\u202f", "²", "º", "O6", "l4", "OO", "tél ", "Tél.", "mobile", "jean", "jean.roy", "@", "(at)",
    " at ", "-at-", "[a]", "(à)", " arobase ", "AROBASE", "AT", " chez ", "a commercial", "#", "§", "exemple", ".fr",
    " point fr", " dot ", "gmail", "%40", "%EF%BC%A0", "&#64;", "zéro", "zero ", "six ", "trente-neuf ", "vingt",
    " et ",
    "plus trente-trois ", "puis ", "\n", "\u00ad", "\u200b", "６", "œ", "É", "é", "à", "mailto:", "tel:", "whatsapp:",
]  # fmt: skip


FINDERS = (
    (suspicion.may_hold_email, find_emails),
    (suspicion.may_hold_email, find_replaced),
    (suspicion.may_hold_international, find_international),
    (suspicion.may_hold_national, find_national),
    (suspicion.may_hold_other_phone, find_others),
    (suspicion.may_hold_spelled, find_spelled),
)


def hold_to_each_other(text: str) -> None:
    """Assert that a text is clean where the fast searches say so."""
    plain = fold(text).text
    for may_hold, find in FINDERS:
        if not (may_hold(plain) and suspicion.is_suspect(text)):
            assert [plain[start:end] for start, end in find(plain)] == []
    if not suspicion.is_suspect(text):
        assert link.judge(f"https://a.example/{text}") is None


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join) | st.text())
@settings(max_examples=1_000, deadline=None)
def test_a_text_without_suspicion_holds_nothing(text: str) -> None:
    """OFR-034"""
    hold_to_each_other(text)


@pytest.mark.slow
def test_the_suspicion_filter_is_never_wrong_on_the_corpus() -> None:
    """OFR-034: every text, its redacted form, and every part that remains when its end is cut."""
    for line in [*CORPUS, *FRESH]:
        for text in (line["text"], line["text"].upper(), line["text"].lower(), line.get("redacted", "")):
            hold_to_each_other(text)
            hold_to_each_other(text[: len(text) * 2 // 3])
    assert not all(suspicion.is_suspect(line["text"]) for line in CORPUS)


@pytest.mark.parametrize("line", CONTACTS, ids=lambda line: f"{line['pattern']}-{line['value']!s:.40}")
def test_contact_details_outside_texts(line: dict[str, Any]) -> None:
    """OFR-034: in web addresses, ids and extensions, and innocent values there."""
    field, value, expected = line["field"], line["value"], line["expected"]
    if field == "extensions":
        assert (check(changed(extensions=value)).offer or {})["extensions"] == expected
        return
    verdict = check(changed({{"address": "apply_url", "id": "id"}[field]: value}))
    assert [code for code, _ in found(verdict)] == ([expected] if expected else [])
