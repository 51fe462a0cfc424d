"""Territory: which department, region and académie an offer belongs to (OFR-018 to OFR-021)."""

from typing import Any

import pytest

import schemas
from schemas.communes import communes_of, exists, known_postcodes, one_department, plain_name
from schemas.territory import Territory, covering, in_mainland, locate, outlines, territories
from tests.schemas.documents import GONE, changed, check, errors, found

COLLEGE = {"levels": ["troisieme"], "stay_weeks": 1}


def located(postal_code: str, city: str, insee: str | None = None) -> tuple[str | None, list[tuple[str, str]]]:
    """The department of a locality and the problems reported with it."""
    fields = {"postal_code": postal_code, "city": city} | ({} if insee is None else {"insee_commune": insee})
    verdict = check(changed(location=fields, redistribution={"national": False}, **COLLEGE))
    return None if verdict.territory is None else verdict.territory["department"], found(verdict)


GUESSED = ("department-guessed", "/location/postal_code")
UNLISTED = ("city-unlisted", "/location/city")


@pytest.mark.parametrize(
    ("postal_code", "city", "insee", "department", "problems"),
    [
        ("35000", "Rennes", None, "35", []),
        ("35000", "RENNES", None, "35", []),
        ("75012", "Paris 12e", None, "75", []),
        ("75012", "PARIS", None, "75", []),
        ("69007", "Lyon 7eme arrondissement", None, "69", []),
        ("13001", "Marseille", "13055", "13", []),
        ("13001", "Marseille 1er Arrondissement", "13201", "13", []),
        ("29200", "brest", None, "29", []),
        ("22000", "St Brieuc", None, "22", []),
        ("22000", "Saint-Brieuc", None, "22", []),
        ("01000", "Bourg en Bresse", None, "01", []),
        ("35000", "Nantes", None, "35", [UNLISTED]),
        # postcodes that span departments
        ("01410", "Lélex", None, "01", []),
        ("01410", "Lajoux", None, "39", []),
        ("01410", "Nulle part", None, "01", [UNLISTED, GUESSED]),
        ("21340", "Change", None, "71", []),
        # CEDEX
        ("35042", "Rennes Cedex", None, "35", [GUESSED]),
        ("35042", "Rennes Cedex", "35238", "35", []),
        ("20189", "Ajaccio Cedex 2", None, "2A", [GUESSED]),
        ("20296", "Bastia Cedex", None, "2B", [GUESSED]),
        # Corsica
        ("20000", "Ajaccio", None, "2A", []),
        ("20200", "Bastia", None, "2B", []),
        ("20200", "Bastia", "2B033", "2B", []),
        # overseas
        ("97110", "Pointe-à-Pitre", None, "971", []),
        ("97200", "Fort-de-France", None, "972", []),
        ("97300", "Cayenne", None, "973", []),
        ("97400", "Saint-Denis", None, "974", []),
        ("97600", "Mamoudzou", None, "976", []),
        ("97500", "Saint-Pierre", None, "975", []),
        ("97133", "Saint-Barthélemy", None, "977", []),
        ("97150", "Saint-Martin", None, "978", []),
        ("98600", "Uvea", None, "986", []),
        ("98714", "Papeete", None, "987", []),
        ("98800", "Nouméa", None, "988", []),
        ("97490", "Sainte-Clotilde", None, "974", [UNLISTED]),
        # the prefix would be wrong
        ("94390", "Paray-Vieille-Poste", None, "91", []),
        # contradictions
        ("35000", "Rennes", "44109", None, [("location-contradictory", "/location/insee_commune")]),
        ("35760", "Rennes", "35238", "35", [("postal-code-of-other-commune", "/location/postal_code")]),
        ("44042", "Rennes Cedex", "35238", "35", [("location-doubtful", "/location/insee_commune")]),
        ("35000", "Rennes", "35999", "35", [("insee-unlisted", "/location/insee_commune")]),
        ("35000", "Rennes", "99138", None, [("insee-foreign", "/location/insee_commune")]),
        ("35000", "Rennes", "20004", None, [("insee-foreign", "/location/insee_commune")]),
        ("98000", "Monaco", None, None, [("postal-code-foreign", "/location/postal_code")]),
        ("00000", "Nulle part", None, None, [("postal-code-foreign", "/location/postal_code")]),
        ("99100", "Ailleurs", None, None, [("postal-code-foreign", "/location/postal_code")]),
        ("98400", "Port-aux-Français", None, None, [("postal-code-foreign", "/location/postal_code")]),
    ],
)
def test_the_department_of_a_locality(
    postal_code: str, city: str, insee: str | None, department: str | None, problems: list[tuple[str, str]]
) -> None:
    """OFR-018, OFR-019"""
    assert located(postal_code, city, insee) == (department, problems)


