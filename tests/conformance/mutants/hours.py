"""Wrong gateways: hours of presence and restrictions (OFR-029 to OFR-033)."""

import re
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.ways import Document, reading, silent, strict, without

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _days(offer: Document) -> list[Document]:
    return [offer["schedule"][name] for name in _DAYS if name in offer["schedule"]]


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


@reading("OFR-029", "completes the hour of a time")
def completes_times(offer: Document) -> None:
    for day in _days(offer):
        for name in ("start", "end"):
            day[name] = re.sub("^([0-9])[:h]", r"0\1:", day[name])


@reading("OFR-029", "reads 24:00 and seconds")
def reads_other_times(offer: Document) -> None:
    for day in _days(offer):
        day["start"] = re.sub("^([0-9]{2}:[0-9]{2}):00$", r"\1", day["start"])
        day["end"] = re.sub("^([0-9]{2}:[0-9]{2}):00$", r"\1", day["end"]).replace("24:00", "16:00")


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


@strict("OFR-030", "refuses too many hours where a break is unknown", "day-maybe-too-long", "week-maybe-too-long")
def refuses_unknown_breaks() -> None: ...


@silent("OFR-030", "does not warn where a break is unknown", "day-maybe-too-long", "week-maybe-too-long")
def warns_of_no_unknown_breaks() -> None: ...


@silent("OFR-030", "knows no thirty hours of pupils of collège", "college-week-too-long")
def knows_no_thirty_hours() -> None: ...


@strict("OFR-030", "refuses more than thirty hours for pupils of collège", "college-week-too-long")
def refuses_more_than_thirty_hours() -> None: ...


@silent("OFR-031", "does not ask for breaks", "break-too-short")
def asks_for_no_breaks() -> None: ...


@strict("OFR-031", "refuses a presence without a break", "break-too-short")
def refuses_short_breaks() -> None: ...


@reading("OFR-031", "asks for a break from 4 h 30 on, and not beyond it")
def asks_for_breaks_too_early(offer: Document) -> None:
    for day in _days(offer):
        if _minutes(day["end"]) - _minutes(day["start"]) == 270 and not day.get("break_minutes"):
            hour, minute = divmod(_minutes(day["end"]) + 1, 60)
            day["end"] = f"{hour:02}:{minute:02}"


@silent("OFR-032", "knows no hours of night", "hours-at-night")
def knows_no_night() -> None: ...


@strict("OFR-032", "refuses hours of night", "hours-at-night")
def refuses_nights() -> None: ...


@wrong("OFR-032", "lets pupils of collège stay as late as those of seconde")
async def lets_college_stay_late(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    late = isinstance(seen.json, dict) and re.search(r"'end': '2[01]:", str(seen.json.get("schedule")))
    return without(answered, "hours-at-night") if seen.publishes and late else answered


@wrong("OFR-032", "looks for late hours, not for early ones")
async def looks_for_no_early_hours(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    early = isinstance(seen.json, dict) and re.search(r"'start': '0[0-5]:", str(seen.json.get("schedule")))
    return without(answered, "hours-at-night") if seen.publishes and early else answered


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


@reading("OFR-033", "refuses REP where an offer is for seconde too")
def refuses_rep_for_mixed(offer: Document) -> None:
    if _restrictions(offer).get("rep") and "seconde" in offer["levels"]:
        offer["levels"] = ["seconde"]


@reading("OFR-033", "does not check the letter of a UAI code")
def checks_no_uai(offer: Document) -> None:
    _restrictions(offer)["schools"] = [_sound(each) for each in _restrictions(offer)["schools"]]


@reading("OFR-033", "reads UAI codes in small letters")
def reads_small_uais(offer: Document) -> None:
    _restrictions(offer)["schools"] = [each.upper() for each in _restrictions(offer)["schools"]]


@reading("OFR-033", "checks the first school of a list only")
def checks_the_first_school(offer: Document) -> None:
    first, *rest = _restrictions(offer)["schools"]
    _restrictions(offer)["schools"] = [first, *map(_sound, rest)]
