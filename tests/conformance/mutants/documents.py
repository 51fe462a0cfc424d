"""Gateways that judge documents wrongly."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

import schemas
from tests.conformance.mutants.proxy import Forward, Seen, Told, wrong

Mend: TypeAlias = Callable[[dict[str, Any]], object]
_KNOWN = schemas.schema("offer")["properties"]


@wrong("fields/unknown-field", "takes an unknown field, and drops it")
async def takes_unknown_fields(seen: Seen, forward: Forward) -> Told:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and document.keys() - _KNOWN.keys():
        seen = seen.carrying({key: value for key, value in document.items() if key in _KNOWN})
    return await forward(seen)


@wrong("limits/title-151", "cuts a title that is too long")
async def cuts_titles(seen: Seen, forward: Forward) -> Told:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and isinstance(document.get("title"), str):
        seen = seen.carrying({**document, "title": document["title"][:150]}) if len(document["title"]) > 150 else seen
    return await forward(seen)


@wrong("limits/title-150-astral", "counts a title in UTF-16 units")
async def counts_utf_16_units(seen: Seen, forward: Forward) -> Told:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and isinstance(document.get("title"), str):
        units = len(document["title"].encode("utf-16-le")) // 2
        if units > 150 >= len(document["title"]):
            seen = seen.carrying({**document, "title": "x" * 151})
    return await forward(seen)


@wrong("limits/seats-6001", "takes 6,001 seats for 6,000")
async def is_off_by_one_seat(seen: Seen, forward: Forward) -> Told:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and document.get("seats") == 6001:
        seen = seen.carrying({**document, "seats": 6000})
    return await forward(seen)


@wrong("document/six-problems", "tells the first problem only")
async def tells_one_problem(seen: Seen, forward: Forward) -> Told:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 422 and len(body.get("problems", ())) > 1:
        return answered.saying({**body, "problems": body["problems"][:1]})
    return answered


@wrong("document/error-and-warnings", "does not tell warnings beside errors")
async def keeps_warnings_back(seen: Seen, forward: Forward) -> Told:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 422 and isinstance(body, dict):
        errors = [each for each in body.get("problems", ()) if each["severity"] == "error"]
        return answered.saying({**body, "problems": errors})
    return answered


@wrong("document/key-twice", "lets the last of repeated keys win")
async def lets_the_last_key_win(seen: Seen, forward: Forward) -> Told:
    if seen.publishes:
        try:
            json.loads(seen.body, object_pairs_hook=_refuse_repetition)
        except RepeatedError:
            return await forward(replace(seen, body=orjson.dumps(json.loads(seen.body))))
        except (ValueError, RecursionError):
            pass
    return await forward(seen)


class RepeatedError(Exception):
    """A key is there twice."""


def _refuse_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise RepeatedError
    return dict(pairs)


@wrong("document/latin-1", "reads what is not UTF-8 as Latin-1")
async def reads_latin_1(seen: Seen, forward: Forward) -> Told:
    if seen.publishes:
        try:
            seen.body.decode()
        except UnicodeDecodeError:
            return await forward(replace(seen, body=seen.body.decode("latin-1").encode()))
    return await forward(seen)


@wrong("document/bom", "skips a byte order mark")
async def skips_the_bom(seen: Seen, forward: Forward) -> Told:
    return await forward(replace(seen, body=seen.body.removeprefix(b"\xef\xbb\xbf")) if seen.publishes else seen)


@wrong("employer/siret-wrong-digit", "does not check the SIRET's digits")
async def does_not_check_sirets(seen: Seen, forward: Forward) -> Told:
    return await _without(seen, forward, "siret-checksum", lambda offer: offer["employer"].pop("siret", None))


@wrong("place/insee-other-department", "does not compare postcode and commune")
async def does_not_compare_places(seen: Seen, forward: Forward) -> Told:
    return await _without(
        seen, forward, "location-contradictory", lambda offer: offer["location"].pop("insee_commune", None)
    )


@wrong("text/description-apart", "normalises a text by itself")
async def normalises_texts(seen: Seen, forward: Forward) -> Told:
    return await _without(seen, forward, "text-not-nfc", lambda offer: offer.update(description="normal"))


async def _without(seen: Seen, forward: Forward, code: str, mend: Mend) -> Told:
    """The gateway's answer to a document that was mended where it alone would have refused it for this."""
    answered = await forward(seen)
    body, document = answered.json, seen.json
    refused = seen.publishes and answered.status == 422 and isinstance(document, dict)
    if refused and code in {each["code"] for each in body.get("problems", ())}:
        mend(document)
        return await forward(seen.carrying(document))
    return answered
