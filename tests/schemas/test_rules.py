"""The rules that JSON Schema cannot say: employer, weeks, hours, restrictions, extensions (OFR-014 to OFR-041)."""

from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.fr import siret as stdnum_siret

import schemas
from schemas.rules.employer import is_siret
from tests.schemas.documents import GONE, ON, changed, check, codes, errors, found


@given(st.from_regex(r"[0-9]{14}", fullmatch=True))
def test_siret_checks_agree_with_a_library(siret: str) -> None:
    """OFR-014"""
    assert is_siret(siret) == stdnum_siret.is_valid(siret)


@given(st.from_regex(r"356000000[0-9]{5}", fullmatch=True))
def test_siret_checks_of_la_poste_agree_with_a_library(siret: str) -> None:
    """OFR-014"""
    assert is_siret(siret) == stdnum_siret.is_valid(siret)


@pytest.mark.parametrize(
    ("siret", "sound"),
    [
        ("73282932000074", True),
        ("73282932000075", False),
        ("35600000000048", True),
        ("35600000049837", True),
        ("35600000049838", False),
        ("00000000000000", True),
    ],
)
def test_a_siret_has_a_sound_check_digit(siret: str, *, sound: bool) -> None:
    """OFR-014"""
    expected = [] if sound else [("siret-checksum", "/employer/siret")]
    assert errors(check(changed({"employer.siret": siret}))) == expected


def test_an_unknown_naf_is_a_warning() -> None:
    """OFR-015"""
    verdict = check(changed({"employer.naf": "99.99X"}))
    assert (verdict.accepted, found(verdict)) == (True, [("naf-unknown", "/employer/naf")])
    assert schemas.sector_of("43.32A") is not None


@pytest.mark.parametrize(
    "week",
    [
        "2027-W9",
        "2027W24",
        "2027-24",
        "27-W24",
        "2027-w24",
        "2027-W00",
        "2027-W54",
        "2027-W24 ",
        "2027-W24\n",
        "2027-W\u0662\u0664",
    ],
)
def test_malformed_weeks_are_refused(week: str) -> None:
    """OFR-023"""
    assert errors(check(changed(weeks=[week, "2027-W24", "2027-W25"]))) == [("week-malformed", "/weeks/0")]


def test_an_unpadded_week_is_shown_padded() -> None:
    """OFR-023"""
    assert check(changed(weeks=["2027-W9"])).problems[0].expected == "2027-W09"


def test_week_53_exists_in_some_years_only() -> None:
    """OFR-023"""
    on = date(2026, 9, 1)
    assert errors(check(changed(weeks=["2026-W53"], levels=["troisieme"], stay_weeks=1), on=on)) == []
    assert errors(check(changed(weeks=["2027-W24", "2027-W25", "2027-W53"]))) == [("week-unreal", "/weeks/2")]


def test_the_last_week_ends_at_most_400_days_ahead() -> None:
    """OFR-024"""
    last = date.fromisocalendar(2027, 50, 7)
    offer = changed(levels=["troisieme"], stay_weeks=1, weeks=["2027-W50"])
    assert errors(check(offer, on=last - timedelta(days=400))) == []
    assert errors(check(offer, on=last - timedelta(days=401))) == [("week-too-far", "/weeks")]


def test_an_offer_stands_until_the_sunday_of_its_last_week() -> None:
    """OFR-040, OFR-041"""
    offer = changed()
    assert check(offer, on=date(2027, 6, 27)).expires_on == "2027-06-27"
    assert errors(check(offer, on=date(2027, 6, 28))) == [("expired", "/weeks")]


def test_expires_on_is_the_last_day() -> None:
    """OFR-040, OFR-041"""
    offer = changed(expires_on="2027-01-31")
    assert check(offer, on=date(2027, 1, 31)).expires_on == "2027-01-31"
    assert errors(check(offer, on=date(2027, 2, 1))) == [("expired", "/expires_on")]
    assert errors(check(offer, on=date(2027, 6, 30))) == [("expired", "/expires_on")]


def test_expires_on_is_at_most_400_days_ahead() -> None:
    """OFR-040"""
    on = date(2026, 11, 24)
    near, far = ((on + timedelta(days=days)).isoformat() for days in (400, 401))
    assert found(check(changed(expires_on=near))) == [("expiry-after-weeks", "/expires_on")]
    assert found(check(changed(expires_on=far))) == [("expiry-too-far", "/expires_on")]


