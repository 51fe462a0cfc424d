"""The shape of an offer: fields, types, lists, both sides of every limit (OFR-003 to OFR-009, OFR-014 to OFR-028)."""

from typing import Any

import pytest

from tests.schemas.documents import changed, check, codes, errors, found


def test_a_sound_offer_has_no_problem() -> None:
    """OFR-038"""
    verdict = check(changed())
    assert (verdict.accepted, verdict.problems) == (True, ())
    assert (verdict.id, verdict.revision) == ("bretagne:S-2027-000123", 1764000000000)
    assert verdict.document == changed()
    assert verdict.territory == {"department": "29", "region": "53", "academie": "rennes"}
    assert (verdict.expires_on, verdict.withdrawal) == ("2027-06-27", None)


LIMITS: list[tuple[str, Any, Any, str]] = [
    ("title", "x" * 150, "x" * 151, "too-long"),
    ("description", "x" * 1500, "x" * 1501, "too-long"),
    ("employer.name", "x" * 150, "x" * 151, "too-long"),
    ("employer.description", "x" * 275, "x" * 276, "too-long"),
    ("employer.website", "https://a.fr/" + "x" * 547, "https://a.fr/" + "x" * 548, "too-long"),
    ("location.street", "x" * 200, "x" * 201, "too-long"),
    ("schedule.lunch_break", "x" * 250, "x" * 251, "too-long"),
    ("apply_url", "https://a.fr/" + "x" * 187, "https://a.fr/" + "x" * 188, "too-long"),
    ("source_id", "x" * 120, "x" * 121, "too-long"),
    ("national_remote_id", "x" * 60, "x" * 61, "too-long"),
    ("title", "😀" * 150, "😀" * 151, "too-long"),
    ("id", "a:" + "x" * 60, "a:" + "x" * 61, "id-malformed"),
    ("id", "a" * 40 + ":x", "a" * 41 + ":x", "id-malformed"),
    ("revision", 1, 0, "out-of-range"),
    ("revision", 2**53 - 1, 2**53, "out-of-range"),
    ("seats", 1, 0, "out-of-range"),
    ("seats", 6000, 6001, "out-of-range"),
    ("stay_weeks", 1, 0, "out-of-range"),
    ("stay_weeks", 2, 3, "out-of-range"),
    ("levels", ["seconde"], [], "too-few"),
    ("weeks", ["2027-W24", "2027-W25"], [], "too-few"),
    ("restrictions.schools", ["0750655E"], [], "too-few"),
    ("extensions", {"bretagne": None}, {}, "too-few"),
    (
        "restrictions.schools",
        [f"{n:07}{'ABCDEFGHJKLMNPRSTUVWXYZ'[n % 23]}" for n in range(200)],
        [f"{n:07}{'ABCDEFGHJKLMNPRSTUVWXYZ'[n % 23]}" for n in range(201)],
        "too-many",
    ),
    ("extensions", {f"a{n}": 1 for n in range(20)}, {f"a{n}": 1 for n in range(21)}, "too-many"),
    ("extensions", {"a": "x" * 3992}, {"a": "x" * 3993}, "extensions-too-large"),
    ("extensions", {"a" * 40: 1}, {"a" * 41: 1}, "extension-key"),
    (
        "schedule.monday",
        {"start": "09:00", "end": "17:00", "break_minutes": 300},
        {"start": "09:00", "end": "17:00", "break_minutes": 301},
        "out-of-range",
    ),
    ("rome", {"code": "A1101", "version": "4"}, {"code": "Z1101", "version": "4"}, "rome-malformed"),
    ("rome", {"code": "N4403", "version": "4.2"}, {"code": "N4403", "version": "four"}, "rome-malformed"),
    ("expires_on", "2027-06-27", "2027-06-31", "date-malformed"),
    ("expires_on", "2027-06-01", "2027-6-1", "date-malformed"),
    ("accessibility", "yes", "Yes", "not-in-list"),
    ("sector", "s51", "s52", "not-in-list"),
    ("sector", "s1", "s01", "not-in-list"),
    ("employer.naf", "62.01Z", "6201Z", "naf-malformed"),
    ("employer.siret", "73282932000074", "732 829 320 00074", "siret-malformed"),
    ("employer.siret", "73282932000074", "7328293200007", "siret-malformed"),
    ("location.insee_commune", "29117", "2A17", "insee-malformed"),
    ("location.postal_code", "29870", "29 870", "postal-code-malformed"),
]


