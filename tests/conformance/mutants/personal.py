"""Wrong gateways: personal data in texts, extensions, web addresses and ids (OFR-034)."""

import re
from dataclasses import replace
from typing import Any

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.ways import (
    Document,
    edited,
    entries,
    exported,
    problems_changed,
    put,
    reading,
    rendering,
    strict,
    texts_changed,
    value,
    way_in,
    without,
)

_HIDDEN = "[…]"


def _harmless(text: str) -> str:
    """The text without what a search for personal data finds."""
    return re.sub(r"@|\d", "x", text)


def _elsewhere(pointers: tuple[str, ...], pattern: str) -> Any:
    def edit(offer: Document) -> None:
        texts_changed(offer, lambda text: _harmless(text) if re.search(pattern, text) else text, *pointers)

    return edit


@wrong("OFR-034", "looks for personal data in title and description only")
async def looks_into_two_texts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    two = {"/title", "/description"}
    kept = problems_changed(
        answered,
        lambda known: [each for each in known if each["code"] != "personal-data" or each["pointer"] in two],
    )
    return kept if way_in(seen) else answered


@reading("OFR-034", "relays what employer, place and lunch break say of an e-mail address")
def passes_contacts_of_employers(offer: Document) -> None:
    rest = ("/employer/name", "/employer/description", "/location/street", "/location/city", "/schedule/lunch_break")
    _elsewhere(rest, r"@|(?:\d[ .]?){10}")(offer)


@wrong("OFR-034", "looks for no personal data in keys of extensions")
async def passes_keys_of_extensions(seen: Seen, forward: Forward) -> Answer:
    def renamed(each: Any) -> Any:
        if isinstance(each, dict):
            return {re.sub(r"@|\d{2} ?(?=\d)", "x", name): renamed(inner) for name, inner in each.items()}
        return each

    def edit(offer: Document) -> None:
        offer["extensions"] = renamed(offer["extensions"])

    return await forward(edited(seen, edit))


@wrong("OFR-034", "looks for no personal data in extensions at all, but says so of texts")
async def passes_extensions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return problems_changed(
        answered, lambda known: [each for each in known if not each["pointer"].startswith("/extensions")]
    )


