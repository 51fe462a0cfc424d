"""Documents that try schemas by force, made without regard to how the comparison works: sound ones, changed at every
path by values at every bound.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema_rs

from schemas.evolution.answer import WIRE
from schemas.evolution.difference import gaps
from schemas.evolution.subset import find_foreign, resolved
from schemas.packaged import read_json
from tests.schemas.evolution.mutation import PRESENT, UNCHANGED, Mutation

OFFER: dict[str, Any] = read_json("reference.json")["example"]
SMALL = {
    name: OFFER[name] for name in ("id", "revision", "title", "description", "levels", "weeks", "sector", "apply_url")
} | {
    "employer": {"name": "A"},
    "location": {"postal_code": "35000", "city": "Rennes"},
}
AT = "2026-11-24T10:00:00Z"
PROBLEM = {
    "code": "too-long",
    "requirement": "OFR-006",
    "severity": "error",
    "pointer": "/title",
    "message": {"fr": "a", "en": "a"},
    "expected": 150,
    "actual": "x",
    "consequence": {"fr": "a", "en": "a"},
    "fix": {"fr": "a", "en": "a"},
}
LOCALIZED = {name: value["fr"] if isinstance(value, dict) else value for name, value in PROBLEM.items()}
PART = {
    "group": "lycee",
    "generation": 1,
    "account": "a",
    "state": "delivered",
    "since": AT,
    "remote_id": "r",
    "sequence": 5,
    "digest": "a" * 64,
    "attempt": {"call": "create", "sequence": 4, "digest": "b" * 64},
    "answered": {},
    "visible": True,
    "adopted": True,
    "until": "2026-12-01",
    "delivered_at": AT,
    "problems": [LOCALIZED],
}
WITHDRAWAL = {"id": "a:1", "revision": 2, "withdrawn": "filled"}
UPSERT = {
    "op": "upsert",
    "id": "a:1",
    "sequence": 7,
    "offer": OFFER,
    "territory": {"department": "35", "region": "53", "academie": "rennes"},
    "provenance": ["bretagne"],
    "flags": ["new"],
}
REMOVAL = {"op": "removal", "id": "a:1", "sequence": 8, "reason": "filled"}
RECEIPT = {
    "receipt": "r" + "a" * 20,
    "id": "a:1",
    "publisher": "a",
    "verdict": "stale",
    "revision": 1,
    "sequence": 1,
    "created": True,
    "digest": "a" * 64,
    "position": "submissions/0/1",
    "at": AT,
    "schema_version": "1.0",
    "rules_version": "2026.11",
    "release": "1.0-2026.11",
    "problems": [PROBLEM],
    "codes": {"too-long": 1},
    "message": {"sha256": "a" * 64, "bytes": 1},
    "moderation": {"action": "lift", "reason": "x", "next": {"fr": "a", "en": "a"}},
    "batch": "b" + "a" * 16,
    "snapshot": "s" + "a" * 16,
    "current": {"revision": 1, "sequence": 1},
    "delivery": {"sequence": 1, "parts": [PART]},
}
SOUND: Mapping[str, tuple[Any, ...]] = {
    "submission": (OFFER, SMALL, WITHDRAWAL),
    "change": (UPSERT, {**UPSERT, "offer": {**SMALL, "stay_weeks": 1, "expires_on": "2027-06-20"}}, REMOVAL),
    "changes-page": ({"changes": [REMOVAL, UPSERT], "cursor": "c", "fresh": AT, "more": True},),
    "receipt": (
        RECEIPT,
        {"receipt": RECEIPT["receipt"], "verdict": "pending"},
        {
            **{name: one for name, one in RECEIPT.items() if name != "id"},
            "verdict": "rejected",
            "position": "inbox.a/0/1",
        },
    ),
    "batch-result": (
        {
            **dict.fromkeys(("items", "refused", "queued", "withdrawn", "pending"), 1),
            "verdicts": {"accepted": 1},
            "results": [
                {"index": 0, "id": "a:1", "status": "queued", "receipt": RECEIPT["receipt"], "problems": [LOCALIZED]}
            ],
            "statuses": "q",
            "rules": {"too-long": 1},
            "warnings": {},
            "omitted": {"items": 1, "from": 0},
            "batch": RECEIPT["batch"],
            "snapshot": RECEIPT["snapshot"],
            "receipts": "/v1/receipts?batch=b1",
        },
    ),
    "problem": (
        {
            "type": "urn:x",
            "title": "a",
            "status": 422,
            "detail": "a",
            "instance": "/a",
            "code": "invalid",
            "problems": [LOCALIZED],
        },
    ),
    "delivery": ({"id": "a:1", "sequence": 1, "parts": [PART]},),
}
_ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    2.0,
    1.5,
    -91,
    91,
    400,
    399,
    599,
    600,
    300,
    301,
    6000,
    6001,
    2**53 - 1,
    2**53,
    "",
    "a",
    "\n",
    [],
    {},
)
_WORDS = (
    *(
        "further",
        "other",
        "zz",
        "seconde",
        "s51",
        "yes",
        "pending",
        "error",
        "warning",
        "filled",
        "cancelled",
        "upsert",
    ),
    *("removal", "create", "delete", "lycee", "college", "dead", "2A", "988", "2027-02-29", "2028-02-29", "2027-W53"),
    *("inbox.a/0/1", "a/b/1", "https://a.lan/", "https://a.fr:65536", "HTTPS://a.fr", "gateway:1", "a\u00a0", "\u00a0"),
    *(
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00+01:00",
        "<b>",
        "&amp;",
        "\u200b",
        "\U000e0041",
        "b1",
        "12345",
        "1234",
    ),
)
_LENGTHS = (2, 3, 5, 6, 8, 9, 40, 41, 50, 51, 60, 61, 80, 81, 120, 121, 150, 151, 200, 201, 250, 251, 275, 276)
_EDITS = ("\n", "a", "0", "9", "Z", "z", "-", "/", "é")


def with_value(document: Any, path: tuple[str, ...], value: Any) -> Any:
    """A copy with another value at a path that is there."""
    if not path:
        return value
    step, *rest = path
    at: Any = int(step) if isinstance(document, list) else step
    copy = document.copy()
    copy[at] = with_value(document[at], tuple(rest), value)
    return copy


@cache
def documents(name: str) -> tuple[Any, ...]:
    """Every document that tries a schema."""
    return tuple(document for base in SOUND[name] for document in (base, *_ODD, *_changed(base, base, ())))


def _changed(base: Any, value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    for other in _others(value):
        yield with_value(base, path, other)
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for step, part in inner:
        if isinstance(value, dict):
            less = {name: one for name, one in value.items() if name != step}
            yield with_value(base, path, less)
        yield from _changed(base, part, (*path, str(step)))


def _others(value: Any) -> Iterator[Any]:
    yield from _ODD
    if isinstance(value, str):
        yield from _WORDS
        yield from ("a" * length for length in _LENGTHS)
        for sign in _EDITS:
            yield from (value + sign, sign + value, value[:-1] + sign, sign + value[1:], value[:3] + sign + value[4:])
        yield from (value[:-1], value[1:], value * 2, value.upper(), value[:4] + value[5:])
    elif isinstance(value, dict):
        yield from ({**value, name: one} for name in ("further", "other", "street") for one in (1, "x", "x" * 6, None))
        yield {name: {} for name in ("a", "b")}
        yield {**value, **{f"{sign}{sign}": {} for sign in "abcdefghijklmnopqrstuvwxyz"[:21]}}
    elif isinstance(value, list):
        first = deepcopy(value[0]) if value else "a"
        yield from (
            [first, first],
            [*value, None],
            value * 2,
            [first, "further"],
            ["a"] * 3,
            ["seconde", "troisieme", "quatrieme"],
        )
        yield [f"2027-W{week:02}" for week in range(1, 54)] + [f"2028-W{week:02}" for week in range(1, 9)]
        yield [f"{number:07}A" for number in range(201)]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from (value + 1, value - 1, float(value), -90.5, 90.5, 180, 181, -180, -181)


class Engine:
    """The verdict's own engine on some schemas."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._registry = jsonschema_rs.Registry([(body["$id"], body) for body in schemas.values()])

    def validator(self, name: str) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            self._schemas[name],
            registry=self._registry,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )


