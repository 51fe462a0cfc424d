"""Gateways that judge documents wrongly."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

import schemas
from tests.conformance.mutants.edits import apply_steps
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.when import Changed, on_request

Repair: TypeAlias = Callable[[dict[str, Any]], object]
_KNOWN = schemas.schema("offer")["properties"]


@on_request("fields/unknown-field", "accepts an unknown field and drops it", "offer document")
def drops_unknown_fields(seen: Seen) -> Changed:
    return seen.carrying({key: value for key, value in seen.json.items() if key in _KNOWN})


@on_request("limits/title-150-astral", "counts a title in UTF-16 units", "offer document")
def counts_utf_16_units(seen: Seen) -> Changed:
    title = str(seen.json.get("title"))
    long = len(title.encode("utf-16-le")) // 2 > 150 >= len(title)
    return seen.carrying({**seen.json, "title": "x" * 151}) if long else None


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


@on_request("document/latin-1", "reads what is not UTF-8 as Latin-1", "offer")
def reads_latin_1(seen: Seen) -> Changed:
    try:
        seen.body.decode()
    except UnicodeDecodeError:
        return replace(seen, body=seen.body.decode("latin-1").encode())
    return None


@wrong("text/twice-encoded-email-in-apply-url", "decodes a web address once before it looks for an e-mail address")
async def decodes_addresses_once(seen: Seen, forward: Forward) -> Answer:
    if "%25" not in str(seen.json):
        return await forward(seen)
    return await _repaired(
        seen, forward, "email-in-url", lambda offer: offer.update(apply_url="https://atelier.example/")
    )


@on_request("text/full-width-phone", "finds phone numbers in ASCII digits only", "offer document")
def knows_ascii_digits_only(seen: Seen) -> Changed:
    odd = any(sign.isdigit() and not sign.isascii() for sign in str(seen.json.get("description")))
    return seen.carrying({**seen.json, "description": "Stage"}) if odd else None


async def _repaired(seen: Seen, forward: Forward, code: str, repair: Repair) -> Answer:
    """The gateway's answer; a document refused with this code is repaired and sent again."""
    answered = await forward(seen)
    body, document = answered.json, seen.json
    refused = seen.publishes and answered.status == 422 and isinstance(document, dict)
    if refused and code in {each["code"] for each in body.get("problems", ())}:
        repair(document)
        return await forward(seen.carrying(document))
    return answered


register(
    "documents",
    repairing=lambda code, *steps: (
        lambda seen, forward: _repaired(seen, forward, code, lambda offer: apply_steps(offer, steps))
    ),
)
