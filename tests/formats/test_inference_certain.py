"""*Certain* means that nothing else in the sample could be meant: shapes in which something else could."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from adapters.formats.inference.draft import MappingDraft, draft, read_sample
from tests.formats.feeds import ON, codes, flat, only, row

TITLES = ("Découverte de la reliure", "Observer un chantier", "Au laboratoire")
SECTORS = ("Artisanat", "Bâtiment", "Santé")
TOWN = {"cp": "35000", "ville": "Rennes"}


def drafted(members: Mapping[str, Any]) -> MappingDraft:
    """The draft of three items; a tuple gives each item a value of its own."""
    rows = [
        {
            "id": f"o{index}",
            "title": TITLES[index],
            "description": "Deux semaines pour suivre la fabrication d’un livre avec toute l’équipe.",
            "company": "Atelier",
            "sector": SECTORS[index],
            "level": "Seconde",
            "url": f"https://x.example/{index}",
            **{name: value[index] if isinstance(value, tuple) else value for name, value in members.items()},
        }
        for index in range(3)
    ]
    return draft(read_sample([orjson.dumps(rows)]), on=ON)


OFFICES = [{"name": "Tours", "city": "Tours", "zip": "37000"}, {"name": "Lyon", "city": "Lyon", "zip": "69001"}]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ({"name": "Berlin"}, "location/name"),
        (({"name": "Berlin"}, {"name": "Lyon"}, {"name": "Télétravail"}), "location/name"),
        (("Berlin", "Tours", "Lyon"), "location"),
    ],
)
@pytest.mark.parametrize("offices", [OFFICES, OFFICES[:1], [{"name": "Tours", "location": "37000 Tours, France"}]])
def test_the_offers_own_location_prevails_over_offices(location: Any, path: str, offices: Any) -> None:
    """[FMT-015]: neither town nor postcode is taken from them, and the location is not certain."""
    made = drafted({"location": location, "offices": offices})
    assert (path, None) == (made.guesses["location.city"].path, made.guesses["location.postal_code"].rule)
    assert "certain" != made.guesses["location.city"].confidence


def test_localities_of_the_offer_prevail_over_its_employers_address() -> None:
    """[FMT-015]"""
    made = drafted({"lieux": [{"ville": "Tours", "cp": "37000"}], "entreprise": {"ville": "Paris", "cp": "75001"}})
    assert ["lieux/cp", "lieux/ville"] == [made.guesses[f"location.{one}"].path for one in ("postal_code", "city")]


@pytest.mark.parametrize(
    ("members", "confidence"),
    [
        ({"start_date": "2027-06-14", "duration_months": 2}, "likely"),
        ({"date_debut": "2027-06-14", "duree": 2}, "likely"),
        ({"date_debut": "2027-06-14", "duree": "2 mois"}, "likely"),
        ({"date_debut": "2027-06-14", "duree": 2, "unite": "mois"}, "likely"),
        ({"date_debut": "2027-06-15", "duree_heures": 2}, "verify"),
        ({"date": "2027-06-14"}, "likely"),
        ({"date_debut": "2026-11-30", "date_fin": "2027-06-30"}, "verify"),
        ({"contract_start_date": "2027-06-14"}, ""),
        ({"date_debut_contrat": "2027-06-14", "duree": 2}, ""),
        ({"contrat": {"debut": "2027-09-01", "fin": "2028-08-31"}}, ""),
        ({"date_debut": "2027-06-14", "duree": 2, "duree_unite": "semaines"}, "certain"),
        ({"date_debut": "2027-06-14", "duree": "2 semaines"}, "certain"),
        ({"date_debut": "2027-06-14", "duree_semaines": 2}, "certain"),
        ({"date_debut": "2027-06-14", "date_fin": "2027-06-25"}, "certain"),
    ],
)
def test_a_first_day_alone_or_with_an_unknown_unit_is_never_certain(
    members: Mapping[str, Any], confidence: str
) -> None:
    """[FMT-015]: months are no weeks, and a contract's first day is no week at all."""
    one = drafted(members).guesses["weeks"]
    assert confidence == one.confidence
    assert confidence == "certain" or "+" not in one.path or "fin" in one.path


@pytest.mark.parametrize(
    "members",
    [
        {"region": "Bretagne"},
        {"region": "Île-de-France", "academie": "Créteil"},
        {"region": 53},
        {"code_region": "53"},
        {"state": "Hauts-de-France"},
        {"department": ("88", "12", "75")},
        {"department": ("Marketing", "Atelier", "Nord")},
    ],
)
def test_what_is_no_departments_name_or_number_is_no_department(members: Mapping[str, Any]) -> None:
    """[FMT-015]: of regions, and of the teams of an employer."""
    assert drafted({**TOWN, **members}).guesses["location.department"].rule is None


@pytest.mark.parametrize("members", [{"departement": "35"}, {"departement": "Ille-et-Vilaine"}, {"dept": "35 "}])
def test_a_departments_name_or_number_is_one(members: Mapping[str, Any]) -> None:
    """[FMT-015]"""
    assert next(iter(members)) == drafted({**TOWN, **members}).guesses["location.department"].path


def test_a_likely_rival_takes_certainty_away() -> None:
    """[FMT-015]"""
    alone, beside = drafted(TOWN), drafted({**TOWN, "siege_ville": "Paris", "autre_ville": "Vannes"})
    assert ["certain", "likely"] == [one.guesses["location.city"].confidence for one in (alone, beside)]


@pytest.mark.parametrize("text", ["2027-06-14 + 2 mois", "2027-06-14 +1 an", "14/06/2027 + 3 heures"])
def test_a_duration_in_another_unit_is_unreadable(text: str) -> None:
    """[FMT-009]"""
    assert ["weeks-unreadable"] == codes(only(orjson.dumps(row(weeks=text)), flat("json")))


def test_two_days_with_a_plus_sign_are_two_days() -> None:
    """[FMT-008]"""
    offer = only(orjson.dumps(row(weeks="14 juin 2027 + 21 juin 2027")), flat("json"))
    assert ["2027-W24", "2027-W25"] == offer.document["weeks"]