_ENGINE = Engine(PRESENT)


@cache
def _present(name: str) -> tuple[Any, Any, list[bool]]:
    """A schema as it is: resolved, its validator, and which documents it takes."""
    validator = _ENGINE.validator(name)
    return resolved(name, PRESENT), validator, [validator.is_valid(one) for one in documents(name)]


def contradictions(mutation: Mutation) -> list[str]:
    """Where the comparison errs, by the engine of the verdict: a proof against a document that shows a difference, a
    witness that shows none, a difference where a change has none.
    """
    found = [one for name in WIRE for one in find_foreign(name, mutation.schemas)]
    for name in WIRE:
        before, judge, good = _present(name)
        after = resolved(name, mutation.schemas)
        if after == before:
            continue
        other = Engine(mutation.schemas).validator(name)
        taken = [other.is_valid(one) for one in documents(name)]
        for sides, judges, verdicts in (
            ((before, after), (judge, other), (good, taken)),
            ((after, before), (other, judge), (taken, good)),
        ):
            where = f"{mutation.name}, {name}, {'kept' if sides[0] is before else 'new'}"
            witnesses = [gap.document for gap in gaps(*sides)]
            if any(not judges[0].is_valid(one) or judges[1].is_valid(one) for one in witnesses):
                found.append(f"{where}: a witness is none")
            if witnesses and mutation.kind in UNCHANGED:
                found.append(f"{where}: a difference where there is none")
            if not witnesses and any(first and not second for first, second in zip(*verdicts, strict=True)):
                found.append(f"{where}: a proof is none")
    return found
