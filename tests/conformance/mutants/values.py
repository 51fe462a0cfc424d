"""Wrong gateways: types, limits, ranges and lists of a document (OFR-005 to OFR-009, OFR-039)."""

import re
from dataclasses import replace
from typing import Any

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.ways import (
    TEXTS,
    Document,
    decoding,
    put,
    reading,
    rendering,
    rows_changed,
    texts_changed,
    value,
    way_in,
)


@reading("OFR-005", "reads numbers that are written as texts")
def reads_numbers_in_texts(offer: Document) -> None:
    for pointer in ("/seats", "/stay_weeks", "/revision", "/location/latitude", "/location/longitude"):
        if isinstance(text := value(offer, pointer), str):
            put(offer, pointer, orjson.loads(text))


@reading("OFR-005", "reads true as 1")
def reads_true_as_one(offer: Document) -> None:
    for name in ("seats", "stay_weeks", "revision"):
        if offer.get(name) is True:
            offer[name] = 1


@reading("OFR-005", "reads 1, 0 and words as booleans")
def reads_words_as_booleans(offer: Document) -> None:
    words = {"1": True, "0": False, "true": True, "false": False, "yes": True, "no": False, "oui": True, "non": False}
    for pointer in (
        "/employer/public",
        "/restrictions/rep",
        "/restrictions/qpv",
        "/redistribution/national",
        "/redistribution/regions",
        "/redistribution/mask_employer",
    ):
        given = value(offer, pointer)
        if given is not None and not isinstance(given, bool):
            put(offer, pointer, words[str(given).lower()])


@reading("OFR-005", "reads a single value as a list of one")
def reads_a_value_as_a_list(offer: Document) -> None:
    for pointer in ("/levels", "/weeks", "/restrictions/schools"):
        if isinstance(one := value(offer, pointer), str):
            put(offer, pointer, [one])


@reading("OFR-005", "reads postcodes and SIRETs that are numbers")
def reads_codes_as_numbers(offer: Document) -> None:
    for pointer, length in (("/location/postal_code", 5), ("/location/insee_commune", 5), ("/employer/siret", 14)):
        if isinstance(number := value(offer, pointer), int):
            put(offer, pointer, str(number).zfill(length))


@reading("OFR-005", "takes null for a field that is left out")
def takes_null_for_unknown(offer: Document) -> None:
    required = {
        "id",
        "revision",
        "title",
        "description",
        "employer",
        "location",
        "levels",
        "weeks",
        "sector",
        "apply_url",
    }
    for name in [name for name, each in offer.items() if each is None and name not in required]:
        del offer[name]


@reading("OFR-005", "takes null in the employer, the location and the schedule for a field that is left out")
def takes_nested_null_for_unknown(offer: Document) -> None:
    for part in ("employer", "location", "schedule", "restrictions", "redistribution"):
        for name in [name for name, each in (offer.get(part) or {}).items() if each is None]:
            if name not in {"name", "city", "postal_code"}:
                del offer[part][name]


def _cut(pointer: str, limit: int) -> Any:
    def edit(offer: Document) -> None:
        texts_changed(offer, lambda text: text[:limit], pointer)

    return edit


@reading("OFR-006", "cuts a description that is too long")
def cuts_descriptions(offer: Document) -> None:
    _cut("/description", 1500)(offer)


@reading("OFR-006", "cuts the employer's name and description")
def cuts_employers(offer: Document) -> None:
    _cut("/employer/name", 150)(offer)
    _cut("/employer/description", 275)(offer)


@reading("OFR-006", "cuts street, city and lunch break")
def cuts_localities(offer: Document) -> None:
    for pointer, limit in (("/location/street", 200), ("/location/city", 50), ("/schedule/lunch_break", 250)):
        _cut(pointer, limit)(offer)


@reading("OFR-006", "takes the first sixty weeks and two hundred schools of a list")
def cuts_lists(offer: Document) -> None:
    offer["weeks"] = offer["weeks"][:60]
    offer["restrictions"]["schools"] = offer["restrictions"]["schools"][:200]


@reading("OFR-006", "counts texts in bytes")
def counts_bytes(offer: Document) -> None:
    for pointer, limit in zip(TEXTS, (150, 1500, 150, 275, 200, 50, 250), strict=True):
        text = value(offer, pointer)
        if isinstance(text, str) and len(text.encode()) > limit >= len(text):
            put(offer, pointer, "x" * (limit + 1))


@reading("OFR-006", "counts what a reader takes for one sign as one")
def counts_graphemes(offer: Document) -> None:
    def joined(text: str) -> str:
        return re.sub("(?:\u200d[\U0001f000-\U0001ffff\u2600-\u27bf]\ufe0f?)|[\U0001f3fb-\U0001f3ff]|\ufe0f", "", text)

    limits = zip(TEXTS, (150, 1500, 150, 275, 200, 50, 250), strict=True)
    texts_changed(offer, joined, *(pointer for pointer, limit in limits if len(str(value(offer, pointer))) > limit))


