"""Gateways that judge documents wrongly."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

import schemas
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong

Repair: TypeAlias = Callable[[dict[str, Any]], object]
_KNOWN = schemas.schema("offer")["properties"]


@wrong("fields/unknown-field", "accepts an unknown field and drops it")
async def drops_unknown_fields(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and document.keys() - _KNOWN.keys():
        seen = seen.carrying({key: value for key, value in document.items() if key in _KNOWN})
    return await forward(seen)


@wrong("limits/title-151", "truncates a title that is too long")
async def cuts_titles(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and isinstance(document.get("title"), str):
        seen = seen.carrying({**document, "title": document["title"][:150]}) if len(document["title"]) > 150 else seen
    return await forward(seen)


@wrong("limits/title-150-astral", "counts a title in UTF-16 units")
async def counts_utf_16_units(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and isinstance(document.get("title"), str):
        units = len(document["title"].encode("utf-16-le")) // 2
        if units > 150 >= len(document["title"]):
            seen = seen.carrying({**document, "title": "x" * 151})
    return await forward(seen)


@wrong("limits/seats-6001", "accepts 6,001 seats as 6,000")
async def is_off_by_one_seat(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and document.get("seats") == 6001:
        seen = seen.carrying({**document, "seats": 6000})
    return await forward(seen)


@wrong("document/six-problems", "reports the first problem only")
async def reports_one_problem(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 422 and len(body.get("problems", ())) > 1:
        return answered.saying({**body, "problems": body["problems"][:1]})
    return answered


@wrong("document/error-and-warnings", "reports no warnings beside errors")
async def omits_warnings_beside_errors(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 422 and isinstance(body, dict):
        errors = [each for each in body.get("problems", ()) if each["severity"] == "error"]
        return answered.saying({**body, "problems": errors})
    return answered


@wrong("document/key-twice", "lets the last of repeated keys win")
async def lets_the_last_key_win(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes:
        try:
            json.loads(seen.body, object_pairs_hook=_refuse_repetition)
        except RepeatedError:
            return await forward(replace(seen, body=orjson.dumps(json.loads(seen.body))))
        except (ValueError, RecursionError):
            pass
    return await forward(seen)


class RepeatedError(Exception):
    """A key is repeated."""


def _refuse_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise RepeatedError
    return dict(pairs)


@wrong("document/latin-1", "reads what is not UTF-8 as Latin-1")
async def reads_latin_1(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes:
        try:
            seen.body.decode()
        except UnicodeDecodeError:
            return await forward(replace(seen, body=seen.body.decode("latin-1").encode()))
    return await forward(seen)


@wrong("document/bom", "skips a byte order mark")
async def skips_the_bom(seen: Seen, forward: Forward) -> Answer:
    return await forward(replace(seen, body=seen.body.removeprefix(b"\xef\xbb\xbf")) if seen.publishes else seen)


@wrong("employer/siret-wrong-digit", "does not check the SIRET's digits")
async def does_not_check_sirets(seen: Seen, forward: Forward) -> Answer:
    return await _repaired(seen, forward, "siret-checksum", lambda offer: offer["employer"].pop("siret", None))


@wrong("place/insee-other-department", "does not compare postcode and commune")
async def does_not_compare_postcode_and_commune(seen: Seen, forward: Forward) -> Answer:
    return await _repaired(
        seen, forward, "location-contradictory", lambda offer: offer["location"].pop("insee_commune", None)
    )


@wrong("text/description-apart", "normalises texts")
async def normalises_texts(seen: Seen, forward: Forward) -> Answer:
    return await _repaired(seen, forward, "text-not-nfc", lambda offer: offer.update(description="normal"))


@wrong("text/left-to-right-mark", "removes direction marks and accepts the offer")
async def removes_direction_marks(seen: Seen, forward: Forward) -> Answer:
    return await _repaired(seen, forward, "text-control", _remove_direction_marks)


@wrong("text/word-joiners-only", "accepts a text of invisible characters only")
async def accepts_invisible_texts(seen: Seen, forward: Forward) -> Answer:
    return await _repaired(seen, forward, "text-blank", lambda offer: offer.update(title="Stage"))


@wrong("text/soft-hyphen", "removes invisible characters without a warning")
async def hides_invisible_characters(seen: Seen, forward: Forward) -> Answer:
    return await _without_code(seen, forward, "text-invisible")


@wrong("text/twice-encoded-email-in-apply-url", "decodes a web address once before it looks for an e-mail address")
async def decodes_addresses_once(seen: Seen, forward: Forward) -> Answer:
    if "%25" not in str(seen.json):
        return await forward(seen)
    return await _repaired(
        seen, forward, "email-in-url", lambda offer: offer.update(apply_url="https://atelier.example/")
    )


@wrong("text/full-width-phone", "finds phone numbers in ASCII digits only")
async def knows_ascii_digits_only(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    text = document.get("description") if isinstance(document, dict) else None
    if seen.publishes and isinstance(text, str) and any(sign.isdigit() and not sign.isascii() for sign in text):
        seen = seen.carrying({**document, "description": "Stage"})
    return await forward(seen)


@wrong("text/phone-as-number", "looks for personal data in strings only")
async def skips_numbers_of_extensions(seen: Seen, forward: Forward) -> Answer:
    if "33" not in str(seen.json.get("extensions") if isinstance(seen.json, dict) else ""):
        return await forward(seen)
    return await _without_code(seen, forward, "personal-data")


@wrong("text/list-of-rooms", "treats any five pairs of digits as a phone number")
async def redacts_lists_of_rooms(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    text = document.get("description") if isinstance(document, dict) else None
    if seen.publishes and isinstance(text, str) and re.search(r"(?:\d\d[ ,]+){4}\d\d", text):
        seen = seen.carrying({**document, "description": "Tél. 06 39 98 12 34"})
    return await forward(seen)


def _remove_direction_marks(offer: dict[str, Any]) -> None:
    """Remove direction marks from every text, as a lenient gateway would."""
    for name in ("title", "description"):
        if isinstance(offer.get(name), str):
            offer[name] = re.sub("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", offer[name])


async def _without_code(seen: Seen, forward: Forward, code: str) -> Answer:
    """The gateway's answer without the problems of this code."""
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and isinstance(body, dict) and "problems" in body:
        left = [each for each in body["problems"] if each.get("code") != code]
        return answered.saying({**body, "problems": left})
    return answered


async def _repaired(seen: Seen, forward: Forward, code: str, repair: Repair) -> Answer:
    """The gateway's answer; a document refused with this code is repaired and sent again."""
    answered = await forward(seen)
    body, document = answered.json, seen.json
    refused = seen.publishes and answered.status == 422 and isinstance(document, dict)
    if refused and code in {each["code"] for each in body.get("problems", ())}:
        repair(document)
        return await forward(seen.carrying(document))
    return answered
