"""The fast verdict and the explanation agree, whatever a document holds."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import schemas
from schemas.explain import explain
from schemas.registry import _fast, fast_validator, schema, schema_names, structure_validator
from schemas.rules.text import joined
from schemas.suspicion import is_plain
from tests.schemas.damage import TRAPS, damaged
from tests.schemas.documents import WHOLE, changed
from tests.schemas.specimen import SOUND_OTHERS

pytestmark = pytest.mark.slow


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(WHOLE))
def test_both_engines_agree_on_damaged_offers(document: dict[str, Any]) -> None:
    """OFR-038"""
    assert fast_validator("offer").is_valid(document) == schemas.validator("offer").is_valid(document)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(WHOLE))
def test_structure_and_plain_texts_make_a_valid_offer(document: dict[str, Any]) -> None:
    """OFR-010, OFR-011: the structure alone refuses nothing that the schema accepts, and leaves only texts to it."""
    sound = structure_validator("offer").is_valid(document)
    valid = fast_validator("offer").is_valid(document)
    assert sound or not valid
    assert valid or not sound or not is_plain(joined(document))


@pytest.mark.parametrize(
    "field", ["title", "description", "employer.name", "employer.description", "location.street", "location.city",
              "schedule.lunch_break"],
)  # fmt: skip
@pytest.mark.parametrize(
    "sign", [*map(chr, range(0x20)), "\x7f", "\x85", "\u2028", "\U000e0041", "<b>", "</", "&amp;", "&#233;"]
)
def test_texts_that_the_structure_lets_pass_are_not_plain(field: str, sign: str) -> None:
    """OFR-010, OFR-011"""
    document = changed({field: f"a{sign}b"})
    valid = fast_validator("offer").is_valid(document)
    assert valid == (structure_validator("offer").is_valid(document) and is_plain(joined(document)))


@settings(max_examples=300, deadline=None)
@given(damaged(WHOLE, times=1))
def test_a_refusal_is_explained(document: dict[str, Any]) -> None:
    """OFR-038: a document that the fast engine refuses gets at least one problem, a sound one none."""
    assert (explain("offer", document) == []) == fast_validator("offer").is_valid(document)


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
    """The subschemas of a schema that hold a pattern, each usable by itself."""
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


def test_every_format_of_the_schemas_is_really_asserted() -> None:
    """Plain jsonschema passes over a format that it has no checker for."""
    used = {
        found
        for name in schema_names()
        for found in re.findall(r'"format":"([^"]+)"', orjson.dumps(schema(name)).decode())
    }
    assert used == {"date", "date-time"}
    assert used <= set(Draft202012Validator.FORMAT_CHECKER.checkers)
