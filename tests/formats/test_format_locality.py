"""Localities as feeds write them: a table of written forms, those that must resolve and those that must not."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from adapters.formats.gazetteer import area_of, read_country, town_of
from adapters.formats.locality import Locality, LocalityRefusal, resolve
from adapters.formats.location_texts import Written
from adapters.formats.text import plain
from schemas.communes import Commune, communes_of, known_postcodes

TABLE = Path(__file__).with_name("localities.csv")
ROWS = list(csv.DictReader(TABLE.read_text().splitlines(), delimiter=";"))


@pytest.fixture(scope="module", autouse=True)
def index() -> None:
    """Built before the first case of hypothesis, which may not take as long."""
    resolve(Written(city="Rennes"))


def written(row: dict[str, str]) -> Written:
    """The texts of a row; ``=`` is one text that the mapping takes for postcode and city alike."""
    city = row["postcode"] if row["city"] == "=" else row["city"]
    return Written(row["postcode"], city, row["commune"], row["department"], row["country"])


def outcome(found: Locality | LocalityRefusal) -> tuple[str, str]:
    """The result as the table writes it."""
    if isinstance(found, LocalityRefusal):
        return f"!{found.note.code}", ""
    commune = f" #{found.insee_commune}" if found.insee_commune else ""
    return f"{found.postal_code} {found.city}{commune}", ",".join(sorted({note.code for note in found.notes}))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "|".join(list(row.values())[:6]))
def test_a_written_form_resolves_as_the_table_says(row: dict[str, str]) -> None:
    """[FMT-008] [FMT-009]"""
    assert (row["expected"], row["codes"]) == outcome(resolve(written(row)))


def test_the_table_is_wide() -> None:
    assert 380 <= len(ROWS)
    assert len(ROWS) == len({tuple(row.values()) for row in ROWS})
    assert 150 < sum(row["expected"].startswith("!") for row in ROWS) < len(ROWS) - 200


@given(st.sampled_from(known_postcodes()))
def test_every_postcode_survives_a_spreadsheet(postcode: str) -> None:
    """[FMT-008]"""
    found = resolve(Written(postcode=str(int(postcode))))
    assert isinstance(found, Locality)
    assert postcode == found.postal_code


@given(
    st.sampled_from(known_postcodes()).flatmap(
        lambda code: st.tuples(st.just(code), st.sampled_from(communes_of(code)))
    )
)
def test_every_commune_is_found_under_its_postcode_however_it_is_written(pair: tuple[str, Commune]) -> None:
    """[FMT-008]"""
    postcode, commune = pair
    town = town_of(commune)
    for city in (
        town,
        town.upper(),
        town.replace("-", " "),
        town.replace("Saint-", "St "),
        f"{town} CEDEX",
        f"{town} (France)",
    ):
        for given_ in (Written(postcode, city), Written(f"{postcode} {city}", f"{postcode} {city}")):
            found = resolve(given_)
            assert isinstance(found, Locality), given_
            assert (postcode, ()) == (found.postal_code, found.notes), given_


@given(st.sampled_from(known_postcodes()).map(lambda code: communes_of(code)[0]))
def test_every_commune_is_found_by_its_insee_code(commune: Commune) -> None:
    """[FMT-008]"""
    found = resolve(Written(city=town_of(commune), commune=commune.code))
    assert isinstance(found, Locality)
    assert (commune.code, ("postcode-derived",)) == (found.insee_commune, tuple(note.code for note in found.notes))


def test_a_name_without_a_department_is_never_guessed() -> None:
    """[FMT-009]: a town that resolves by its name alone is the only one that bears it."""
    bearers = Counter(
        plain(town_of(commune)) for commune in {one for code in known_postcodes() for one in communes_of(code)}
        if not commune.name.endswith(" Arrondissement")
    )  # fmt: skip
    for name in sorted(name for name, count in bearers.items() if count > 1):
        assert isinstance(resolve(Written(city=name)), LocalityRefusal), name


def test_every_department_and_region_settles_a_name() -> None:
    """[FMT-008]"""
    for item in (*schemas.reference("departments")["items"], *schemas.reference("regions")["items"]):
        assert area_of(item["name"]), item
    for item in schemas.reference("departments")["items"]:
        assert {item["code"]} == area_of(item["code"]) == area_of(item["name"].upper())
        assert isinstance(resolve(Written(city=f"Nulle-Part ({item['name']})")), LocalityRefusal)


@pytest.mark.parametrize(
    ("text", "code"),
    [("FR", "FR"), ("fra", "FR"), ("France", "FR"), ("Suisse", "CH"), ("the Netherlands", "NL"), ("UK", "GB"),
     ("RE", "RE"), ("FR - France", "FR"), ("Guadeloupe (France)", "GP"), ("https://schema.org/France", "FR"),
     ("NC", "NC"), ("", None), ("FR/BE", None), ("Rennes", None), ("rue de France", None)],
)  # fmt: skip
def test_a_country_is_read_by_code_or_name(text: str, code: str | None) -> None:
    """[FMT-008]"""
    found = read_country(text)
    assert code == (found.code if found else None)


def test_an_ambiguous_name_lists_its_communes() -> None:
    """[FMT-009]"""
    found = resolve(Written(city="Valence"))
    assert isinstance(found, LocalityRefusal)
    assert {"Valence (16)", "Valence (26)", "Valence (82)"} <= set(found.note.expected)


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_no_texts_make_the_resolution_fail(
    postcode: str, city: str, commune: str, department: str, country: str
) -> None:
    """[FMT-009]"""
    found = resolve(Written(postcode, city, commune, department, country))
    assert isinstance(found, Locality | LocalityRefusal)


ABROAD = (
    ("15000", "Tizi Ouzou"), ("15000", "TIZI-OUZOU"), ("28000", "M’Sila"), ("28000", "Msila"), ("26000", "Médéa"),
    ("18000", "Jijel"), ("65100", "Vaasa"), ("70100", "Kuopio"), ("19000", "Sétif"), ("13000", "Tlemcen"),
    ("80000", "Gdańsk"), ("81000", "Gdynia"), ("38000", "Volos"), ("67000", "Szeged"), ("89000", "Tampico"),
    ("46000", "Safi"), ("58000", "Thái Nguyên"),
)  # fmt: skip
QUARTERS = (
    ("35000", "Bellevue"), ("35000", "Villejean"), ("13008", "Bonneveine"), ("06270", "Marina Baie des Anges"),
    ("59000", "Wazemmes"), ("20166", "Porticcio"), ("20137", "Santa Giulia"), ("33000", "Caudéran"),
    ("69007", "Gerland"),
    ("67000", "Neudorf"), ("29200", "Recouvrance"), ("64200", "La Négresse"), ("74110", "Avoriaz"),
    ("97434", "Saint-Gilles-les-Bains"), ("44000", "Malakoff"), ("76600", "Europe"), ("54000", "Centre"),
)  # fmt: skip


@pytest.mark.parametrize(("postcode", "city"), ABROAD)
def test_a_town_abroad_beside_a_postcode_that_france_has_is_refused(postcode: str, city: str) -> None:
    """[FMT-009]: in Algeria, Finland, Poland and elsewhere postcodes have five digits as well."""
    found = resolve(Written(postcode=postcode, city=city))
    assert isinstance(found, LocalityRefusal)
    assert found.note.code in ("location-abroad", "location-unknown")


@pytest.mark.parametrize(("postcode", "city"), QUARTERS)
def test_a_quarter_that_is_called_like_a_town_abroad_or_nothing_is_not_refused(postcode: str, city: str) -> None:
    """[FMT-008]"""
    assert isinstance(resolve(Written(postcode=postcode, city=city)), Locality)
