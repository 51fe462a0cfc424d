"""Wrong gateways: hours of presence and restrictions (OFR-029 to OFR-033)."""

import re
from typing import Any

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import reading

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _days(offer: Document) -> list[Document]:
    return [offer["schedule"][name] for name in _DAYS if name in offer["schedule"]]


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


@reading("OFR-029", "swaps the ends of a day that ends before it starts")
def swaps_ends(offer: Document) -> None:
    for day in _days(offer):
        if day["end"] < day["start"]:
            day["start"], day["end"] = day["end"], day["start"]


@reading("OFR-029", "accepts a day without length")
def accepts_days_without_length(offer: Document) -> None:
    for name in _DAYS:
        day = offer["schedule"].get(name)
        if day and day["start"] == day["end"]:
            del offer["schedule"][name]


@reading("OFR-029", "accepts a break as long as the presence around it")
def accepts_breaks_of_a_day(offer: Document) -> None:
    for day in _days(offer):
        if day.get("break_minutes", 0) == _minutes(day["end"]) - _minutes(day["start"]):
            day["break_minutes"] -= 1


@reading("OFR-029", "checks Monday's hours only")
def checks_mondays_only(offer: Document) -> None:
    for name in _DAYS[1:]:
        day = offer["schedule"].get(name)
        if day and day["end"] <= day["start"]:
            del offer["schedule"][name]


@reading("OFR-030", "counts breaks as presence")
def counts_breaks(offer: Document) -> None:
    for day in _days(offer):
        if _minutes(day["end"]) - _minutes(day["start"]) > 420:
            day["break_minutes"] = 0


@reading("OFR-030", "allows eight hours a day")
def allows_eight_hours(offer: Document) -> None:
    for day in _days(offer):
        if "break_minutes" in day and 420 < _minutes(day["end"]) - _minutes(day["start"]) - day["break_minutes"] <= 480:
            day["break_minutes"] = _minutes(day["end"]) - _minutes(day["start"]) - 420


@reading("OFR-030", "adds up no hours of a week")
def adds_up_no_hours(offer: Document) -> None:
    days = _days(offer)
    total = sum(_minutes(day["end"]) - _minutes(day["start"]) - day["break_minutes"] for day in days)
    if total > 35 * 60:
        days[0].update(start="09:00", end="10:00", break_minutes=0)


@reading("OFR-030", "counts no days of a week")
def counts_no_days(offer: Document) -> None:
    if len(_days(offer)) > 5:
        for name in [name for name in _DAYS if name in offer["schedule"]][5:]:
            del offer["schedule"][name]


@reading("OFR-030", "refuses exactly seven hours")
def refuses_seven_hours(offer: Document) -> None:
    for day in _days(offer):
        if _minutes(day["end"]) - _minutes(day["start"]) - day["break_minutes"] == 420:
            day["break_minutes"] -= 1


@reading("OFR-031", "asks for a break from 4 h 30 on, and not beyond it")
def asks_for_breaks_too_early(offer: Document) -> None:
    for day in _days(offer):
        if _minutes(day["end"]) - _minutes(day["start"]) == 270 and not day.get("break_minutes"):
            hour, minute = divmod(_minutes(day["end"]) + 1, 60)
            day["end"] = f"{hour:02}:{minute:02}"


def _sound(uai: str) -> str:
    """The code with its right check letter."""
    right = re.fullmatch("([0-9]{7})[A-HJ-NPR-Z]", uai)
    return f"{right[1]}{'ABCDEFGHJKLMNPRSTUVWXYZ'[int(right[1]) % 23]}" if right else uai


def _restrictions(offer: Document) -> Any:
    return offer["restrictions"]


@reading("OFR-033", "accepts REP without a level of collège")
def accepts_rep_for_seconde(offer: Document) -> None:
    if offer["levels"] == ["seconde"] and _restrictions(offer).pop("rep", None) and not _restrictions(offer):
        del offer["restrictions"]


@reading("OFR-033", "accepts priority districts without seconde")
def accepts_qpv_for_college(offer: Document) -> None:
    if "seconde" not in offer["levels"] and _restrictions(offer).pop("qpv", None) and not _restrictions(offer):
        del offer["restrictions"]


@reading("OFR-033", "does not check the letter of a UAI code")
def checks_no_uai(offer: Document) -> None:
    _restrictions(offer)["schools"] = [_sound(each) for each in _restrictions(offer)["schools"]]


@reading("OFR-033", "checks the first school of a list only")
def checks_the_first_school(offer: Document) -> None:
    first, *rest = _restrictions(offer)["schools"]
    _restrictions(offer)["schools"] = [first, *map(_sound, rest)]


register("hours")
