"""E-mail addresses and phone numbers are redacted in every text, and nothing else is (OFR-034, SEC-010)."""

import inspect
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas import candidate, number_context, numbering
from schemas.candidate import BEFORE
from schemas.personal import MARK, redact
from tests.schemas.documents import changed, check, errors, found, pointer

PERSONAL = [
    "jean.dupont@exemple.fr",
    "JEAN@EXEMPLE.FR",
    "j+stage@mail.exemple.co",
    "é@exemple.fr",
    "jean @ exemple.fr",
    "jean＠exemple.fr",
    "jean (at) exemple.fr",
    "jean[arobase]exemple.fr",
    "0612345678",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "06-12-34-56-78",
    "06/12/34/56/78",
    "06\u00a012\u00a034\u00a056\u00a078",
    "06\u202f12\u202f34\u202f56\u202f78",
    "06 1234 5678",
    "0 6 1 2 3 4 5 6 7 8",
    "06 - 12 - 34 - 56 - 78",
    "02 99 00 00 00",
    "0800 123 456",
    "+33612345678",
    "+33 6 12 34 56 78",
    "+33 (0)6 12 34 56 78",
    "+33(0)6.12.34.56.78",
    "0033 6 12 34 56 78",
    "+262 692 12 34 56",
    "+590590123456",
    "+32 470 12 34 56",
]
HARMLESS = [
    "du 14/06/2027 au 25/06/2027",
    "le 01/02/2027 0830",
    "01.02.2027 08h30",
    "01-02-2027 09 12",
    "2027-06-14 08 00 12 00",
    "de 09:00 à 12:30 et de 13:30 à 17:00",
    "SIRET 73282932000074",
    "SIRET 012 345 678 00012",
    "10 000 000 € de chiffre d'affaires",
    "35000 Rennes, 29870 Lannilis",
    "0,5 à 1,25 mm",
    "lot n° 1234567890123",
    "3 @ 5",
    "@atelier sur les réseaux",
    "atelier (au rez-de-chaussée)",
    "2027-W24, 2027-W25",
    "ISO 9001:2015, EN 1090-2",
]


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_is_replaced_by_a_mark(text: str) -> None:
    """OFR-034"""
    assert redact(text) == MARK
    assert redact(f"Contact : {text}, merci") == f"Contact : {MARK}, merci"
    assert schemas.redact(f"({text})") == f"({MARK})"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_numbers_and_signs_stay(text: str) -> None:
    """OFR-034"""
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("x at y.fr", "[…]"),
        ("Bonjour\ndurand at exemple.fr\nmerci", "Bonjour\n[…]\nmerci"),
        ("Mail : durand at exemple.fr.", "Mail : […]."),
        ("Work at exemple.fr", "Work at exemple.fr"),
        ("Find us at exemple.fr", "Find us at exemple.fr"),
        ("Mail us at exemple.fr", "Mail us at exemple.fr"),
    ],
)
def test_at_is_an_at_sign_alone_on_a_line_or_behind_a_word_for_mail(text: str, clean: str) -> None:
    """OFR-034: without a dotted name, that is; elsewhere it is a word of English."""
    assert redact(text) == clean


@pytest.mark.parametrize("text", ["se0639981234de", "a0639981234b", "appelle0639981234vite", "x0639981234"])
def test_letters_right_beside_a_number_hide_nothing(text: str) -> None:
    """OFR-034: only a hash of sixteen hexadecimal digits and more is kept."""
    assert MARK in redact(text)


def test_consecutive_numbers_are_all_redacted() -> None:
    """OFR-034"""
    for mark in (",", ", ", "/", " / ", " ou ", ";", "\n"):
        assert redact(mark.join(["06 12 34 56 78"] * 9)) == mark.join([MARK] * 9)
    assert not re.search("[0-9]{4}", redact("0612342027/" * 9))


