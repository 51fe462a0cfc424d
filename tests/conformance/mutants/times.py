"""Wrong gateways: levels, weeks, stays and sectors (OFR-022 to OFR-028)."""

from datetime import date, timedelta
from itertools import pairwise

from conformance.clock import today
from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import problems_changed, reading, rendering


def _monday(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)


@reading("OFR-022", "drops a level that it does not know")
def drops_unknown_levels(offer: Document) -> None:
    known = [each for each in offer["levels"] if each in {"quatrieme", "troisieme", "seconde"}]
    offer["levels"] = known or offer["levels"]


@reading("OFR-023", "takes week 53 of a shorter year for the first of the next one")
def moves_week_53(offer: Document) -> None:
    def real(week: str) -> str:
        try:
            _monday(week)
        except ValueError:
            return f"{int(week[:4]) + 1}-W01" if week.endswith("W53") else week
        return week

    offer["weeks"] = [real(each) for each in offer["weeks"]]


@reading("OFR-024", "allows a week that ends up to 410 days ahead")
def allows_410_days(offer: Document) -> None:
    for index, week in enumerate(offer["weeks"]):
        if 400 < (_monday(week) - today()).days + 6 <= 410:
            offer["weeks"][index] = offer["weeks"][0] if index else "2027-W10"


@reading("OFR-024", "allows a year ahead")
def allows_a_year(offer: Document) -> None:
    if any(365 < (_monday(week) - today()).days + 6 <= 400 for week in offer["weeks"]):
        offer["weeks"] = ["2040-W10"]


@reading("OFR-024", "allows any distance in a batch and in a snapshot", "batch", "snapshot")
def allows_any_distance_in_lines(offer: Document) -> None:
    if any((_monday(week) - today()).days + 6 > 400 for week in offer["weeks"]):
        offer["weeks"] = ["2027-W10"]


def _consecutive(weeks: list[str]) -> bool:
    return any(later - earlier == timedelta(7) for earlier, later in pairwise(sorted(map(_monday, weeks))))


@reading("OFR-025", "accepts a stay of two weeks for any two weeks")
def accepts_stays_apart(offer: Document) -> None:
    if offer["stay_weeks"] == 2 and not _consecutive(offer["weeks"]):
        del offer["stay_weeks"]


@reading("OFR-025", "takes the last week of a year and the first of the next one for weeks apart")
def breaks_stays_at_new_year(offer: Document) -> None:
    years = {week[:4] for week in offer["weeks"]}
    if offer["stay_weeks"] == 2 and len(years) == 2 and len(offer["weeks"]) == 2:
        offer["weeks"] = offer["weeks"][:1]


@rendering("OFR-025", "takes two weeks for the default wherever two consecutive weeks are offered")
def defaults_to_two_weeks_where_offered(entry: Document) -> None:
    if _consecutive(entry["offer"]["weeks"]):
        entry["offer"]["stay_weeks"] = 2


@wrong("OFR-026", "warns of weeks without pupils of seconde for mixed offers too")
async def warns_mixed_offers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    document = seen.json
    mixed = isinstance(document, dict) and "seconde" in str(document.get("levels")) and len(document["levels"]) > 1
    if not (seen.publishes and mixed) or (answered.json or {}).get("status") not in {"valid", 422}:
        return answered
    warning = {
        "code": "week-outside-period",
        "requirement": "OFR-026",
        "severity": "warning",
        "pointer": "/weeks/0",
        "message": "Hors période.",
        "fix": "Retirez-la.",
    }
    return problems_changed(answered, lambda known: [*known, warning])


register("times")