def test_an_unknown_postcode_belongs_to_its_prefix() -> None:
    """OFR-018"""
    assert located("38990", "Babaland") == ("38", [GUESSED])


def test_every_listed_postcode_leads_to_a_department() -> None:
    """OFR-018"""
    lost = []
    for postcode in known_postcodes():
        for commune in communes_of(postcode):
            locality = locate(postcode, commune.name, None)
            if locality.territory is None or locality.territory.department != commune.department:
                lost.append((postcode, [problem.code for problem in locality.problems]))
    assert lost == [("98799", ["postal-code-foreign"])]  # Clipperton, which is uninhabited


def test_a_locality_without_territory_is_an_error() -> None:
    """OFR-018, whatever the city is called"""
    localities = {postcode: locate(postcode, "Babaland", None) for postcode in known_postcodes()}
    unplaced = {
        code: [one.code for one in locality.problems] for code, locality in localities.items() if not locality.territory
    }
    assert unplaced == {"98799": ["city-unlisted", "postal-code-foreign"]}
    nowhere = changed({"location.postal_code": "98799", "location.insee_commune": GONE})
    assert ("postal-code-foreign", "/location/postal_code") in errors(check(nowhere))


def test_the_list_of_communes_is_whole() -> None:
    assert len(known_postcodes()) > 6_000
    assert sum(len({commune.department for commune in communes_of(code)}) > 1 for code in known_postcodes()) == 16
    assert [exists(code) for code in ("35238", "2A004", "97411", "75056", "75101", "35999", "20004")] == [True] * 5 + [
        False
    ] * 2


def test_names_are_compared_without_accents_case_or_cedex() -> None:
    names = ["Saint-Étienne", "SAINT ETIENNE CEDEX 1", "St-Etienne", "saint étienne 2"]
    assert {plain_name(name) for name in names} == {"saint etienne"}
    assert plain_name("Œuilly") == "oeuilly"
    assert plain_name("1") == "1"


ACADEMIES = {
    "13": "aix-marseille", "80": "amiens", "25": "besancon", "33": "bordeaux", "63": "clermont-ferrand", "2B": "corse",
    "94": "creteil", "21": "dijon", "38": "grenoble", "971": "guadeloupe", "978": "guadeloupe", "973": "guyane",
    "974": "la-reunion", "59": "lille", "87": "limoges", "69": "lyon", "972": "martinique", "976": "mayotte",
    "34": "montpellier", "57": "nancy-metz", "44": "nantes", "06": "nice", "76": "normandie", "45": "orleans-tours",
    "75": "paris", "86": "poitiers", "51": "reims", "35": "rennes", "67": "strasbourg", "31": "toulouse",
    "78": "versailles", "987": "polynesie-francaise", "988": "nouvelle-caledonie",
}  # fmt: skip


@pytest.mark.parametrize(("department", "academie"), ACADEMIES.items())
def test_each_academie_has_its_departments(department: str, academie: str) -> None:
    """OFR-018"""
    assert territories()[department].academie == academie


