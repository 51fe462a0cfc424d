"""Code lists and calendars: whole, sourced, and in step with the schema (OFR-026 to OFR-028)."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas.schoolyear import hours_for, year_of, years

PACKAGE = Path(schemas.__file__).parent
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
NAMES = ("sectors", "regions", "departments", "academies", "rules", "calendar")


@pytest.mark.parametrize("name", NAMES)
def test_each_list_names_version_source_and_licence(name: str) -> None:
    body = schemas.reference(name)
    assert all(body[key] for key in ("version", "source", "licence", "items"))
    assert orjson.loads(orjson.dumps(body)) == body


def test_other_lists_do_not_exist() -> None:
    with pytest.raises(KeyError):
        schemas.reference("schools")


def test_every_data_file_names_its_source_and_licence() -> None:
    for path in (PACKAGE / "codes").glob("*.json"):
        body = orjson.loads(path.read_bytes())
        assert all(body[key] for key in ("version", "source", "licence")), path.name


def test_the_schema_knows_the_sectors_of_the_list() -> None:
    """OFR-028"""
    listed = [item["code"] for item in schemas.reference("sectors")["items"]]
    assert listed == [f"s{number}" for number in range(1, 52)]
    assert schemas.schema("offer")["$defs"]["sector"]["enum"] == listed


def test_every_naf_code_leads_to_a_sector_of_the_list() -> None:
    """OFR-015"""
    listed = {item["code"] for item in schemas.reference("sectors")["items"]}
    naf: dict[str, Any] = orjson.loads((PACKAGE / "codes" / "naf.json").read_bytes())["items"]
    assert len(naf) >= 730
    assert set(naf.values()) <= listed
    assert schemas.sector_of("62.01Z") == naf["62.01Z"]
    assert schemas.sector_of("00.00Z") is None


def test_the_rules_are_listed_with_their_words() -> None:
    rules = {rule["code"]: rule for rule in schemas.reference("rules")["items"]}
    assert set(rules) == set(schemas.catalogue())
    assert rules["expired"]["message"].keys() == {"fr", "en"}


@pytest.mark.parametrize(
    ("year", "weeks", "mark"),
    [
        ("2023-2024", ["2024-W25", "2024-W26"], "S"),
        ("2024-2025", ["2025-W25", "2025-W26"], "S"),
        ("2025-2026", ["2026-W25", "2026-W26"], "I"),
        ("2026-2027", ["2027-W24", "2027-W25"], "I"),
        ("2027-2028", ["2028-W25", "2028-W26"], "I"),
    ],
)
def test_each_school_year_has_its_mandatory_weeks(year: str, weeks: list[str], mark: str) -> None:
    """OFR-026"""
    item = next(item for item in schemas.reference("calendar")["items"] if item["school_year"] == year)
    assert (item["mandatory_weeks"]["weeks"], item["mandatory_weeks"]["mark"]) == (weeks, mark)
    assert item["mandatory_weeks"]["source"]


def test_school_years_follow_each_other_and_hold_their_dates() -> None:
    """OFR-026, OFR-027"""
    for earlier, later in zip(years(), years()[1:], strict=False):
        assert later.first == earlier.last + timedelta(days=1)
    for year in years():
        assert year.name == f"{year.first.year}-{year.last.year}"
        for week in year.weeks:
            assert year_of(date.fromisocalendar(int(week[:4]), int(week[6:]), 1)) is year
        for holiday in year.holidays:
            assert year.first <= holiday.first <= holiday.last <= year.last
            assert holiday.first.isoweekday() == 6, "holidays begin on a Saturday"
            assert holiday.zones <= {"A", "B", "C"}
            assert set(holiday.name) == {"fr", "en"}


def test_zones_share_winter_and_spring_out_among_them() -> None:
    """OFR-027: each zone has two weeks of winter and two of spring holidays, each year that has holidays on file."""
    for year in years():
        if not year.holidays:
            continue
        for zone in "ABC":
            lengths = {
                holiday.name["en"]: (holiday.last - holiday.first).days + 1
                for holiday in year.holidays
                if zone in holiday.zones
            }
            assert {
                lengths[name]
                for name in ("autumn holidays", "Christmas holidays", "winter holidays", "spring holidays")
            } == {16}


def test_hours_are_those_of_the_school_year_or_the_latest_known() -> None:
    """OFR-030"""
    year = year_of(date(2027, 6, 27))
    assert year is not None
    assert hours_for(date(2027, 6, 27)) is year.hours
    assert hours_for(date(2040, 1, 1)) is years()[-1].hours
    assert hours_for(date(2027, 6, 27)).week_minutes == 35 * 60


def test_versions_are_those_of_the_changelog() -> None:
    stated = re.search(r"^Protocol 1, schema ([0-9.]+), rules ([0-9.]+)\.$", CHANGELOG.read_text(), re.MULTILINE)
    assert stated is not None
    assert (schemas.SCHEMA_VERSION, schemas.RULES_VERSION) == stated.groups()


def test_the_communes_file_is_compact() -> None:
    assert (PACKAGE / "codes" / "communes.txt.gz").stat().st_size <= 400_000
