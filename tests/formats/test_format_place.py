"""Postcodes, cities and communes as feeds write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from adapters.formats.error import UnreadableValueError
from adapters.formats.place import Told, read_city, read_commune, read_postcode
from schemas.communes import known_postcodes


@pytest.mark.parametrize(
    ("text", "postcode"),
    [
        ("83500", "83500"),
        ("83 500", "83500"),
        ("F-83500", "83500"),
        ("83500.0", "83500"),
        ("83500 LA SEYNE SUR MER", "83500"),
        ("LA SEYNE SUR MER (83500)", "83500"),
        ("4 quai Lamennais 35000 Rennes", "35000"),
        ("BP 12345 - 33045 BORDEAUX CEDEX", "33045"),
        ("20000 Ajaccio", "20000"),
        ("97400", "97400"),
        ("98800 NOUMEA", "98800"),
    ],
)
def test_a_postcode_is_found_in_its_text(text: str, postcode: str) -> None:
    """[FMT-008]"""
    assert postcode == read_postcode(text)


@pytest.mark.parametrize("text", ["1000", "1000.0", " 1000,0 "])
def test_a_postcode_typed_as_a_number_gets_its_zero_back(text: str) -> None:
    """[FMT-008]"""
    assert Told("01000", "leading-zero-restored") == read_postcode(text)


@given(st.sampled_from(known_postcodes()))
def test_every_postcode_survives_a_spreadsheet(postcode: str) -> None:
    """[FMT-008]"""
    found = read_postcode(str(int(postcode)))
    assert postcode == (found.value if isinstance(found, Told) else found)


@pytest.mark.parametrize(
    ("text", "postcode"),
    [
        ("Poitiers (86)", "86000"),
        ("Grenoble (Isère)", "38000"),
        ("Grenoble, Isere", "38000"),
        ("Ajaccio (2A)", "20000"),
        ("Ajaccio, Corse-du-Sud", "20000"),
        ("Saint-Denis (974)", "97400"),
        ("St Denis (La Réunion)", "97400"),
        ("LA SEYNE SUR MER (83)", "83500"),
        ("Charleville-Mézières", "08000"),
    ],
)
def test_a_commune_that_is_named_beyond_doubt_gives_its_postcode(text: str, postcode: str) -> None:
    """[FMT-008]: with a warning, since a commune may have several."""
    assert Told(postcode, "postcode-derived") == read_postcode(text)


@pytest.mark.parametrize(
    "text", ["Var (83)", "Saint-Denis", "Paris (75)", "Poitiers (35)", "123", "en télétravail", "()", "750111"]
)
def test_a_place_in_doubt_gives_none(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError) as raised:
        read_postcode(text)
    assert "postcode-unreadable" == raised.value.code


@pytest.mark.parametrize(
    ("text", "city"),
    [
        ("Rennes", "Rennes"),
        ("83500 LA SEYNE SUR MER", "LA SEYNE SUR MER"),
        ("LA SEYNE SUR MER 83500", "LA SEYNE SUR MER"),
        ("Poitiers (86)", "Poitiers"),
        ("33045 BORDEAUX CEDEX 9", "BORDEAUX"),
        ("BORDEAUX Cedex", "BORDEAUX"),
        ("4 quai Lamennais, 35000 Rennes", "Rennes"),
        ("Paris 12e Arrondissement", "Paris 12e Arrondissement"),
        ("Saint-Denis (974)", "Saint-Denis"),
        ("83500", "83500"),
    ],
)
def test_a_city_is_its_name_alone(text: str, city: str) -> None:
    """[FMT-008]"""
    assert city == read_city(text)


@pytest.mark.parametrize(
    ("text", "code"), [("35238", "35238"), ("2a004", "2A004"), ("1053", Told("01053", "leading-zero-restored"))]
)
def test_an_insee_code_gets_its_zero_back(text: str, code: str | Told) -> None:
    """[FMT-008]"""
    assert code == read_commune(text)


def test_every_department_can_stand_behind_a_city() -> None:
    """[FMT-008]"""
    for item in schemas.reference("departments")["items"]:
        with pytest.raises(UnreadableValueError):
            read_postcode(f"Nulle-Part ({item['name']})")


@given(st.text())
def test_no_text_makes_a_reader_of_places_fail_otherwise(text: str) -> None:
    """[FMT-009]"""
    assert isinstance(read_city(text), str)
    with suppress(UnreadableValueError):
        read_postcode(text)