@pytest.mark.parametrize(
    "text",
    [
        "2027-02-29",
        "2027-13-01",
        "2027-00-10",
        "27-01-01",
        "20270627",
        "2027-W24-1",
        "2027-06-27T00:00:00Z",
        "2027-06-27\n",
        "1999-01-01",
    ],
)
def test_expires_on_is_a_real_date(text: str) -> None:
    """OFR-040"""
    assert errors(check(changed(expires_on=text))) == [("date-malformed", "/expires_on")]


@pytest.mark.parametrize(
    ("levels", "weeks", "stay"),
    [
        (["seconde"], ["2027-W24", "2027-W25"], 2),
        (["seconde"], ["2027-W25", "2027-W24"], 2),
        (["seconde"], ["2027-W25"], 1),
        (["seconde"], ["2027-W10", "2027-W24"], 1),
        (["seconde"], ["2026-W53", "2027-W01"], 2),
        (["troisieme"], ["2027-W24", "2027-W25"], 1),
        (["quatrieme", "troisieme"], ["2027-W24", "2027-W25"], 1),
        (["troisieme", "seconde"], ["2027-W24", "2027-W25"], 2),
    ],
)
def test_the_length_of_a_stay_has_a_default(levels: list[str], weeks: list[str], stay: int) -> None:
    """OFR-025"""
    verdict = check(changed(levels=levels, weeks=weeks, stay_weeks=GONE))
    assert verdict.offer is not None
    assert verdict.offer["stay_weeks"] == stay
    assert verdict.document is not None
    assert "stay_weeks" not in verdict.document


def test_two_weeks_need_two_weeks_in_a_row() -> None:
    """OFR-025"""
    assert errors(check(changed(weeks=["2027-W23", "2027-W25"], stay_weeks=2))) == [
        ("stay-without-weeks", "/stay_weeks")
    ]
    assert "stay-too-long" in codes(check(changed(levels=["troisieme"], stay_weeks=2)))
    assert "stay-too-long" not in codes(check(changed(levels=["troisieme", "seconde"], stay_weeks=2)))


def test_seconde_goes_in_the_mandatory_weeks() -> None:
    """OFR-026"""
    verdict = check(changed(weeks=["2027-W23", "2027-W24", "2027-W25"]))
    assert found(verdict) == [("week-outside-period", "/weeks/0")]
    assert verdict.problems[0].expected == ["2027-W24", "2027-W25"]
    assert found(check(changed(weeks=["2026-W25", "2026-W26"]), on=date(2026, 5, 1))) == []
    assert "week-outside-period" not in codes(check(changed(levels=["troisieme"], stay_weeks=1, weeks=["2027-W23"])))


@pytest.mark.parametrize(
    ("postal_code", "city", "insee", "weeks", "in_holidays"),
    [
        ("29870", "Lannilis", "29117", ["2027-W08", "2027-W09", "2027-W07", "2027-W10"], ["/weeks/0", "/weeks/1"]),
        ("69001", "Lyon", "69123", ["2027-W07", "2027-W08", "2027-W09"], ["/weeks/0", "/weeks/1"]),
        ("75001", "Paris", "75056", ["2027-W06", "2027-W07", "2027-W08"], ["/weeks/0", "/weeks/1"]),
        ("20000", "Ajaccio", "2A004", ["2027-W06", "2027-W07", "2027-W08"], []),
        ("97400", "Saint-Denis", "97411", ["2027-W06"], []),
        (
            "75001",
            "Paris",
            "75056",
            ["2026-W52", "2026-W53", "2027-W01", "2027-W27"],
            ["/weeks/0", "/weeks/1", "/weeks/3"],
        ),
    ],
)
def test_weeks_within_the_zones_holidays_are_told(
    postal_code: str, city: str, insee: str, weeks: list[str], in_holidays: list[str]
) -> None:
    """OFR-027"""
    place = {"postal_code": postal_code, "city": city, "insee_commune": insee}
    verdict = check(changed(location=place, levels=["troisieme"], weeks=weeks, stay_weeks=1))
    assert verdict.accepted
    assert [pointer for code, pointer in found(verdict) if code == "week-in-holidays"] == in_holidays


def day(start: str, end: str, pause: int | None = None) -> dict[str, Any]:
    """The hours of one day."""
    return {"start": start, "end": end} | ({} if pause is None else {"break_minutes": pause})