@wrong("OFR-034", "repeats the personal data that it found in its warning")
async def repeats_personal_data(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if not seen.publishes or not isinstance(seen.json, dict):
        return answered

    def cited(each: Document) -> Document:
        found = value(seen.json, each["pointer"]) if each["code"] == "personal-data" else None
        return {**each, "actual": found[:80]} if isinstance(found, str) else each

    return problems_changed(answered, lambda known: [cited(each) for each in known])


@wrong("OFR-034", "names no place of the personal data that it found")
async def names_no_pointer(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return problems_changed(
        answered, lambda known: [{**each, "pointer": ""} if each["code"] == "personal-data" else each for each in known]
    )


async def _leaking(seen: Seen, forward: Forward, *, leaks: bool) -> Answer:
    """The answer with the last e-mail address that was sent, where it should be hidden."""
    if way_in(seen) and (found := re.search(rb"[a-z.]+@[a-z.-]+\.[a-z]+", seen.body)):
        seen.memory.setdefault("contacts", []).append(found[0])
    answered = await forward(seen)
    known = seen.memory.get("contacts")
    if not leaks or not known:
        return answered
    plain = exported(answered)
    body = plain.body.replace(_HIDDEN.encode(), known[-1])
    return answered if body == plain.body else replace(plain, body=body)


@wrong("OFR-034", "relays e-mail addresses in the export as CSV")
async def leaks_in_the_csv(seen: Seen, forward: Forward) -> Answer:
    return await _leaking(seen, forward, leaks=seen.path == "/v1/exports/csv")


@wrong("OFR-034", "relays e-mail addresses in the export as JSON-LD")
async def leaks_in_jobpostings(seen: Seen, forward: Forward) -> Answer:
    return await _leaking(seen, forward, leaks=seen.path == "/v1/exports/jobposting")


@wrong("OFR-034", "relays e-mail addresses in the export as RSS")
async def leaks_in_the_rss(seen: Seen, forward: Forward) -> Answer:
    return await _leaking(seen, forward, leaks=seen.path == "/v1/exports/rss")


@wrong("OFR-034", "relays e-mail addresses in the list of offers")
async def leaks_in_lists(seen: Seen, forward: Forward) -> Answer:
    return await _leaking(seen, forward, leaks=seen.path == "/v1/offers")


@wrong("OFR-034", "relays e-mail addresses in the answer about one offer")
async def leaks_in_one_offer(seen: Seen, forward: Forward) -> Answer:
    return await _leaking(seen, forward, leaks=seen.method == "GET" and seen.path.startswith("/v1/offers/"))


@wrong("OFR-034", "relays e-mail addresses in the changes feed")
async def leaks_in_changes(seen: Seen, forward: Forward) -> Answer:
    return await _leaking(seen, forward, leaks=seen.path == "/v1/changes")


@wrong("OFR-034", "does not redact what comes in a batch or snapshot")
async def redacts_no_lines(seen: Seen, forward: Forward) -> Answer:
    if way_in(seen) == "offer":
        return await forward(seen)
    answered = await _leaking(seen, forward, leaks=seen.method == "GET")
    return without(answered, "personal-data") if way_in(seen) else answered


@wrong("OFR-034", "replaces personal data by asterisks")
async def writes_asterisks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if not any(True for _ in entries(seen, body)):
        return answered
    return replace(answered, body=orjson.dumps(body).replace(_HIDDEN.encode(), b"***"))


@rendering("OFR-034", "removes the whole text that holds personal data")
def removes_whole_texts(entry: Document) -> None:
    texts_changed(entry["offer"], lambda text: _HIDDEN if _HIDDEN in text else text)


@strict("OFR-034", "refuses a text with personal data", "personal-data")
def refuses_personal_data() -> None: ...


@strict("OFR-034", "refuses a phone number in a web address", "phone-in-url")
def refuses_phones_in_addresses() -> None: ...


@strict("OFR-034", "refuses a contact in an id", "contact-in-id")
def refuses_contacts_in_ids() -> None: ...


@wrong("OFR-034", "does not look into ids")
async def looks_into_no_ids(seen: Seen, forward: Forward) -> Answer:
    return without(await forward(seen), "contact-in-id")


@wrong("OFR-034", "looks for no phone numbers in web addresses")
async def looks_for_no_phones_in_addresses(seen: Seen, forward: Forward) -> Answer:
    return without(await forward(seen), "phone-in-url")


def _addresses(offer: Document, pattern: str, new: str) -> None:
    for pointer in ("/apply_url", "/employer/website"):
        if isinstance(url := value(offer, pointer), str):
            put(offer, pointer, re.sub(pattern, new, url))


@reading("OFR-034", "knows mailto: as a link that writes, and no other")
def knows_mailto_only(offer: Document) -> None:
    _addresses(
        offer, "(?i)(?:tel|sms|smsto|callto|whatsapp|skype|facetime|sip|wtai|imto|im|xmpp)(?::|%3a)[^/?#&]*", "x"
    )


@reading("OFR-034", "accepts an e-mail address in the employer's website")
def accepts_emails_in_websites(offer: Document) -> None:
    if re.search("(?i)@|%40", value(offer, "/employer/website") or ""):
        offer["employer"]["website"] = "https://atelier.example/"


@reading("OFR-034", "knows no percent-encoding of an e-mail address")
def knows_no_percent_40(offer: Document) -> None:
    _addresses(offer, "%40", "x")
    texts_changed(offer, lambda text: text.replace("%40", "x"))


@reading("OFR-034", "knows no word in place of the at sign")
def knows_no_arobase(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub(r"(?i)[(\[{ ]*\b(?:arobase|arobas|at|chez)\b[)\]} ]*", " x ", text))


@reading("OFR-034", "knows no phone number in words")
def knows_no_spelled_phones(offer: Document) -> None:
    words = "zéro|zero|un|deux|trois|quatre|cinq|six|sept|huit|neuf"
    texts_changed(offer, lambda text: re.sub(rf"(?i)\b(?:{words})\b", "x", text))


@reading("OFR-034", "knows no compatibility characters")
def knows_no_wide_digits(offer: Document) -> None:
    texts_changed(
        offer,
        lambda text: re.sub(
            "[\uff01-\uff5e\u2460-\u2473\U0001d7ce-\U0001d7ff\u00b9\u00b2\u00b3\u2070-\u2089]", "x", text
        ),
    )


@reading("OFR-034", "finds no address with invisible characters inside")
def sees_no_invisible_splits(offer: Document) -> None:
    texts_changed(offer, lambda text: _harmless(text) if re.search("[\u200b-\u200d\u2060\u00ad]", text) else text)


@reading("OFR-034", "knows French numbers of the form 06 12 34 56 78 only")
def knows_national_phones_only(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub(r"(?:\+|00)\d{2}|\(0\)", "x", text))


@reading("OFR-034", "takes a SIRET or a long number of a text for a phone number")
def redacts_long_numbers(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub(r"\b\d(?: ?\d){8,13}\b", "06 39 98 12 34", text))


@reading("OFR-034", "takes hours and dates of a text for a phone number")
def redacts_hours(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub(r"\b\d\d[:/]\d\d\b", "06 39 98 12 34", text))


@reading("OFR-034", "takes a web address of a text for personal data")
def redacts_addresses(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub(r"https?://\S+|www\.\S+", "a@atelier.example", text))