@given(
    st.lists(st.sampled_from([*PERSONAL, *HARMLESS, " ", ",", "a", "é", "0", "+", "@", "(", "/", "\n"])).map("".join)
    | st.text()
)
def test_redaction_never_lengthens_and_is_done_once(text: str) -> None:
    """OFR-034"""
    once = redact(text)
    assert len(once) <= len(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "field",
    ["title", "description", "employer.name", "employer.description", "location.street", "schedule.lunch_break"],
)
def test_every_text_is_redacted_and_reported(field: str) -> None:
    """OFR-034: the offer is accepted, the document stays as it was sent, and the report does not repeat the data."""
    verdict = check(changed({field: "Écrire à jean@exemple.fr ou appeler le 06 12 34 56 78"}))
    assert (verdict.accepted, found(verdict)) == (True, [("personal-data", pointer(field))])
    assert verdict.offer is not None
    value: Any = verdict.offer
    for step in field.split("."):
        value = value[step]
    assert value == "Écrire à […] ou appeler le […]"
    assert "exemple.fr" in str(verdict.document)
    assert "exemple.fr" not in str([problem.to_json() for problem in verdict.problems])


def test_extensions_are_redacted_however_deep() -> None:
    """OFR-034"""
    extensions = {
        "bretagne": {"contact": ["Jean", {"tel": "06 12 34 56 78", "ok": "oui"}], "a@b.fr": 1, "c@d.fr": 2, "n": None},
        "normandie": {"kept": [1, 2]},
    }
    verdict = check(changed(extensions=extensions))
    assert found(verdict) == [
        ("personal-data", "/extensions/bretagne/contact/1/tel"),
        ("personal-data", "/extensions/bretagne"),
        ("personal-data", "/extensions/bretagne"),
    ]
    assert verdict.offer is not None
    assert verdict.offer["extensions"] == {
        "bretagne": {"contact": ["Jean", {"tel": "[…]", "ok": "oui"}], "[…]": 1, "[…]2": 2, "n": None},
        "normandie": {"kept": [1, 2]},
    }
    assert verdict.document is not None
    assert verdict.offer["extensions"]["normandie"] is verdict.document["extensions"]["normandie"]


@pytest.mark.parametrize(
    "address",
    [
        "https://a.fr/?to=jean@exemple.fr",
        "https://a.fr/jean%40exemple.fr",
        "https://a.fr/jean%2540exemple.fr",
        "https://a.fr/jean%252540exemple%252Efr",
        "https://a.fr/?c=jean(at)exemple.fr",
        "https://a.fr/?c=jean%20%28at%29%20exemple.fr",
        "https://a.fr/?c=jean+arobase+exemple.fr",
        "https://a.fr/r?u=mailto:jean",
        "https://a.fr/r?u=mailto%3Ajean%40exemple.fr",
    ],
)
def test_web_addresses_with_an_email_are_refused(address: str) -> None:
    """OFR-034"""
    assert errors(check(changed(apply_url=address))) == [("email-in-url", "/apply_url")]
    assert errors(check(changed({"employer.website": address}))) == [("email-in-url", "/employer/website")]
    assert errors(check(changed(apply_url="https://a.fr/@atelier"))) == []


@pytest.mark.parametrize(
    "call", ["tel:0639981234", "tel%3A%2B33639981234", "sms:+33639981234", "callto:0639981234", "TEL:06"]
)
def test_web_addresses_that_call_a_number_are_refused(call: str) -> None:
    """OFR-034"""
    address = f"https://a.fr/r?u={call}"
    assert errors(check(changed(apply_url=address))) == [("phone-link-in-url", "/apply_url")]
    assert errors(check(changed({"employer.website": address}))) == [("phone-link-in-url", "/employer/website")]


@pytest.mark.parametrize(
    "path", ["0639981234", "?tel=06-39-98-12-34", "?t=33639981234", "?t=%2B33639981234", "?t=06%2039%2098%2012%2034"]
)
def test_phones_in_web_addresses_are_warned_of(path: str) -> None:
    """OFR-034: the address is relayed as it is."""
    verdict = check(changed({"apply_url": f"https://a.fr/{path}", "employer.website": f"https://a.fr/{path}"}))
    assert found(verdict) == [("phone-in-url", "/apply_url"), ("phone-in-url", "/employer/website")]
    assert (verdict.offer or {})["apply_url"] == f"https://a.fr/{path}"


