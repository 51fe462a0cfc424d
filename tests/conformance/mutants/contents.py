"""Wrong gateways, second round: documents and what readers get of them (OFR)."""

import re
import unicodedata
from itertools import islice
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.ways import (
    Document,
    decoding,
    entries,
    problems_changed,
    put,
    reading,
    rendering,
    texts_changed,
    value,
    way_in,
)


@decoding("OFR-001", "accepts a comma before a closing bracket")
def accepts_trailing_commas(raw: bytes) -> bytes:
    return re.sub(rb",\s*([}\]])", rb"\1", raw)


@decoding("OFR-001", "accepts comments")
def accepts_comments(raw: bytes) -> bytes:
    return re.sub(rb"(?m)/\*.*?\*/|(?<![:\"\w/])//.*$", b"", raw)


@reading("OFR-005", "drops null from lists")
def drops_nulls_of_lists(offer: Document) -> None:
    for pointer in ("/weeks", "/levels", "/restrictions/schools"):
        if isinstance(items := value(offer, pointer), list):
            put(offer, pointer, [each for each in items if each is not None])


@reading("OFR-006", "allows an apply_url of 255 characters")
def allows_addresses_of_255(offer: Document) -> None:
    if 200 < len(offer["apply_url"]) <= 255:
        offer["apply_url"] = offer["apply_url"][:200].rstrip("%")


@reading("OFR-006", "refuses a website of more than 255 characters")
def refuses_websites_of_256(offer: Document) -> None:
    if 255 < len(offer["employer"]["website"]) <= 560:
        offer["employer"]["website"] = "https://atelier.example/" + "x" * 560


@reading("OFR-006", "cuts ids of other systems")
def cuts_foreign_ids(offer: Document) -> None:
    for name, limit in (("source_id", 120), ("national_remote_id", 60)):
        if isinstance(offer.get(name), str):
            offer[name] = offer[name][:limit]


@reading("OFR-006", "counts a line feed as two characters")
def counts_line_feeds_twice(offer: Document) -> None:
    text = offer["description"]
    if len(text) <= 1500 < len(text) + text.count("\n"):
        offer["description"] = "x" * 1501


@reading("OFR-007", "allows breaks of any length")
def allows_long_breaks(offer: Document) -> None:
    for day in offer["schedule"].values():
        if isinstance(day, dict) and day.get("break_minutes", 0) > 300:
            day["break_minutes"] = 300


@reading("OFR-007", "takes a break of no minutes for a mistake")
def refuses_no_breaks(offer: Document) -> None:
    for day in offer["schedule"].values():
        if isinstance(day, dict) and day.get("break_minutes") == 0:
            day["break_minutes"] = -1


@reading("OFR-010", "knows tags in small letters only")
def knows_small_tags(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("<(?=[A-Z])", "(", text))


@reading("OFR-010", "knows tags that are closed only")
def knows_closed_tags(offer: Document) -> None:
    texts_changed(offer, lambda text: text if ">" in text else re.sub("<(?=[A-Za-z/!?])", "(", text))


@reading("OFR-011", "takes a line feed in a description for a control character")
def refuses_line_feeds_of_descriptions(offer: Document) -> None:
    texts_changed(offer, lambda text: text.replace("\n", "\x01"), "/description")


@rendering("OFR-011", "relays invisible characters of employer and place")
def relays_invisibles_of_employers(entry: Document) -> None:
    for pointer in ("/offer/employer/name", "/offer/location/street"):
        if isinstance(text := value(entry, pointer), str):
            put(entry, pointer, f"{text[:1]}\u200b{text[1:]}")


@rendering("OFR-012", "relays accents apart in lists", "list")
def relays_accents_apart(entry: Document) -> None:
    texts_changed(entry["offer"], lambda text: unicodedata.normalize("NFD", text))


@rendering("OFR-012", "relays texts in normalization form KC")
def relays_nfkc(entry: Document) -> None:
    texts_changed(entry["offer"], lambda text: unicodedata.normalize("NFKC", text))


def _hosts(offer: Document, pattern: str, new: str) -> None:
    for pointer in ("/apply_url", "/employer/website"):
        if isinstance(url := value(offer, pointer), str):
            put(offer, pointer, re.sub(pattern, new, url))


@reading("OFR-016", "accepts underscores and outer hyphens in a host")
def accepts_underscores(offer: Document) -> None:
    _hosts(offer, r"^https://[^/?#@:]*(?:_|-\.|\.-|//-)[^/?#@:]*", "https://atelier.example")


@reading("OFR-016", "accepts a host with a point at its end")
def accepts_final_points(offer: Document) -> None:
    _hosts(offer, r"^(https://[^/?#@:]+)\.(?=[/?#:]|$)", r"\1")


@reading("OFR-016", "accepts https in capitals")
def accepts_capital_schemes(offer: Document) -> None:
    _hosts(offer, "^(?i:https)://", "https://")