def test_there_are_thirty_academies_and_eighteen_regions() -> None:
    """OFR-018"""
    academies = schemas.reference("academies")["items"]
    assert sum(item["kind"] == "academie" for item in academies) == 30
    assert sum(item["kind"] == "region" for item in schemas.reference("regions")["items"]) == 18
    used: set[Any] = {item["academie"] for item in schemas.reference("departments")["items"]}
    assert used == {item["code"] for item in academies}


def test_zones_hold_the_academies_of_the_official_calendar() -> None:
    """OFR-027"""
    zones: dict[str, set[str]] = {"A": set(), "B": set(), "C": set()}
    for item in schemas.reference("academies")["items"]:
        if item["zone"]:
            zones[item["zone"]].add(item["code"])
    assert zones["A"] == {
        "besancon",
        "bordeaux",
        "clermont-ferrand",
        "dijon",
        "grenoble",
        "limoges",
        "lyon",
        "poitiers",
    }
    assert zones["C"] == {"creteil", "montpellier", "paris", "toulouse", "versailles"}
    assert len(zones["B"]) == 11


def test_the_mainland_belongs_to_thirteen_regions() -> None:
    mainland = {item.region for item in territories().values() if len(item.department) == 2}
    assert len(mainland) == 13
    assert territories()["29"] == Territory("29", "53", "rennes", "B")


CITIES = {
    "Dunkerque": (51.034, 2.377), "Brest": (48.39, -4.486), "Ouessant": (48.458, -5.096), "Hendaye": (43.36, -1.774),
    "Perpignan": (42.698, 2.895),
    "Prats-de-Mollo": (42.404, 2.479), "Menton": (43.774, 7.497), "Tende": (44.088, 7.594),
    "Briançon": (44.9, 6.643), "Chamonix": (45.923, 6.869), "Évian": (46.401, 6.59), "Pontarlier": (46.906, 6.355),
    "Saint-Louis": (47.586, 7.562), "Lauterbourg": (48.976, 8.178), "Forbach": (49.188, 6.901), "Longwy": (49.52, 5.76),
    "Givet": (50.138, 4.824), "Lille": (50.633, 3.066), "Calais": (50.951, 1.858), "Cherbourg": (49.633, -1.616),
    "Île d'Yeu": (46.72, -2.35), "Belle-Île": (47.33, -3.18), "Porquerolles": (43.0, 6.2), "Paris": (48.857, 2.352),
    "Bourg-Madame": (42.434, 1.944), "Gavarnie": (42.736, -0.01), "Larrau": (43.018, -0.954),
    "Maubeuge": (50.278, 3.972),
    "Saint-Jean-Pied-de-Port": (43.163, -1.237), "Wissembourg": (49.037, 7.945), "Modane": (45.2, 6.67),
    "Dieppe": (49.922, 1.077), "Maîche": (47.25, 6.8), "Bonneval": (45.37, 7.04), "Royan": (45.62, -1.03),
}  # fmt: skip
ABROAD = {
    "London": (51.507, -0.128), "Brussels": (50.85, 4.352), "Barcelona": (41.388, 2.17), "Turin": (45.07, 7.686),
    "Dover": (51.13, 1.31), "Bilbao": (43.263, -2.935), "Stuttgart": (48.775, 9.18), "Zurich": (47.377, 8.541),
    "Zaragoza": (41.65, -0.88), "Genoa": (44.405, 8.946), "Namur": (50.467, 4.872),
    "Brighton": (50.822, -0.137), "Milan": (45.464, 9.19), "Algiers": (36.75, 3.06), "Montréal": (45.5, -73.57),
}  # fmt: skip


@pytest.mark.parametrize("city", CITIES)
def test_the_edges_of_the_mainland_are_in_france(city: str) -> None:
    """OFR-021"""
    assert covering(*CITIES[city]) == frozenset()


@pytest.mark.parametrize("city", ABROAD)
def test_neighbours_are_not_in_france(city: str) -> None:
    """OFR-021"""
    latitude, longitude = ABROAD[city]
    offer = changed({"location.latitude": latitude, "location.longitude": longitude})
    assert errors(check(offer)) == [("coordinates-abroad", "/location/latitude")]


