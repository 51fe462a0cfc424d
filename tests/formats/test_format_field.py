"""Codes, numbers, levels, addresses and ids in the spellings of feeds."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from adapters.formats.field import (
    FIELDS,
    Located,
    One,
    read_accessibility,
    read_code,
    read_levels,
    read_naf,
    read_number,
    read_seats,
    read_sector,
    read_siret,
    read_stay,
    read_whole,
    read_yes_no,
)
from adapters.formats.identity import local_id
from adapters.formats.item import judge
from adapters.formats.locality import resolve
from adapters.formats.location_texts import Written
from adapters.formats.problem import UnreadableValueError
from adapters.formats.text import read_link
from schemas.registry import definition_validator
from tests.formats.feeds import ON, codes, flat, only, row


@pytest.mark.parametrize(
    ("field", "given", "rule", "expected"),
    [
        ("levels", "Lycée", {"map": {"lycee": "seconde", "college": ["quatrieme", "troisieme"]}}, ["seconde"]),
        ("levels", "COLLÈGE", {"map": {"college": ["quatrieme", "troisieme"]}}, ["quatrieme", "troisieme"]),
        ("employer.public", "mairie", {"map": {"mairie": True, "*": False}}, True),
        ("seats", "une classe", {"map": {"une classe": 30}}, 30),
        ("sector", "Numérique", {"map": {"numerique": "s36"}}, "s36"),
        ("stay_weeks", 2.0, {}, 2),
        ("location.latitude", "48,11", {}, 48.11),
        ("rome.code", " M1805", {}, "M1805"),
        ("accessibility", True, {}, "yes"),
        ("redistribution.national", "non", {}, False),
        ("employer.naf", "6201Z", {}, "62.01Z"),
        ("source_id", 12, {}, "12"),
        ("expires_on", "27/06/2027", {}, "2027-06-27"),
        ("schedule.lunch_break", "Repas\tau réfectoire", {}, "Repas au réfectoire"),
    ],
)
def test_each_field_reads_what_feeds_write(field: str, given: Any, rule: Mapping[str, Any], expected: Any) -> None:
    """[FMT-008]"""
    more = {"location.longitude": {"constant": 1.0}} if field == "location.latitude" else {}
    mapping = flat("json", fields={field: {"path": "v", **rule}, **more})
    offer = only(orjson.dumps({**row(), "v": given}), mapping)
    assert [] == codes(offer)
    parent, _, child = field.rpartition(".")
    assert expected == (offer.document[parent] if parent else offer.document)[child]


@pytest.mark.parametrize(
    ("latitude", "longitude", "codes_"),
    [(0, 0, ["coordinates-left-out"]), ("0,0", 0.0, ["coordinates-left-out"]), (48.1, None, ["coordinates-left-out"]),
     ("inconnue", -1.6, ["field-left-out", "coordinates-left-out"]), (None, None, [])],
)  # fmt: skip
def test_coordinates_that_say_nothing_are_left_out_together(latitude: Any, longitude: Any, codes_: list[str]) -> None:
    """[FMT-008]"""
    fields = {f"location.{name}": {"path": name, "optional": True} for name in ("latitude", "longitude")}
    item = {**row(), "latitude": latitude, "longitude": longitude}
    offer = only(orjson.dumps(item), flat("json", fields=fields))
    assert ({"postal_code", "city"}, codes_) == (set(offer.document["location"]), codes(offer))


@pytest.mark.parametrize("optional", [("latitude",), ("longitude",), ("latitude", "longitude")])
@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(-1.68, 48.11), (52.52, 13.40), (123.4, -1.68), (48.11, 999), (None, -1.68), (48.11, None), ("nord", -1.68),
     (48.11, "ouest"), (0, 0)],
)  # fmt: skip
def test_optional_coordinates_are_left_out_as_a_pair_whatever_is_wrong(
    latitude: Any, longitude: Any, optional: tuple[str, ...]
) -> None:
    """[FMT-009]: swapped, abroad, out of range, one of two, unreadable."""
    fields = {f"location.{name}": {"path": name, "optional": name in optional} for name in ("latitude", "longitude")}
    offer = only(orjson.dumps({**row(), "latitude": latitude, "longitude": longitude}), flat("json", fields=fields))
    verdict = judge(offer, revision=1, on=ON)
    assert verdict.document is not None
    assert (True, {"postal_code", "city"}) == (verdict.accepted, set(verdict.document["location"]))
    assert "coordinates-left-out" in [one.code for one in verdict.problems]


@pytest.mark.parametrize("rule", [{}, {"optional": True}])
@pytest.mark.parametrize(
    "day",
    ["2022-06-30", "2026-11-23", "30/06/2022", "2022-06-30T23:59:00Z", "1656547200", 1656547200000, "31/06/2022",
     "20220630", "juin 2022"],
)  # fmt: skip
def test_what_is_past_is_refused_whatever_optional_says(day: Any, rule: Mapping[str, Any]) -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"expires_on": {"path": "end", **rule}})
    verdict = judge(only(orjson.dumps({**row(), "end": day}), mapping), revision=1, on=ON)
    assert (False, ["/expires_on"]) == (
        verdict.accepted,
        [one.pointer for one in verdict.problems if one.severity == "error"],
    )


def test_an_optional_end_that_cannot_be_read_is_left_out() -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"expires_on": {"path": "end", "optional": True}})
    for unread in ("à pourvoir", "31/06/2027"):
        verdict = judge(only(orjson.dumps({**row(), "end": unread}), mapping), revision=1, on=ON)
        assert (True, "field-left-out") == (verdict.accepted, verdict.problems[0].code)


def test_a_version_of_rome_without_a_code_is_left_out() -> None:
    """[FMT-008]"""
    fields = {"rome.code": {"path": "rome"}, "rome.version": {"constant": "4"}}
    assert "rome" not in only(orjson.dumps(row()), flat("json", fields=fields)).document
    with_code = only(orjson.dumps({**row(), "rome": "M1805"}), flat("json", fields=fields))
    assert {"code": "M1805", "version": "4"} == with_code.document["rome"]


def test_fields_that_the_schema_lacks_become_the_platforms_extensions() -> None:
    """[FMT-001]"""
    extensions = {"ref": {"path": "r"}, "tags": {"path": "t"}, "none": {"path": "n"}, "fixed": {"constant": 3}}
    mapping = flat("json", extensions=extensions)
    document = only(orjson.dumps({**row(), "r": " A  1", "t": ["x", 2]}), mapping).document
    assert {"bretagne": {"ref": "A 1", "tags": ["x", 2], "fixed": 3}} == document["extensions"]


@pytest.mark.parametrize(
    ("text", "sector"),
    [
        ("s33", "s33"),
        ("S33", "s33"),
        ("Fonction publique", "s25"),
        ("FONCTION  PUBLIQUE", "s25"),
        ("84.11Z", "s25"),
        ("8411z", "s25"),
        ("84 11 Z", "s25"),
    ],
)
def test_a_sector_is_known_by_code_name_or_naf(text: str, sector: str) -> None:
    """[FMT-008]"""
    assert sector == read_sector(text)


def test_every_sector_and_every_naf_code_leads_to_its_sector() -> None:
    """[FMT-008]"""
    for item in schemas.reference("sectors")["items"]:
        assert item["code"] == read_sector(item["name"])
        assert item["code"] == read_sector(item["code"].upper())
    assert schemas.sector_of("62.01Z") == read_sector("6201Z")


@pytest.mark.parametrize("text", ["Informatique et tout le reste", "s52", "99.99Z", "-"])
def test_an_unknown_sector_is_not_guessed(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_sector(text)


def test_a_naf_code_gets_its_dot() -> None:
    """[FMT-008]"""
    assert ["62.01Z", "62.01Z", "INFO"] == [read_naf("6201z"), read_naf("62.01Z"), read_naf("info")]


@pytest.mark.parametrize(
    ("text", "siret"),
    [
        ("356 000 000 00048", "35600000000048"),
        ("356.000.000-00048", "35600000000048"),
        ("5650148000013", "05650148000013"),
    ],
)
def test_a_siret_is_its_digits_with_the_zeros_it_lost(text: str, siret: str) -> None:
    """[FMT-008]"""
    assert siret == read_siret(text)


@pytest.mark.parametrize("text", ["4,21E+13", "421106709", "N/A", "3560000000004800"])
def test_an_invalid_siret_is_not_guessed(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_siret(text)


@pytest.mark.parametrize(
    ("texts", "levels"),
    [
        (["seconde"], ["seconde"]),
        (["2nde générale"], ["seconde"]),
        (["2de", "3e"], ["troisieme", "seconde"]),
        (["Élèves de 4ème et de 3ème"], ["quatrieme", "troisieme"]),
        (["3e/2nde"], ["troisieme", "seconde"]),
        (["QUATRIÈME", "quatrieme"], ["quatrieme"]),
        (["2 nde"], ["seconde"]),
    ],
)
def test_levels_are_known_by_every_usual_name(texts: list[str], levels: list[str]) -> None:
    """[FMT-008]"""
    assert levels == read_levels(texts)


@pytest.mark.parametrize("texts", [["Bac+2"], ["seconde", "terminale"], ["12e"], ["13eme"]])
def test_an_unknown_level_is_not_guessed(texts: list[str]) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_levels(texts)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("48,1113", 48.1113),
        ("-1.68", -1.68),
        ("1 234,5", 1234.5),
        ("1\u202f234", 1234),
        (" 2 ", 2),
        ("1e-05", 1e-05),
        ("0", 0),
    ],
)
def test_numbers_have_a_decimal_comma_or_point(text: str, number: float) -> None:
    """[FMT-008]"""
    assert number == read_number(text)


@pytest.mark.parametrize(
    "text", ["", "deux", "1,2,3", "1 2", "12 places", "nan", "inf", "0x10", "1_000", "--1", "9" * 41]
)
def test_an_invalid_number_is_not_guessed(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_number(text)


def test_a_whole_number_has_no_rest() -> None:
    """[FMT-008] [FMT-009]"""
    assert [2, 2] == [read_whole("2"), read_whole("2,0")]
    with pytest.raises(UnreadableValueError):
        read_whole("2,5")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2), ("2,0", 2), ("2 places", 2), ("1 place", 1), ("3 élèves", 3), ("4 Stagiaires", 4), ("2 seats", 2),
        ("2 place(s)", 2), ("12 places disponibles", 12), ("5 jeunes max.", 5), ("1 000", 1000),
    ],
)  # fmt: skip
def test_seats_are_read_with_a_word_for_them(text: str, number: int) -> None:
    """[FMT-008]"""
    assert number == read_seats(text)


@pytest.mark.parametrize(
    "text", ["2 lieux", "2 semaines", "2 places de parking", "places", "2 à 4 places", "2,5 places"]
)
def test_a_number_of_something_else_is_no_number_of_seats(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_seats(text)


@pytest.mark.parametrize("text", ["2", "2 semaines", "2 sem.", "2 weeks"])
def test_a_stay_is_read_in_weeks(text: str) -> None:
    """[FMT-008]"""
    assert 2 == read_stay(text)
    with pytest.raises(UnreadableValueError):
        read_stay("2 places")


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", "1e30", "9" * 20])
def test_a_whole_number_that_no_reader_holds_exactly_is_refused(text: str) -> None:
    """[FMT-009]: beyond 64 bits it could not even be written."""
    assert 9007199254740991 == read_whole("9007199254740991")
    with pytest.raises(UnreadableValueError):
        read_whole(text)


NUMBERS = st.builds("{}{}{}".format, st.sampled_from(["", "-", "+"]), st.integers(0), st.sampled_from(["", ",5", "e9"]))


@given(st.sampled_from(sorted(FIELDS)), st.text() | NUMBERS)
def test_what_a_field_reads_can_be_written_as_json(name: str, text: str) -> None:
    """[FMT-006]: a value that cannot would hide all other items."""
    field = FIELDS[name]
    if isinstance(field, Located):
        orjson.dumps(asdict(resolve(Written(**{field.member: text}))))
        return
    with suppress(UnreadableValueError):
        orjson.dumps(field.read(text) if isinstance(field, One) else field.read([text]))


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_coordinate_comes_back(number: float) -> None:
    """[FMT-008]"""
    assert number == read_number(str(number))
    assert number == read_number(str(number).replace(".", ","))


@pytest.mark.parametrize(
    ("text", "meant"), [("Oui", True), ("vrai", True), ("1", True), ("NON", False), ("false", False), ("0", False)]
)
def test_yes_and_no_are_known_by_every_usual_name(text: str, *, meant: bool) -> None:
    """[FMT-008]"""
    assert meant == read_yes_no(text)
    assert ("yes" if meant else "no") == read_accessibility(text)


def test_neither_yes_nor_no_is_not_guessed() -> None:
    """[FMT-009]"""
    assert "unknown" == read_accessibility("Inconnu")
    for read in (read_yes_no, read_accessibility):
        with pytest.raises(UnreadableValueError):
            read("peut-être")


def test_a_code_has_no_blanks() -> None:
    """[FMT-008]"""
    assert "0750655E" == read_code(" 075 0655\u00a0E\n")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.fr/x", "https://a.fr/x"),
        ("http://a.fr:80/x", "https://a.fr/x"),
        ("www.a.fr", "https://www.a.fr"),
        (" https://a.fr/été à/?q=l'été|x ", "https://a.fr/%C3%A9t%C3%A9%20%C3%A0/?q=l'%C3%A9t%C3%A9%7Cx"),
        ("https://a.fr/%C3%A9?x=100%", "https://a.fr/%C3%A9?x=100%25"),
        ("https://mairie-évreux.fr/", "https://xn--mairie-vreux-heb.fr/"),
        ("https://a.fr/x?utm_source=a&id=3&utm_medium=b#fin", "https://a.fr/x?id=3#fin"),
        ("https://a.fr/x?utm_source=a", "https://a.fr/x"),
        ("ftp://a.fr/x", "ftp://a.fr/x"),
        ("voir le site", "voir le site"),
        ("mailto:jean@a.fr", "mailto:jean@a.fr"),
        ("a.fr:8443/x", "https://a.fr:8443/x"),
        ("https://[a.fr/", "https://[a.fr/"),
        ("n/a", "n/a"),
    ],
)
def test_an_address_is_https_and_encoded_or_stays_for_the_verdict_to_refuse(text: str, address: str) -> None:
    """[FMT-008]"""
    assert address == read_link(text)


@given(st.text())
def test_no_text_makes_an_address_fail(text: str) -> None:
    """[FMT-008]"""
    assert isinstance(read_link(text), str)
    sound = definition_validator("web_address")
    if sound.is_valid(read_link(text)):
        assert read_link(text) == read_link(read_link(text))


SAFE = re.compile(r"[A-Za-z0-9._~-]{1,60}")


@pytest.mark.parametrize("own", ["S-1", "a.b_c~d", "0612345678", "x" * 60])
def test_an_id_that_is_one_stays(own: str) -> None:
    """[FMT-007]"""
    assert own == local_id(own)


def test_other_ids_become_readable_and_different_ones_always_the_same() -> None:
    """[FMT-007]"""
    assert "Offre-n-12~483499c57d41acb0" == local_id("Offre n°12")
    assert local_id("a/b") != local_id("a b")
    assert "jean" not in local_id("jean@exemple.fr/1")


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_id_becomes_a_valid_one_and_stays_different(one: str, other: str) -> None:
    """[FMT-007]"""
    assert definition_validator("offer_id").is_valid(f"bretagne:{local_id(one)}")
    assert SAFE.fullmatch(local_id(one))
    assert (one == other) == (local_id(one) == local_id(other))
    assert local_id(local_id(one)) == local_id(one)