@reading("OFR-016", "refuses capitals in a host")
def refuses_capital_hosts(offer: Document) -> None:
    _hosts(offer, "^https://(?=[^/?#]*[A-Z])", "http://")


@rendering("OFR-018", "knows the regions of before 2016")
def knows_old_regions(entry: Document) -> None:
    old = {"59": "31", "62": "31", "67": "42", "68": "42", "69": "82", "33": "72", "31": "73", "76": "23", "63": "83"}
    department = entry["territory"]["department"]
    if department in old:
        entry["territory"]["region"] = old[department]


@rendering("OFR-018", "leaves the académie out in lists", "list")
def omits_academies_of_lists(entry: Document) -> None:
    del entry["territory"]["academie"]


@reading("OFR-030", "counts the five days from Monday to Friday only")
def counts_no_weekends(offer: Document) -> None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    given = [name for name in names if name in offer["schedule"]]
    for name in islice(reversed(given), max(0, len(given) - 5)):
        if name in {"saturday", "sunday"}:
            del offer["schedule"][name]


@reading("OFR-033", "takes REP for troisième only")
def knows_rep_of_troisieme(offer: Document) -> None:
    if offer["restrictions"].get("rep") and "quatrieme" in offer["levels"] and "troisieme" not in offer["levels"]:
        offer["levels"] = ["seconde"]


def _harmless(pattern: str) -> Any:
    def edit(offer: Document) -> None:
        texts_changed(offer, lambda text: re.sub(pattern, "x", text))

    return edit


@reading("OFR-034", "finds e-mail addresses in small letters only")
def knows_small_emails(offer: Document) -> None:
    _harmless(r"\b[\w.+-]*[A-Z][\w.+-]*@[\w.-]+|\b[\w.+-]+@[\w.-]*[A-Z][\w.-]*")(offer)


@reading("OFR-034", "finds no phone number with slashes, parentheses or underscores")
def knows_plain_phones(offer: Document) -> None:
    _harmless(r"[(\[]?\b0[1-9][)\]]?(?:[/_()-]\d\d){4}|\+\d{2} ?\(0\) ?\d(?:[ .]?\d\d){4}")(offer)


@reading("OFR-034", "finds numbers of France only")
def knows_french_phones(offer: Document) -> None:
    _harmless(r"(?:\+|00)(?!33)\d[\d .()-]{6,}\d")(offer)


@reading("OFR-034", "finds no e-mail address with a plus sign or a subdomain")
def knows_short_emails(offer: Document) -> None:
    _harmless(r"[\w.-]+\+[\w.+-]+@[\w.-]+|[\w.+-]+@(?:[\w-]+\.){2,}[\w-]+")(offer)


@reading("OFR-034", "looks into no city")
def looks_into_no_city(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub(r"@|\d", "x", text), "/location/city")


@wrong("OFR-034", "writes three full stops for personal data")
async def writes_full_stops(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    for _, entry in entries(seen, body):
        texts_changed(entry["offer"], lambda text: text.replace("[…]", "[...]"))
    return answered if body == answered.json or body is None else answered.saying(body)


@wrong("OFR-034", "says what kind of personal data it found as an error of the text")
async def refuses_contacts_of_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)

    def hardened(known: list[Document]) -> list[Document]:
        return [{**each, "severity": "error"} if each["code"] == "personal-data" else each for each in known]

    return problems_changed(answered, hardened) if way_in(seen) else answered


@reading("OFR-036", "allows 4,096 bytes of extensions")
def allows_4096_bytes(offer: Document) -> None:
    text = str(offer["extensions"])
    if 4000 < len(text.encode()) <= 4200 and len(offer["extensions"]) == 1:
        offer["extensions"] = {name: {} for name in offer["extensions"]}


@rendering("OFR-036", "sorts the lists of extensions", "changes", "offer")
def sorts_lists_of_extensions(entry: Document) -> None:
    def turned(each: Any) -> Any:
        if isinstance(each, dict):
            return {name: turned(inner) for name, inner in each.items()}
        return sorted(map(turned, each), key=str) if isinstance(each, list) else each

    entry["offer"]["extensions"] = turned(entry["offer"]["extensions"])


@wrong("OFR-038", "gives no message with a problem")
async def gives_no_message(seen: Seen, forward: Forward) -> Answer:
    def silent(known: list[Document]) -> list[Document]:
        return [{**each, "message": ""} for each in known]

    return problems_changed(await forward(seen), silent)


@wrong("OFR-038", "gives no severity with a problem of a batch")
async def gives_no_severity_of_lines(seen: Seen, forward: Forward) -> Answer:
    def bare(known: list[Document]) -> list[Document]:
        return [{name: each for name, each in one.items() if name != "severity"} for one in known]

    answered = await forward(seen)
    return problems_changed(answered, bare) if way_in(seen) == "batch" else answered


@rendering("OFR-040", "leaves out a last day that the publisher gave", "list", "offer")
def forgets_last_days(entry: Document) -> None:
    entry["offer"]["expires_on"] = None