@pytest.mark.parametrize(("field", "allowed", "refused", "code"), LIMITS)
def test_both_sides_of_each_limit(field: str, allowed: Any, refused: Any, code: str) -> None:
    """OFR-005, OFR-006, OFR-007, OFR-008, OFR-014, OFR-015, OFR-017, OFR-036, OFR-037, OFR-040, IDN-001"""
    assert errors(check(changed({field: allowed}))) == []
    assert code in {name for name, _ in errors(check(changed({field: refused})))}


def test_a_city_has_at_most_fifty_characters() -> None:
    """OFR-006"""
    assert "too-long" not in codes(check(changed({"location.city": "x" * 50})))
    assert ("too-long", "/location/city") in errors(check(changed({"location.city": "x" * 51})))


@pytest.mark.parametrize(
    ("field", "pointer", "hint"),
    [
        ("titel", "/titel", "title"),
        ("Title", "/Title", "title"),
        ("apply-url", "/apply-url", "apply_url"),
        ("zipcode", "/zipcode", "location.postal_code"),
        ("siret", "/siret", "employer.siret"),
        ("grades", "/grades", "levels"),
        ("permalink", "/permalink", "apply_url"),
        ("employer.sirett", "/employer/sirett", "siret"),
        ("employer.city", "/employer/city", "location.city"),
        ("location.zip_code", "/location/zip_code", "postal_code"),
        ("schedule.mondy", "/schedule/mondy", "monday"),
        ("redistribution.nationale", "/redistribution/nationale", "national"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_nearest_name(field: str, pointer: str, hint: str) -> None:
    """OFR-003"""
    verdict = check(changed({field: "x"}))
    assert errors(verdict) == [("field-misnamed", pointer)]
    assert verdict.problems[0].expected == hint


@pytest.mark.parametrize("field", ["contact", "phone", "x" * 5000, "provenance", "employer.e~mail/x"])
def test_an_unknown_field_is_refused(field: str) -> None:
    """OFR-003"""
    verdict = check(changed({field: "x"}))
    assert [code for code, _ in errors(verdict)] == ["field-unknown"]
    assert len(verdict.problems[0].pointer) < 100


def test_pointers_escape_slashes_and_tildes() -> None:
    assert found(check(changed({"employer.a~b/c": 1}))) == [("field-unknown", "/employer/a~0b~1c")]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", 7, "wrong-type"),
        ("title", None, "wrong-type"),
        ("employer", [], "wrong-type"),
        ("weeks", "2027-W24", "wrong-type"),
        ("revision", "7", "wrong-type"),
        ("revision", True, "wrong-type"),
        ("seats", 1.5, "not-whole"),
        ("employer.public", "false", "wrong-type"),
        ("location.latitude", "48.5", "wrong-type"),
        ("location.postal_code", 29870, "code-as-number"),
        ("location.insee_commune", 29117, "code-as-number"),
        ("employer.siret", 73282932000074, "code-as-number"),
        ("schedule", {"monday": {"start": 540, "end": "17:00"}}, "wrong-type"),
    ],
)
def test_a_wrong_type_is_one_problem(field: str, value: Any, code: str) -> None:
    """OFR-005"""
    verdict = check(changed({field: value}))
    assert [name for name, _ in errors(verdict)] == [code]


@pytest.mark.parametrize("field", ["levels", "weeks"])
def test_repeated_items_are_refused(field: str) -> None:
    """OFR-009, OFR-022"""
    items = changed()[field]
    assert errors(check(changed({field: [*items, items[0]]}))) == [("repeated-item", f"/{field}")]


def test_only_three_levels_exist() -> None:
    """OFR-022, OFR-008"""
    assert errors(check(changed(levels=["quatrieme", "troisieme", "seconde"], stay_weeks=1))) == []
    assert errors(check(changed(levels=["premiere"]))) == [("not-in-list", "/levels/0")]


def test_a_sector_is_one_of_the_fifty_one() -> None:
    """OFR-028"""
    assert all(check(changed(sector=f"s{number}")).accepted for number in range(1, 52))
    assert [errors(check(changed(sector=code))) for code in ("s0", "s52", "S24")] == [[("not-in-list", "/sector")]] * 3