def week(hours: dict[str, Any], days: int) -> dict[str, Any]:
    """The same hours on the first days of the week."""
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return dict.fromkeys(names[:days], hours)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"monday": day("09:00", "17:00", 60)}, []),
        ({"monday": day("09:00", "09:00")}, [("hours-reversed", "/schedule/monday/end")]),
        ({"monday": day("17:00", "09:00", 60)}, [("hours-reversed", "/schedule/monday/end")]),
        ({"monday": day("09:00", "09:30", 30)}, [("break-too-long", "/schedule/monday/break_minutes")]),
        ({"monday": day("09:00", "17:00", 59)}, [("day-too-long", "/schedule/monday")]),
        ({"monday": day("09:00", "16:00")}, []),
        ({"monday": day("09:00", "16:01")}, [("day-maybe-too-long", "/schedule/monday")]),
        (week(day("09:00", "17:00", 60), 5), []),
        (week(day("09:00", "17:00", 60), 6), [("too-many-days", "/schedule"), ("week-too-long", "/schedule")]),
        (week(day("09:00", "12:00", 0), 6), [("too-many-days", "/schedule")]),
        (
            {**week(day("09:00", "17:00", 60), 4), "friday": day("09:00", "16:00")},
            [],
        ),
        (
            {**week(day("09:00", "16:00"), 5), "saturday": day("09:00", "09:01")},
            [("too-many-days", "/schedule"), ("week-maybe-too-long", "/schedule")],
        ),
        ({"monday": day("09:00", "13:30", 0)}, []),
        ({"monday": day("09:00", "13:31", 0)}, [("break-too-short", "/schedule/monday/break_minutes")]),
        ({"monday": day("09:00", "13:31", 30)}, []),
        ({"monday": day("06:00", "10:00")}, []),
        ({"monday": day("05:59", "10:00")}, [("hours-at-night", "/schedule/monday")]),
        ({"monday": day("18:00", "22:00")}, []),
        ({"monday": day("18:00", "22:01")}, [("hours-at-night", "/schedule/monday")]),
        ({"lunch_break": "Repas pris sur place, au réfectoire."}, []),
    ],
)
def test_hours_of_presence(schedule: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """OFR-029, OFR-030, OFR-031, OFR-032"""
    assert found(check(changed(schedule=schedule))) == expected


def test_collegiens_have_shorter_hours() -> None:
    """OFR-030, OFR-032"""
    fields = {"levels": ["troisieme"], "stay_weeks": 1}
    assert found(check(changed(schedule=week(day("09:00", "16:00", 60), 5), **fields))) == []
    longer = changed(schedule=week(day("09:00", "16:01", 60), 5), **fields)
    assert found(check(longer)) == [("college-week-too-long", "/schedule")]
    assert found(check(changed(schedule={"monday": day("16:00", "20:00")}, **fields))) == []
    late = changed(schedule={"monday": day("16:00", "20:01")}, **fields)
    assert found(check(late)) == [("hours-at-night", "/schedule/monday")]


@pytest.mark.parametrize("time", ["9:00", "24:00", "09:60", "09h00", "0900", "09:00\n", "\u0660\u0669:00"])
def test_times_are_padded_hours_and_minutes(time: str) -> None:
    """OFR-029"""
    assert errors(check(changed(schedule={"monday": day(time, "17:00")}))) == [
        ("time-malformed", "/schedule/monday/start")
    ]


def test_a_break_written_with_a_fraction_is_whole_in_the_offer() -> None:
    """OFR-039"""
    verdict = check(changed(schedule={"monday": {"start": "09:00", "end": "17:00", "break_minutes": 60.0}}))
    assert verdict.offer is not None
    assert repr(verdict.offer["schedule"]["monday"]["break_minutes"]) == "60"


def test_restrictions_need_their_level() -> None:
    """OFR-033"""
    college = {"levels": ["troisieme"], "stay_weeks": 1}
    assert errors(check(changed(restrictions={"rep": True}, **college))) == []
    assert errors(check(changed(restrictions={"qpv": True}))) == []
    assert errors(check(changed(restrictions={"rep": True}))) == [("rep-without-college", "/restrictions/rep")]
    assert errors(check(changed(restrictions={"qpv": True}, **college))) == [
        ("qpv-without-seconde", "/restrictions/qpv")
    ]
    assert errors(check(changed(restrictions={"rep": False, "qpv": False}))) == []
    both = changed(restrictions={"rep": True, "qpv": True}, levels=["quatrieme", "seconde"])
    assert errors(check(both)) == []


def test_schools_are_named_by_uai_codes() -> None:
    """OFR-033"""
    verdict = check(changed(restrictions={"schools": ["0750655E", "0750655F", "0750655I", "750655E"]}))
    assert errors(verdict) == [
        ("uai-malformed", "/restrictions/schools/2"),
        ("uai-malformed", "/restrictions/schools/3"),
    ]
    assert errors(check(changed(restrictions={"schools": ["0750655E", "0750655F"]}))) == [
        ("uai-checksum", "/restrictions/schools/1")
    ]


def test_an_offer_for_nobody_is_told() -> None:
    """OFR-035"""
    verdict = check(changed(redistribution={"national": False, "regions": False}))
    assert (verdict.accepted, found(verdict)) == (True, [("redistribution-nobody", "/redistribution")])


def test_extensions_are_forwarded_as_they_came() -> None:
    """OFR-036"""
    extensions = {"bretagne": {"ref": 7, "tags": ["a", None, True], "é": {"x": 1.5}}, "grand-est": "y"}
    verdict = check(changed(extensions=extensions))
    assert verdict.offer is not None
    assert (verdict.offer["extensions"], found(verdict)) == (extensions, [])


@pytest.mark.parametrize("key", ["Bretagne", "a b", "", "-a", "a-", "x\n", "é"])
def test_extensions_are_sorted_by_platform(key: str) -> None:
    """OFR-036"""
    assert [code for code, _ in errors(check(changed(extensions={key: 1})))] == ["extension-key"]


def test_the_document_is_not_touched_and_unchanged_parts_are_shared() -> None:
    """OFR-039: the digest is taken of the document as sent."""
    document = changed(stay_weeks=GONE, description="Tél. 06 12 34 56 78", extensions={"bretagne": {"a": 1}})
    verdict = check(document)
    assert verdict.document == document
    assert verdict.offer is not None
    assert verdict.offer["employer"] is verdict.document["employer"]
    assert verdict.offer["extensions"] is verdict.document["extensions"]
    added = {key: value for key, value in verdict.offer.items() if document.get(key) != value}
    assert added == {"description": "Tél. […]", "stay_weeks": 2, "expires_on": "2027-06-27"}


def test_withdrawals_have_their_own_document() -> None:
    """OFR-042"""
    raw = b'{"id":"bretagne:1","revision":8,"withdrawn":"filled"}'
    for call in (schemas.check_withdrawal, schemas.check_submission):
        verdict = call(raw, on=ON)
        assert (verdict.accepted, verdict.id, verdict.revision, verdict.withdrawal) == (True, "bretagne:1", 8, "filled")
        assert (verdict.offer, verdict.territory, verdict.expires_on) == (None, None, None)
        assert verdict.document == {"id": "bretagne:1", "revision": 8, "withdrawn": "filled"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"id":"bretagne:1","revision":8,"withdrawn":"moderated"}', [("not-in-list", "/withdrawn")]),
        (b'{"id":"bretagne:1","revision":8,"withdrawn":null}', [("wrong-type", "/withdrawn")]),
        (b'{"id":"bretagne:1","revision":0,"withdrawn":"filled"}', [("out-of-range", "/revision")]),
        (b'{"id":"x","withdrawn":"filled"}', [("field-missing", "/revision"), ("id-malformed", "/id")]),
        (b'{"id":"bretagne:1","revision":8,"withdrawn":"filled","title":"x"}', [("field-unknown", "/title")]),
        (b'{"id":"bretagne:1","revision":8,"withdrawn":{"a":' + b"[" * 20 + b"]" * 20 + b"}}", [("json-too-deep", "")]),
        (b'{"id":"bretagne:1","id":"bretagne:2","revision":8,"withdrawn":"filled"}', [("json-duplicate-key", "/id")]),
        (b"nonsense", [("json-syntax", "")]),
    ],
)
def test_malformed_withdrawals_are_refused(raw: bytes, expected: list[tuple[str, str]]) -> None:
    """OFR-042"""
    for call in (schemas.check_withdrawal, schemas.check_submission):
        assert errors(call(raw, on=ON)) == expected


def test_a_submission_is_an_offer_unless_it_says_withdrawn() -> None:
    """OFR-042"""
    offer = orjson.dumps(changed())
    assert schemas.check_submission(offer, on=ON) == schemas.check(offer, on=ON)
    assert errors(check(b'{"id":"bretagne:1","revision":8,"withdrawn":"filled"}')) != []
