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

Repair: TypeAlias = Callable[[dict[str, Any]], object]
_KNOWN = schemas.schema("offer")["properties"]


@wrong("fields/unknown-field", "accepts an unknown field and drops it")
async def drops_unknown_fields(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and document.keys() - _KNOWN.keys():
        seen = seen.carrying({key: value for key, value in document.items() if key in _KNOWN})
    return await forward(seen)


@wrong("limits/title-150-astral", "counts a title in UTF-16 units")
async def counts_utf_16_units(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and isinstance(document.get("title"), str):
        units = len(document["title"].encode("utf-16-le")) // 2
        if units > 150 >= len(document["title"]):
            seen = seen.carrying({**document, "title": "x" * 151})
    return await forward(seen)


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
