"""Wrong gateways: redistribution, extensions, origins, last days, withdrawals (OFR-035 to OFR-042)."""

import re
from datetime import date, timedelta
from typing import Any

import orjson

from conformance.clock import today
from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import reading, rendering


@reading("OFR-036", "drops extensions that are too large")
def drops_large_extensions(offer: Document) -> None:
    if len(orjson.dumps(offer["extensions"])) > 4000:
        del offer["extensions"]


@wrong("OFR-036", "measures extensions as they were sent, with their blanks")
async def measures_extensions_as_sent(seen: Seen, forward: Forward) -> Answer:
    extensions = seen.json.get("extensions") if seen.publishes and isinstance(seen.json, dict) else None
    if extensions and len(seen.body) - len(orjson.dumps(seen.json)) + len(orjson.dumps(extensions)) > 4000:
        return await forward(seen.carrying({**seen.json, "extensions": {"bretagne": "x" * 4000}}))
    return await forward(seen)


@reading("OFR-036", "counts extensions in characters, not in bytes")
def counts_characters_of_extensions(offer: Document) -> None:
    raw = orjson.dumps(offer["extensions"])
    if len(raw.decode()) <= 4000 < len(raw):
        del offer["extensions"]


@reading("OFR-036", "takes the first twenty platforms of extensions")
def takes_twenty_platforms(offer: Document) -> None:
    if len(offer["extensions"]) > 20:
        offer["extensions"] = dict(list(offer["extensions"].items())[:20])


@reading("OFR-036", "counts the keys of extensions on the outermost levels only")
def counts_outer_keys(offer: Document) -> None:
    def flat(each: Any, level: int) -> Any:
        if isinstance(each, list):
            return [flat(inner, level) for inner in each]
        if isinstance(each, dict):
            return {name: flat(inner, level + 1) for name, inner in each.items()} if level < 2 else {}
        return each

    if _keys(offer["extensions"]) > 200:
        offer["extensions"] = flat(offer["extensions"], 0)


def _keys(each: Any) -> int:
    inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return (len(each) if isinstance(each, dict) else 0) + sum(map(_keys, inner))


@reading("OFR-036", "accepts any key as the platform of an extension")
def accepts_any_extension(offer: Document) -> None:
    offer["extensions"] = {
        name if re.fullmatch("[a-z][a-z0-9]*(?:-[a-z0-9]+)*", name) else f"x{index}": each
        for index, (name, each) in enumerate(offer["extensions"].items())
    }


@reading("OFR-036", "refuses extensions for other platforms than the publisher's own")
def refuses_extensions_of_others(offer: Document) -> None:
    own = str(offer["id"]).partition(":")[0]
    if any(name != own for name in offer["extensions"]):
        offer["extensions"] = {"": 0}


@rendering("OFR-036", "forwards the publisher's own extensions only")
def forwards_own_extensions(entry: Document) -> None:
    own = entry["offer"]["id"].partition(":")[0]
    entry["offer"]["extensions"] = {name: each for name, each in entry["offer"]["extensions"].items() if name == own}


@rendering("OFR-036", "leaves out null and empty values of extensions")
def drops_nulls_of_extensions(entry: Document) -> None:
    def full(each: Any) -> Any:
        if isinstance(each, dict):
            return {name: full(inner) for name, inner in each.items() if inner not in (None, "", [], {})}
        return [full(inner) for inner in each if inner is not None] if isinstance(each, list) else each

    entry["offer"]["extensions"] = full(entry["offer"]["extensions"])


@rendering("OFR-036", "relays values of extensions as texts")
def relays_texts_of_extensions(entry: Document) -> None:
    def text(each: Any) -> Any:
        if isinstance(each, dict):
            return {name: text(inner) for name, inner in each.items()}
        if isinstance(each, list):
            return [text(inner) for inner in each]
        return each if isinstance(each, str) else str(each)

    entry["offer"]["extensions"] = text(entry["offer"]["extensions"])


@reading("OFR-037", "reads the ROME loosely: small letters, no version")
def reads_rome_loosely(offer: Document) -> None:
    if isinstance(offer["rome"], str):
        offer["rome"] = {"code": offer["rome"]}
    offer["rome"]["code"] = offer["rome"]["code"].upper()
    offer["rome"].setdefault("version", "4.0")


@reading("OFR-040", "takes the last day of a month for one that the month lacks")
def moves_days(offer: Document) -> None:
    try:
        date.fromisoformat(offer["expires_on"])
    except ValueError:
        offer["expires_on"] = re.sub("-(?:29|30|31)$", "-28", offer["expires_on"])


@reading("OFR-040", "takes the farthest day that is allowed for one that is farther")
def caps_expiry(offer: Document) -> None:
    last = today() + timedelta(400)
    if date.fromisoformat(offer["expires_on"]) > last:
        offer["expires_on"] = str(last)


def _last_day(weeks: list[str], day: int) -> str:
    last = max(weeks) if day else min(weeks)
    return str(date.fromisocalendar(int(last[:4]), int(last[6:]), day or 7))


@rendering("OFR-040", "takes the Friday of the last week for the default of the last day")
def expires_on_fridays(entry: Document) -> None:
    offer = entry["offer"]
    if offer["expires_on"] == _last_day(offer["weeks"], 7):
        offer["expires_on"] = _last_day(offer["weeks"], 5)


@rendering("OFR-040", "takes the Sunday of the first week for the default of the last day")
def expires_after_the_first_week(entry: Document) -> None:
    offer = entry["offer"]
    if offer["expires_on"] == _last_day(offer["weeks"], 7):
        offer["expires_on"] = _last_day(offer["weeks"], 0)


@rendering("OFR-040", "takes the week that is named last for the last one")
def expires_after_the_week_named_last(entry: Document) -> None:
    offer = entry["offer"]
    if offer["expires_on"] == _last_day(offer["weeks"], 7):
        offer["expires_on"] = _last_day(offer["weeks"][-1:], 7)


@reading("OFR-041", "accepts an offer whose last day is over")
def accepts_expired_offers(offer: Document) -> None:
    if date.fromisoformat(offer["expires_on"]) < today():
        del offer["expires_on"]


@reading("OFR-041", "accepts an offer whose weeks are over")
def accepts_past_weeks(offer: Document) -> None:
    if "expires_on" not in offer and _last_day(offer["weeks"], 7) < str(today()):
        offer["weeks"] = ["2027-W10"]


@reading("OFR-041", "refuses an offer on its last day")
def refuses_last_days(offer: Document) -> None:
    if offer["expires_on"] == str(today()):
        offer["expires_on"] = str(today() - timedelta(1))


@reading("OFR-042", "accepts an offer with a reason as a withdrawal")
def accepts_offers_as_withdrawals(offer: Document) -> None:
    if "withdrawn" in offer:
        for name in offer.keys() - {"id", "revision", "withdrawn"}:
            del offer[name]


@reading("OFR-042", "takes an object of id and revision alone for a withdrawal")
def takes_bare_withdrawals(offer: Document) -> None:
    if offer.keys() == {"id", "revision"}:
        offer["withdrawn"] = "cancelled"


register("extras")