@pytest.mark.parametrize(
    "path",
    ["S-2027-000123", "@atelier", "@jean.dupont", "06123456-7890-4abc-8def-001122334455", "2027-06-14-0830", "hotel:12",
     "lib@2.0.min.js", "a9f0612345678bcd", "?siret=73282932000074", "?d=01/02/2027&e=05/02/2027", "%C3%A9t%C3%A9",
     "@48.8566,2.3522,15z", "?ean=3017620422003"],
)  # fmt: skip
def test_innocent_web_addresses_are_unchanged(path: str) -> None:
    """OFR-034"""
    address = f"https://a.fr/{path}"
    assert found(check(changed({"apply_url": address, "employer.website": address}))) == []


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("id", "bretagne:0639981234"),
        ("id", "bretagne:tel-06.39.98.12.34"),
        ("id", "bretagne:33639981234"),
        ("id", "bretagne:tel0639981234"),
        ("source_id", "grand-est:0199001234"),
        ("source_id", "jean%40exemple.fr"),
        ("national_remote_id", "gre-06-39-98-12-34"),
        ("national_remote_id", "jean(at)exemple.fr"),
    ],
)
def test_contact_details_in_ids_are_warned_of(field: str, text: str) -> None:
    """OFR-034: an id cannot be changed, so that it is relayed as it is."""
    verdict = check(changed({field: text}))
    assert (found(verdict), (verdict.offer or {})[field]) == ([("contact-in-id", f"/{field}")], text)
    assert "99" not in str([problem.to_json() for problem in verdict.problems])


@pytest.mark.parametrize(
    "text",
    [
        "bretagne:2027-06-14-0830",
        "bretagne:0000012345",
        "bretagne:S-2027-000123",
        "bretagne:06123456-7890-4abc-8def-001122334455",
        "bretagne:1764000000000",
        "bretagne:k0497477531-a",
        "bretagne:a0639981234b",
    ],
)
def test_innocent_ids_are_unchanged(text: str) -> None:
    """OFR-034"""
    assert found(check(changed(id=text))) == []


def test_numbers_of_extensions_are_redacted_where_they_are_phones() -> None:
    """OFR-034: 33 and nine digits anywhere; nine digits, which have lost their 0, below a key that says so."""
    extensions = {
        "bretagne": {
            "n": [33639981234, 33639981234.0, 262692123456, 73282932000074, 639981234, -33639981234, 3.5, True],
            "tel": 639981234,
            "telephones": {"mobile": ["639981234", "6 39 98 12 34"], "count": 2},
            "hotel": 639981234,
            "code": "%6aean%40exemple.fr",
        }
    }
    verdict = check(changed(extensions=extensions))
    assert (verdict.offer or {})["extensions"]["bretagne"] == {
        "n": ["[…]", "[…]", "[…]", 73282932000074, 639981234, -33639981234, 3.5, True],
        "tel": "[…]",
        "telephones": {"mobile": ["[…]", "[…]"], "count": 2},
        "hotel": 639981234,
        "code": "[…]",
    }
    assert {code for code, _ in found(verdict)} == {"personal-data"}


def test_personal_data_is_reported_in_refused_offers_too() -> None:
    """OFR-034, OFR-038"""
    verdict = check(changed(description="06 12 34 56 78", seats=0))
    assert found(verdict) == [("out-of-range", "/seats"), ("personal-data", "/description")]


def patterns_of_words() -> list[str]:
    """The patterns that are only searched in ``Candidate.words_before``."""
    code = "".join(inspect.getsource(module) for module in (candidate, numbering))
    return sorted(set(re.findall(r"number_context\.(\w+)\.search\((?:(?:number|self)\.words_before|words)\)", code)))


WORDLESS = st.characters(exclude_categories=("L", "Nl", "No", "Cs"), exclude_characters="☎✆📞📱📲☏")


@given(st.sampled_from(patterns_of_words()), st.text(WORDLESS, max_size=BEFORE))
def test_patterns_of_words_match_nothing_without_a_letter(name: str, text: str) -> None:
    """OFR-034"""
    assert not number_context.WORDED.search(text)
    pattern: re.Pattern[str] = getattr(number_context, name)
    assert pattern.search(text) is None


def test_the_patterns_of_words_are_found() -> None:
    assert len(patterns_of_words()) > 15