@rendering("OFR-006", "shows the first 300 characters of a description in lists", "list")
def shortens_descriptions_of_lists(entry: Document) -> None:
    entry["offer"]["description"] = entry["offer"]["description"][:300]


@wrong("OFR-006", "cuts descriptions in the export as CSV at 255 characters")
async def cuts_descriptions_of_the_csv(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == "/v1/exports/csv" and answered.status == 200:
        return rows_changed(answered, lambda rows: [{**row, "description": row["description"][:255]} for row in rows])
    return answered


@reading("OFR-006", "limits an apply_url to 191 characters")
def limits_addresses_to_191(offer: Document) -> None:
    if 191 < len(offer["apply_url"]) <= 200:
        offer["apply_url"] = "https://atelier.example/" + "x" * 200


@reading("OFR-007", "knows revisions of 32 bits only")
def knows_small_revisions(offer: Document) -> None:
    if 2**31 <= offer["revision"] < 2**53:
        offer["revision"] = 2**53


@reading("OFR-007", "takes revision 0 for 1")
def begins_at_zero(offer: Document) -> None:
    if offer["revision"] == 0:
        offer["revision"] = 1


@reading("OFR-007", "takes no seats, or fewer, for an unknown number")
def takes_no_seats_for_unknown(offer: Document) -> None:
    if offer["seats"] <= 0:
        del offer["seats"]


@reading("OFR-007", "takes a stay of more than two weeks for two, and of none for one")
def clamps_stays(offer: Document) -> None:
    offer["stay_weeks"] = min(2, max(1, offer["stay_weeks"]))


@reading("OFR-007", "refuses more than 999 seats")
def refuses_1000_seats(offer: Document) -> None:
    if 999 < offer["seats"] <= 6000:
        offer["seats"] = 6001


@reading("OFR-008", "reads levels and accessibility in any case")
def reads_lists_in_any_case(offer: Document) -> None:
    offer["levels"] = [each.lower() for each in offer["levels"]]
    offer["accessibility"] = offer["accessibility"].lower()


@reading("OFR-008", "removes blanks around codes")
def trims_codes(offer: Document) -> None:
    offer["sector"] = offer["sector"].strip()
    offer["levels"] = [each.strip() for each in offer["levels"]]


@reading("OFR-008", "reads sectors in capitals, and an unknown accessibility as unknown")
def forgives_codes(offer: Document) -> None:
    offer["sector"] = offer["sector"].lower()
    if offer["accessibility"] not in {"yes", "no", "unknown"}:
        offer["accessibility"] = "unknown"


def _once(items: list[Any]) -> list[Any]:
    return [each for index, each in enumerate(items) if each not in items[:index]]


@reading("OFR-009", "removes repeated weeks")
def removes_repeated_weeks(offer: Document) -> None:
    offer["weeks"] = _once(offer["weeks"])


@reading("OFR-009", "removes repeated levels and schools")
def removes_repeated_levels_and_schools(offer: Document) -> None:
    offer["levels"] = _once(offer["levels"])
    offer["restrictions"]["schools"] = _once(offer["restrictions"]["schools"])


@reading("OFR-009", "removes repeated items in a batch and in a snapshot", "batch", "snapshot")
def removes_repeated_items_of_lines(offer: Document) -> None:
    offer["weeks"], offer["levels"] = _once(offer["weeks"]), _once(offer["levels"])


@wrong("OFR-039", "refuses a whole number with a fraction")
async def refuses_fractions_of_zero(seen: Seen, forward: Forward) -> Answer:
    fraction = rb'"(revision|seats|stay_weeks|break_minutes)"\s*:\s*[0-9]+\.0+\b'
    return await forward(replace(seen, body=re.sub(fraction, rb'"\1":1.5', seen.body)) if way_in(seen) else seen)


@reading("OFR-039", "rounds numbers of seats and minutes")
def rounds_numbers(offer: Document) -> None:
    for pointer in ("/seats", "/schedule/monday/break_minutes", "/stay_weeks"):
        if isinstance(number := value(offer, pointer), float):
            put(offer, pointer, int(number))


@reading("OFR-039", "rounds a revision down")
def rounds_revisions(offer: Document) -> None:
    offer["revision"] = int(offer["revision"])


@wrong("OFR-039", "lists a whole number as it was written, with its fraction")
async def lists_fractions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "GET" and seen.path.startswith("/v1/offers"):
        return replace(answered, body=re.sub(rb'"seats":([0-9]+)(?=[,}])', rb'"seats":\1.0', answered.body))
    return answered


@decoding("OFR-039", "reads no whole number with an exponent")
def reads_no_exponents(raw: bytes) -> bytes:
    return re.sub(rb'"(seats|revision|stay_weeks)"\s*:\s*[0-9.]+[eE]\+?[0-9]+', rb'"\1":1.5', raw)
