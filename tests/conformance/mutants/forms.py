"""Wrong gateways: the form of a document, its JSON and its fields (OFR-001 to OFR-004)."""

import json
import re
from contextlib import suppress
from typing import Any

import orjson

import schemas
from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import decoding, problem, reading, refusal

_DEFINITIONS = schemas.schema("offer")["$defs"]


@wrong("OFR-001", "refuses a document of exactly 100,000 bytes")
async def refuses_100000_bytes(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and len(seen.body) == 100_000:
        return refusal([problem("json-too-large", "OFR-001")], "body-too-large", 413)
    return await forward(seen)


@decoding("OFR-001", "measures a document without the blanks around its values")
def measures_compact_documents(raw: bytes) -> bytes:
    with suppress(ValueError):
        return orjson.dumps(orjson.loads(raw)) if 100_000 < len(raw) < 200_000 else raw
    return raw


@decoding("OFR-001", "reads UTF-16 as well")
def reads_utf_16(raw: bytes) -> bytes:
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} or raw[:2] in {b"{\0", b"\0{"}:
        with suppress(ValueError):
            return orjson.dumps(json.loads(raw))
    return raw


@decoding("OFR-001", "takes the only object out of an array", "offer")
def unwraps_an_array(raw: bytes) -> bytes:
    with suppress(ValueError):
        match orjson.loads(raw):
            case [dict(only)]:
                return orjson.dumps(only)
    return raw


@decoding("OFR-001", "ignores what comes after the object", "offer")
def ignores_what_follows(raw: bytes) -> bytes:
    with suppress(ValueError):
        return orjson.dumps(json.JSONDecoder().raw_decode(raw.decode())[0])
    return raw


@decoding("OFR-001", "replaces what is not UTF-8 in a line of a batch", "batch")
def replaces_bad_utf_8_of_lines(raw: bytes) -> bytes:
    return raw.decode(errors="replace").encode()


def _repeated(raw: bytes, *, nested: bool) -> bool:
    """Whether a key is repeated in the document itself, or in an object within it."""
    found: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.append(len(dict(pairs)) != len(pairs))
        return dict(pairs)

    with suppress(ValueError, RecursionError):
        json.loads(raw, object_pairs_hook=look)
        return any(found[:-1]) if nested else found[-1]
    return False


@decoding("OFR-002", "looks for repeated keys in the outermost object only")
def lets_the_last_nested_key_win(raw: bytes) -> bytes:
    return orjson.dumps(json.loads(raw)) if _repeated(raw, nested=True) and not _repeated(raw, nested=False) else raw


@decoding("OFR-002", "lets the last of repeated keys win in a batch and in a snapshot", "batch", "snapshot")
def lets_the_last_key_of_a_line_win(raw: bytes) -> bytes:
    return orjson.dumps(json.loads(raw)) if _repeated(raw, nested=True) or _repeated(raw, nested=False) else raw


@decoding("OFR-002", "compares keys as they are written, with their escapes")
def compares_keys_as_written(raw: bytes) -> bytes:
    escaped = re.search(rb'"[^"\n]*\\u00[0-9a-fA-F]{2}[^"\n]*"\s*:', raw)
    return orjson.dumps(json.loads(raw)) if escaped and _repeated(raw, nested=False) else raw


@decoding("OFR-002", "replaces a lone surrogate")
def replaces_surrogates(raw: bytes) -> bytes:
    high, low = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    either = rb"(?:%s%s)|%s|%s" % (high, low, high, low)
    return re.sub(either, lambda found: found[0] if len(found[0]) == 12 else rb"\ufffd", raw)


def _depth(document: Any, most: int = 20) -> int:
    """The levels of nesting, as far as it is worth counting."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    if inner is None or most == 0:
        return 0
    return 1 + max((_depth(each, most - 1) for each in inner), default=0)


@wrong("OFR-002", "refuses sixteen levels of nesting")
async def refuses_sixteen_levels(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and _depth(seen.json) == 16:
        return refusal([problem("json-too-deep", "OFR-002")])
    return await forward(seen)


@reading("OFR-002", "reads a seventeenth level")
def reads_seventeen_levels(offer: Document) -> None:
    if _depth(offer) == 17:
        offer["extensions"] = {name: {} for name in offer["extensions"]}


def _drop_unknown(part: Any, definition: str) -> None:
    known = _DEFINITIONS[definition]["properties"]
    for name in [name for name in part if name not in known]:
        del part[name]


@reading("OFR-003", "drops unknown fields of the employer and of the location")
def drops_unknown_fields_of_parts(offer: Document) -> None:
    _drop_unknown(offer["employer"], "employer")
    _drop_unknown(offer["location"], "location")


@reading("OFR-003", "drops unknown fields of the schedule and its days")
def drops_unknown_fields_of_the_schedule(offer: Document) -> None:
    _drop_unknown(offer["schedule"], "schedule")
    for day in offer["schedule"].values():
        if isinstance(day, dict):
            _drop_unknown(day, "day_hours")


@reading("OFR-003", "drops unknown fields of restrictions and redistribution")
def drops_unknown_fields_of_conditions(offer: Document) -> None:
    for part, known in (
        ("restrictions", {"rep", "qpv", "schools"}),
        ("redistribution", {"national", "regions", "mask_employer"}),
    ):
        offer[part] = {name: each for name, each in offer[part].items() if name in known} if part in offer else {}
        if not offer[part]:
            del offer[part]


@reading("OFR-003", "passes over fields with a dollar, an at sign or x- before their name")
def ignores_annotations(offer: Document) -> None:
    for name in [name for name in offer if name.startswith(("$", "@", "x-", "x_", "_"))]:
        del offer[name]


@reading("OFR-003", "drops unknown fields in a batch and in a snapshot", "batch", "snapshot")
def drops_unknown_fields_of_lines(offer: Document) -> None:
    if "title" in offer:
        for name in offer.keys() - schemas.schema("offer")["properties"].keys():
            del offer[name]


@reading("OFR-004", "takes the title for a missing description")
def takes_the_title_for_a_description(offer: Document) -> None:
    if "title" in offer:
        offer.setdefault("description", offer["title"])


register("forms")
