"""Sectors: by code, by name however it is written, by NAF code of any level; a catch-all is reported."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import schemas
from adapters.formats.field import read_sector
from adapters.formats.item import FeedComplete, OfferItem
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.problem import UnreadableValueError
from adapters.formats.sector import _names, find_sectors
from adapters.formats.sector_evidence import NEAREST, nearest_sectors
from tests.formats.feeds import codes, flat, items, offers, row, written

ITEMS = schemas.reference("sectors")["items"]


@pytest.mark.parametrize(
    ("text", "sector"),
    [
        (" S 31 ", "s31"),
        ("s031", "s31"),
        ("s31 - Informatique et réseaux", "s31"),
        ("INFORMATIQUE & RESEAUX", "s31"),
        ("informatique / réseau", "s31"),
        ("Artisanat d’art", "s5"),
        ("Artisanat d'Art", "s5"),
        ("Métier d'art", "s38"),
        ("Art du spectacle", "s6"),
        ("Filière-Bois", "s24"),
        ("Papier carton", "s40"),
        ("Bâtiment et travaux publics", "s10"),
        ("BTP", "s10"),
        ("Banque, assurances", "s9"),
        ("62.01", "s31"),
        ("62.0", "s31"),
        ("62", "s31"),
        ("NAF 31", "s38"),
        ("APE : 6201", "s31"),
        ("code NAF 62.01Z", "s31"),
        ("62.01Z - Programmation informatique", "s31"),
        ("Section P", "s22"),
    ],
)
def test_a_sector_is_read_under_every_usual_name(text: str, sector: str) -> None:
    """[FMT-008]"""
    assert sector == read_sector(text)


@pytest.mark.parametrize(
    "change", [str.upper, str.lower, lambda name: name.replace("'", "’"), lambda name: f"  {name} "]
)
@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["code"])
def test_every_name_is_read_without_regard_to_case_and_apostrophes(
    item: dict[str, str], change: Callable[[str], str]
) -> None:
    """[FMT-008]"""
    assert item["code"] == read_sector(change(item["name"]))
    assert item["code"] == read_sector(change(item["name"].replace(" et ", " & ")))


def test_no_two_sectors_share_a_spelling() -> None:
    """[FMT-009]"""
    assert {item["code"] for item in ITEMS} == set(_names().values())
    assert len(ITEMS) + 2 == len(_names()), "and BTP with and without its brackets"


@pytest.mark.parametrize("text", ["31", "620", "4711", "s31 Mode", "s0", "s52", "62.99Z", "99", "x" * 5_000])
def test_an_ambiguous_sector_is_not_guessed(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError) as unread:
        read_sector(text)
    assert "sector-unknown" == unread.value.code


@pytest.mark.parametrize("text", ["58", "NAF 25", "Section J", "47.4"])
def test_a_naf_code_that_covers_several_sectors_names_them(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError) as unread:
        read_sector(text)
    assert "sector-ambiguous" == unread.value.code
    assert len(unread.value.values["expected"]) > 1


@pytest.mark.parametrize(
    ("text", "nearest"), [("informatik", "s31"), ("Agro-équipements agricoles", "s1"), ("Santé animale", "s43")]
)
def test_an_unknown_name_is_answered_with_the_nearest_sectors(text: str, nearest: str) -> None:
    """[FMT-009]"""
    [offer] = offers(written("json", [row(sector=text)]), flat("json"))
    [problem] = offer.problems
    body = problem.to_json()
    assert ("sector-unknown", "/sector", nearest) == (body["code"], body["pointer"], body["expected"][0])
    assert len(body["expected"]) <= NEAREST
    names = {item["code"]: item["name"] for item in ITEMS}
    for language in ("fr", "en"):
        assert all(names[code] in body["message"][language] for code in body["expected"])
        assert "/mapping/fields/sector/map" in body["fix"][language]


NAMES = list(csv.reader((Path(__file__).parent / "sector_names.csv").read_text().splitlines()[1:], delimiter=";"))
"""Names that feeds may have, each with its right sectors, by hand; without any if a person must choose."""


def test_sectors_are_proposed_with_evidence_only() -> None:
    """[FMT-009]"""
    found = {name: (find_sectors(name) or nearest_sectors(name), sectors.split("|")) for name, sectors in NAMES}
    wrong = {name: codes for name, (codes, right) in found.items() if codes and codes[0] not in right}
    right = [name for name, (codes, right) in found.items() if codes and codes[0] in right]
    assert len(wrong) <= 0.03 * len(NAMES), wrong
    assert len(right) >= 0.8 * len(NAMES)


@pytest.mark.parametrize("text", ["animaux", "Divers", "Services aux entreprises", "xyz", "", "À préciser"])
def test_a_name_without_evidence_has_no_near_sector(text: str) -> None:
    """[FMT-009]"""
    assert () == nearest_sectors(text)


def test_each_sector_is_the_first_that_its_own_name_speaks_for() -> None:
    """[FMT-009]"""
    assert {item["code"]: (item["code"],) for item in ITEMS} == {
        item["code"]: nearest_sectors(f"{item['name']} (stage)")[:1] for item in ITEMS
    }


def mapped(**rule: object) -> FeedMapping:
    return flat("json", fields={"sector": {"path": "sector", **rule}})


def test_the_targets_of_a_map_are_codes_names_or_naf() -> None:
    """[FMT-012]"""
    mapping = mapped(map={"bois": "Filière bois", "mairie": "s25", "pc": "62.01Z", "autre": ["Mode"], "rien": None})
    texts = ("Bois", "MAIRIE", "pc", "autre")
    found = offers(written("json", [row(number, sector=text) for number, text in enumerate(texts)]), mapping)
    assert ["s24", "s25", "s31", "s39"] == [offer.document["sector"] for offer in found]
    assert "s24" == mapped(default="filiere bois").fields["sector"].default


@pytest.mark.parametrize(
    ("rule", "pointer", "near"),
    [
        ({"map": {"a": "Mode", "b/c": "Informatik"}}, "/fields/sector/map/b~1c", "Informatique et réseaux"),
        ({"map": {"*": "s52"}}, "/fields/sector/map/*", ""),
        ({"map": {"a": ["Mode", "Section J"]}}, "/fields/sector/map/a/1", "Audiovisuel"),
        ({"map": {"a": 12}}, "/fields/sector/map/a", ""),
        ({"default": "Sports et loisirs"}, "/fields/sector/default", "Sport"),
    ],
)
def test_an_unknown_target_is_refused_when_the_mapping_is_loaded(rule: dict[str, Any], pointer: str, near: str) -> None:
    """[FMT-012]"""
    document = {"id": {"path": "id"}, "fields": {"sector": {"path": "x", **rule}}}
    found = load_mapping("json", document)
    assert isinstance(found, tuple)
    [problem] = found
    assert pointer == problem.pointer
    for language in ("fr", "en"):
        assert near in problem.to_json()["message"][language]


def warned(mapping: FeedMapping, *sectors: str) -> list[dict[str, Any]]:
    *_, end = items(written("json", [row(number, sector=one) for number, one in enumerate(sectors)]), mapping)
    assert isinstance(end, FeedComplete)
    return [problem.to_json() for problem in end.problems]


def test_a_catch_all_says_how_many_items_took_it_and_which_values() -> None:
    """[FMT-008]"""
    [warning] = warned(mapped(map={"bois": "s24", "*": "s12"}), "Bois", "Menuiserie", "menuiserie alu", "Menuiserie")
    assert ("sector-catch-all", "warning", 3) == (warning["code"], warning["severity"], warning["actual"])
    for language in ("fr", "en"):
        assert "Menuiserie" in warning["message"][language]
        assert "menuiserie alu" in warning["message"][language]
        assert "Commerce et distribution" in warning["message"][language]


def test_a_catch_all_shows_five_values_and_no_personal_data() -> None:
    """[FMT-008]"""
    texts = ["jean@exemple.fr", *(f"valeur {number}" for number in range(30))]
    [warning] = warned(mapped(map={"*": "s12"}), *texts)
    assert 31 == warning["actual"]
    assert "jean@" not in warning["message"]["fr"]
    assert "valeur 3" in warning["message"]["fr"]
    assert "valeur 4" not in warning["message"]["fr"]


def test_defaults_and_constants_are_reported_with_their_number() -> None:
    """[FMT-008]"""
    [warning] = warned(mapped(default="Sport"), "s5", "", "")
    assert ("sector-default", 2) == (warning["code"], warning["actual"])
    constant = flat("json", fields={"sector": {"constant": "s5"}})
    [warning] = warned(constant, "a", "b")
    assert ("sector-constant", 2) == (warning["code"], warning["actual"])


def test_a_map_without_catch_all_is_not_warned_of() -> None:
    """[FMT-008]"""
    assert [] == warned(mapped(map={"bois": "s24"}), "bois")


def test_identical_items_are_counted_once_by_the_warning() -> None:
    """[FMT-007] [FMT-008]"""
    *found, end = items(written("json", [row(1, sector="x"), row(1, sector="x")]), mapped(map={"*": "s12"}))
    assert [OfferItem] == [type(item) for item in found if isinstance(item, OfferItem)]
    assert isinstance(end, FeedComplete)
    assert [1] == [problem.actual for problem in end.problems]
    assert ["sector-catch-all"] == codes(end)