def test_the_shortcut_boxes_are_within_the_outline() -> None:
    for west, south, east, north in outlines()["mainland_inner"]:
        steps = [
            (south + (north - south) * i / 20, west + (east - west) * j / 20) for i in range(21) for j in range(21)
        ]
        assert all(in_mainland(latitude, longitude) for latitude, longitude in steps)


@pytest.mark.parametrize(
    ("department", "latitude", "longitude"),
    [
        ("2A", 41.92, 8.74), ("2B", 42.7, 9.45), ("971", 16.24, -61.53), ("972", 14.61, -61.06), ("973", 4.93, -52.33),
        ("974", -20.88, 55.45), ("975", 46.78, -56.18), ("976", -12.78, 45.23), ("977", 17.9, -62.85),
        ("978", 18.07, -63.08), ("986", -13.28, -176.18), ("987", -17.54, -149.57), ("988", -22.27, 166.44),
    ],
)  # fmt: skip
def test_islands_and_overseas_are_in_france(department: str, latitude: float, longitude: float) -> None:
    """OFR-021"""
    assert department in (covering(latitude, longitude) or ())


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [
        (0, 0, "coordinates-null-island"),
        (0.0, -0.0, "coordinates-null-island"),
        (0.09, -0.09, "coordinates-null-island"),
        (0.1, 0.1, "coordinates-abroad"),
        (1, 1, "coordinates-abroad"),
        (-4.5231, 48.5712, "coordinates-swapped"),
        (-20.88, 55.45, "coordinates-elsewhere"),
        (41.92, 8.74, "coordinates-elsewhere"),
        (90.1, 0, "out-of-range"),
        (148, 0, "out-of-range"),
        (48, -180.1, "out-of-range"),
    ],
)
def test_impossible_coordinates_are_refused(latitude: float, longitude: float, code: str) -> None:
    """OFR-020, OFR-021"""
    verdict = check(changed({"location.latitude": latitude, "location.longitude": longitude}))
    pointer = "/location/longitude" if longitude == -180.1 else "/location/latitude"
    assert found(verdict) == [(code, pointer)]
    assert verdict.accepted == (code == "coordinates-elsewhere")


def test_mainland_coordinates_contradict_an_overseas_locality() -> None:
    """OFR-021"""
    fields = {"postal_code": "97400", "city": "Saint-Denis", "latitude": 48.85, "longitude": 2.35}
    assert ("coordinates-elsewhere", "/location/latitude") in found(check(changed(location=fields, **COLLEGE)))


def test_latitude_and_longitude_go_together() -> None:
    """OFR-020"""
    for name in ("latitude", "longitude"):
        assert errors(check(changed({f"location.{name}": GONE}))) == [("coordinates-incomplete", f"/location/{name}")]
        assert f"`{name}`" in check(changed({f"location.{name}": GONE})).problems[0].to_json()["message"]["en"]


def test_the_location_is_checked_beside_errors_elsewhere() -> None:
    """OFR-038"""
    offer = changed({"location.postal_code": "99999", "location.insee_commune": GONE, "location.street": ""}, seats=0)
    assert set(errors(check(offer))) == {
        ("out-of-range", "/seats"),
        ("text-blank", "/location/street"),
        ("postal-code-foreign", "/location/postal_code"),
    }


def test_a_locality_is_found_without_its_communes_where_that_gives_the_same() -> None:
    """The quick look-up by the exact name, beside the search among all communes of the postcode."""
    quick = {
        postcode: [one_department(postcode, one.name) for one in communes_of(postcode)]
        for postcode in known_postcodes()
    }
    assert len(quick) - 20 < sum(None not in found for found in quick.values()) < len(quick)
    for postcode, names in quick.items():
        assert {*names} <= {None, *(one.department for one in communes_of(postcode))}
        assert None in names or 1 == len({one.department for one in communes_of(postcode)})
