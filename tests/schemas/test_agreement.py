"""The fast verdict and the explanation agree, whatever a document holds; and no document makes ``check`` raise."""

import re
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import schemas
from adapters.profile.packaged import profiles
from schemas.explain import explain
from schemas.registry import _fast, fast_validator, schema, schema_names
from tests.schemas.documents import ON, changed

WHOLE = changed(
    {
        "rome": {"code": "H2206", "version": "4"},
        "schedule.monday": {"start": "09:00", "end": "17:00", "break_minutes": 60},
        "schedule.lunch_break": "Repas au réfectoire.",
        "restrictions": {"rep": False, "qpv": True, "schools": ["0750655E"]},
        "redistribution.mask_employer": False,
        "source_id": "grand-est:7",
        "national_remote_id": "gre-7",
        "extensions": {"bretagne": {"ref": [1, "a", {"b": None}]}},
    },
    expires_on="2027-06-20",
)
"""An offer with every field there is."""

TRAPS = st.sampled_from(
    ["", "\n", " ", "\u00a0", "\x00", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\u0660", "\uff10", "é",
     "e\u0301", "😀", "<b>", "&amp;", ":60", "Z", "99999", ":0/", "@", "%", "\\", "İ", "ſ", "K",
     "-", ".", "~", "/", "0", "10"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(min_value=0, max_value=3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1.0, 2.0, -0.0, 1e16, 2**53 - 1, 2**53, 2**63, 2**64 - 1, 6000, 6001, 90, 90.0000001])
    | st.text(max_size=12)
    | TRAPS
    | st.sampled_from(["2027-W24", "2027-06-27", "2016-12-31T23:59:60Z", "0000-01-01", "seconde", "s1", "https://a.fr"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path within a JSON value, its own excepted."""
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [found for step, item in inner for found in [(*path, step), *places(item, (*path, step))]]


@st.composite
def damaged(draw: st.DrawFn, sound: dict[str, Any], *, times: int = 3) -> dict[str, Any]:
    """A sound document with up to three things done to it: values replaced, texts extended, fields removed or added."""
    document = deepcopy(sound)
    for _ in range(draw(st.integers(1, times))):
        path = draw(st.sampled_from(places(document)))
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        value = parent[path[-1]]
        match draw(st.sampled_from(["replace", "extend", "splice", "remove", "add", "double"])):
            case "replace":
                parent[path[-1]] = draw(VALUES)
            case "extend" if isinstance(value, str):
                parent[path[-1]] = draw(st.sampled_from(["{0}{1}", "{1}{0}"])).format(value, draw(TRAPS))
            case "splice" if isinstance(value, str) and value:
                cut = draw(st.integers(0, len(value)))
                parent[path[-1]] = value[:cut] + draw(TRAPS) + value[cut + draw(st.integers(0, 1)) :]
            case "remove":
                del parent[path[-1]]
            case "add" if isinstance(value, dict):
                value[draw(st.text(max_size=8) | st.sampled_from(sorted(sound)))] = draw(VALUES)
            case "double" if isinstance(value, list):
                value.extend(deepcopy(value))
        if not places(document):
            break
    return document


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(WHOLE))
def test_both_engines_agree_on_damaged_offers(document: dict[str, Any]) -> None:
    """OFR-038"""
    assert fast_validator("offer").is_valid(document) == schemas.validator("offer").is_valid(document)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(WHOLE))
def test_a_verdict_is_sound_whatever_the_document(document: dict[str, Any]) -> None:
    """OFR-038, OFR-039"""
    raw = orjson.dumps(document)
    verdict = schemas.check(raw, on=ON)
    severities = [trouble.severity for trouble in verdict.problems]
    assert verdict.accepted == ("error" not in severities)
    assert severities == sorted(severities)
    for trouble in verdict.problems:
        schemas.validator("problem").evolve(
            schema={"$ref": "urn:fr:stages:schema:problem:1#/$defs/stored_problem"}
        ).validate(orjson.loads(orjson.dumps(trouble.to_json())))
    if verdict.accepted:
        assert verdict.document == document
        assert verdict.offer is not None
        again = schemas.check(orjson.dumps(verdict.offer), on=ON)
        assert (again.accepted, again.offer) == (True, verdict.offer)
    else:
        assert (verdict.offer, verdict.territory, verdict.expires_on) == (None, None, None)


@settings(max_examples=300, deadline=None)
@given(damaged(WHOLE, times=1))
def test_what_is_refused_is_explained(document: dict[str, Any]) -> None:
    """OFR-038: a document that the fast engine refuses gets at least one problem, a sound one none."""
    assert (explain("offer", document) == []) == fast_validator("offer").is_valid(document)


@settings(max_examples=400)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_bytes_never_raise(raw: bytes) -> None:
    """OFR-001"""
    for call in (schemas.check, schemas.check_withdrawal, schemas.check_submission):
        verdict = call(raw, on=ON)
        assert not verdict.accepted
        assert verdict.problems
        assert [trouble.to_json() for trouble in verdict.problems]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_bytes_never_raise(data: st.DataObject) -> None:
    """OFR-001, OFR-002"""
    raw = bytearray(orjson.dumps(WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [
                    b'"',
                    b":",
                    b"{",
                    b"}",
                    b",",
                    b"\\",
                    b"\\ud83d",
                    b"\xff",
                    b"\xc3",
                    b"1e999",
                    b'"id":1,',
                    b"\x00",
                    b"[" * 30,
                ]
            )
        )
    verdict = schemas.check(bytes(raw), on=ON)
    assert verdict.accepted == all(trouble.severity == "warning" for trouble in verdict.problems)


@settings(max_examples=300)
@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_any_json_never_raises(value: Any) -> None:
    """OFR-001"""
    raw = orjson.dumps(value)
    for call in (schemas.check, schemas.check_withdrawal, schemas.check_submission):
        assert not call(raw, on=ON).accepted


@settings(max_examples=300)
@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), st.data())
def test_repeated_keys_are_always_found(members: dict[str, Any], data: st.DataObject) -> None:
    """OFR-002"""
    written = [(orjson.dumps(key), orjson.dumps(value)) for key, value in members.items()]
    space = data.draw(st.sampled_from([b"", b" ", b"\n\t"]))
    repeat = data.draw(st.booleans())
    if written and repeat:
        written.append(data.draw(st.sampled_from(written)))
        raw = b"{" + b",".join(key + space + b":" + value for key, value in written) + b"}"
        assert {trouble.code for trouble in schemas.check(raw, on=ON).problems} == {"json-duplicate-key"}
    else:
        raw = b"{" + b",".join(key + space + b":" + value for key, value in written) + b"}"
        assert "json-duplicate-key" not in {trouble.code for trouble in schemas.check(raw, on=ON).problems}


CERTIFICATE: dict[str, Any] = {
    "iss": "https://passerelle.example",
    "sub": "bretagne",
    "jti": "0123456789abcdef" * 2,
    "iat": 1_796_000_000,
    "exp": 1_827_536_000,
    "role": "publisher",
    "profile": "full",
    "versions": {"kit": "0.1.0", "protocol": "1", "schema": "1.0", "rules": "2026.11"},
    "evidence": f"sha256:{'0f' * 32}",
}
REPORT: dict[str, Any] = {
    "role": "publisher",
    "target": "https://stages.example",
    "profile": "full",
    "versions": CERTIFICATE["versions"],
    "seed": "ab12",
    "began": "2026-11-24T08:00:00.000Z",
    "milliseconds": 1_200,
    "conforms": False,
    "totals": {"pass": 1, "fail": 1},
    "announced": 0,
    "results": [
        {
            "case": "publisher/one",
            "requirements": ["OFR-001"],
            "title": {"fr": "x", "en": "x"},
            "outcome": "fail",
            "milliseconds": 7,
            "mend": {"fr": "x", "en": "x"},
            "findings": [{"place": "/id", "expected": "1", "actual": "2"}],
            "exchanges": [
                {
                    "method": "GET",
                    "url": "https://stages.example/",
                    "headers": {"Accept": "application/json"},
                    "body": "",
                    "status": 200,
                    "answer_headers": {},
                    "answer": "{}",
                    "milliseconds": 3,
                }
            ],
        }
    ],
}

SOUND_OTHERS: dict[str, dict[str, Any]] = {
    "withdrawal": {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"},
    "submission": WHOLE,
    "receipt": {
        "receipt": "rAAAAABBBBBCCCCCDDDDDEEEEE",
        "id": "bretagne:1",
        "publisher": "bretagne",
        "verdict": "accepted",
        "revision": 2,
        "sequence": 1,
        "created": True,
        "digest": "0" * 64,
        "position": "submissions/0/17",
        "at": "2026-11-24T08:00:00.000Z",
        "schema_version": "1.0",
        "rules_version": "2026.11",
        "problems": [schemas.problem("personal-data", pointer="/title").to_json()],
        "current": {"revision": 1, "sequence": 1},
    },
    "partner": {
        "platform": "bretagne",
        "name": "IDÉO",
        "scopes": ["offers:publish", "offers:read"],
        "territory": ["22", "2A", "971"],
        "national_delivery": "self",
        "inbox": True,
        "feed": False,
        "hosts": ["stages.ideo.bretagne.bzh"],
        "secrets": [{"hash": "x", "created_at": 1, "ends_at": None}],
        "jwks": None,
        "issuer": "https://id.example",
        "certificates": [{"statement": CERTIFICATE, "signed": "aaa.bbb.ccc"}],
        "joined_at": 1,
        "revoked": False,
    },
    "change": {
        "op": "upsert",
        "id": "bretagne:1",
        "sequence": 3,
        "offer": WHOLE,
        "territory": {"department": "29", "region": "53", "academie": "rennes"},
        "provenance": ["bretagne"],
    },
    "changes-page": {
        "changes": [{"op": "removal", "id": "bretagne:1", "sequence": 3, "reason": "out-of-scope"}],
        "cursor": "x",
        "fresh": "2026-11-24T08:00:00Z",
        "more": False,
    },
    "batch-result": {
        "results": [{"index": 0, "id": "bretagne:1", "status": "queued", "receipt": "rAAAAABBBBBCCCCCDDDDDEEEEE"}]
    },
    "problem": {
        "type": "/problems/personal-data",
        "title": "x",
        "status": 422,
        "problems": [schemas.localized(schemas.problem("personal-data", pointer="/title").to_json(), "fr")],
    },
    "case": {
        "topic": {"fr": "x", "en": "x"},
        "roles": ["gateway", "publisher"],
        "on": "2026-11-24",
        "cases": [
            {
                "name": "x",
                "requirements": ["OFR-001", "SEC-001"],
                "title": {"fr": "x", "en": "x"},
                "put": {"/couleur": "bleu"},
                "drop": ["/title"],
                "expected": {"accepted": False, "problems": [{"code": "field-missing", "pointer": "/id"}]},
            },
            {
                "name": "y",
                "requirements": ["PUB-001"],
                "title": {"fr": "y", "en": "y"},
                "steps": [
                    {
                        "call": "PUT /v1/offers/${id.a}",
                        "offer": {"is": "a", "put": {"/seats": 2}},
                        "expect": {"status": [200, 201], "body": {"verdict": {"$in": ["accepted", "duplicate"]}}},
                    },
                    {"follow": "subscriber", "expect": {"holds": ["${id.a}"], "once": []}},
                ],
            },
        ],
    },
    "certificate": CERTIFICATE,
    "conformance-report": REPORT,
    "conformance-evidence": {
        "evidence": "urn:fr:stages:conformance-evidence:1",
        "platform": "bretagne",
        "role": "publisher",
        "profile": "full",
        "conforms": False,
        "cases": f"sha256:{'1a' * 32}",
        "report": REPORT,
        "digest": f"sha256:{'2b' * 32}",
    },
    "delivery": {
        "id": "bretagne:1",
        "sequence": 3,
        "parts": [
            {
                "group": "lycee",
                "generation": 1,
                "account": "a",
                "state": "pending",
                "since": "2026-11-24T08:00:00.000Z",
            }
        ],
    },
    "mapping": {
        "source": {"items": "a/b"},
        "id": {"path": "@id"},
        "fields": {
            "levels": {"constant": ["seconde"]},
            "weeks": {"join": {"parts": [{"path": "du"}, {"path": "au"}], "with": " - "}},
        },
    },
    "profile": dict(profiles()["bretagne"].document),
}


@pytest.mark.parametrize("name", SOUND_OTHERS)
def test_sound_documents_of_every_schema_pass(name: str) -> None:
    assert list(schemas.validator(name).iter_errors(SOUND_OTHERS[name])) == []
    assert fast_validator(name).is_valid(SOUND_OTHERS[name])


def test_every_schema_has_a_sound_document_here() -> None:
    assert {*SOUND_OTHERS, "offer"} == set(schema_names())


@pytest.mark.parametrize("name", SOUND_OTHERS)
def test_both_engines_agree_on_the_other_schemas(name: str) -> None:
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(damaged(SOUND_OTHERS[name]))
    def agree(document: dict[str, Any]) -> None:
        assert fast_validator(name).is_valid(document) == schemas.validator(name).is_valid(document)

    agree()


def patterned(name: str) -> list[dict[str, Any]]:
    """The subschemas of a schema that hold a pattern, each able to stand alone."""
    found: list[dict[str, Any]] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str):
                found.append(part)
            for member in part.values():
                walk(member)
        elif isinstance(part, list):
            for member in part:
                walk(member)

    walk(schemas.schema(name))
    return [{**part, "$defs": schemas.schema(name).get("$defs", {})} for part in found]


@pytest.mark.parametrize("name", schema_names())
def test_every_pattern_means_the_same_to_both_engines(name: str) -> None:
    """Also before a final line feed, where ``$`` differs, and with digits of other scripts."""
    for part in patterned(name):
        fast = _fast(part)
        slow = Draft202012Validator(part, format_checker=Draft202012Validator.FORMAT_CHECKER)

        @settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
        @given(st.from_regex(part["pattern"]) | st.text(), TRAPS, TRAPS)
        def agree(text: str, before: str, after: str) -> None:
            for variant in (
                text,
                text + "\n",
                text.rstrip("\n"),
                before + text,
                text + after,
                text.replace("0", "\u0660"),
            ):
                assert fast.is_valid(variant) == slow.is_valid(variant), variant  # noqa: B023  # called at once

        agree()


def test_every_format_of_the_schemas_is_really_asserted():
    """Plain jsonschema passes over a format that it has no checker for."""
    used = {
        found
        for name in schema_names()
        for found in re.findall(r'"format":"([^"]+)"', orjson.dumps(schema(name)).decode())
    }
    assert used == {"date", "date-time"}
    assert used <= set(Draft202012Validator.FORMAT_CHECKER.checkers)
