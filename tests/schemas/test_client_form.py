"""The published contracts have the form that client generators read right, and mean what the precise ones mean."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.contract import asyncapi_document, openapi_document, precise_openapi

DOCUMENTS = {"openapi": openapi_document, "asyncapi": asyncapi_document}
CHOICES = {"oneOf", "anyOf", "allOf", "not", "if", "const", "discriminator"}
METHODS = {"get", "put", "post", "delete", "patch"}


def schemas_of(part: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a document, by its pointer."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from schemas_of(item, f"{pointer}/{number}")
    if not isinstance(part, dict):
        return
    if {"type", "$ref", "enum", *CHOICES} & {
        key for key, one in part.items() if key != "type" or isinstance(one, str | list)
    }:
        yield pointer, part
    for key, one in part.items():
        if key not in {"example", "examples", "enum", "required"}:
            yield from schemas_of(one, f"{pointer}/{key}")


def kinds_of(schema: dict[str, Any]) -> list[Any]:
    kinds = schema.get("type")
    return kinds if isinstance(kinds, list) else [kinds]


def members_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with members of a document."""
    return (
        (pointer, one)
        for pointer, one in schemas_of(document)
        if isinstance(one.get("properties"), dict) and "type" in one
    )


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return document["components"]["schemas"][name] if name else schema


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in openapi_document()["paths"].items():
        yield from ((f"{method} {path}", one) for method, one in item.items() if method in METHODS)


def reached_from_requests() -> set[str]:
    """The components that requests refer to, at any depth."""
    document = openapi_document()
    waiting: list[Any] = [document["components"]["parameters"]]
    for item in document["paths"].values():
        waiting += [
            {key: one[key] for key in ("parameters", "requestBody") if key in one}
            for one in item.values()
            if isinstance(one, dict)
        ]
    found: set[str] = set()
    while waiting:
        for _, schema in schemas_of(waiting.pop()):
            name = schema.get("$ref", "").removeprefix("#/components/schemas/")
            if name and "/" not in name and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_schema_is_a_choice_a_combination_or_a_constant(name: str) -> None:
    document = DOCUMENTS[name]()
    assert [] == [pointer for pointer, one in schemas_of(document["components"]["schemas"]) if CHOICES & one.keys()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_number_has_a_width_that_holds_its_values(name: str) -> None:
    wrong = []
    for pointer, one in schemas_of(DOCUMENTS[name]()):
        kinds = kinds_of(one)
        if "integer" in kinds:
            least = "int32" if one.get("maximum", 2**31) < 2**31 else "int64"
            wrong += [pointer] if one.get("format") != least else []
        if "number" in kinds and one.get("format") != "double":
            wrong.append(pointer)
    assert [] == wrong


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_type_is_one_or_one_that_may_be_null(name: str) -> None:
    lists = [
        (one["type"], one.get("x-nullable"))
        for _, one in schemas_of(DOCUMENTS[name]())
        if isinstance(one.get("type"), list)
    ]
    assert [] == [kinds for kinds, nullable in lists if len(kinds) != 2 or "null" not in kinds or not nullable]


def test_every_answer_of_success_of_an_operation_has_one_schema() -> None:
    """A generated function returns one type."""
    shared = openapi_document()["components"]["responses"]
    several = {}
    for name, operation in operations():
        answers = [
            shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for status, one in operation["responses"].items()
            if status.startswith("2")
        ]
        found = {
            str(one["content"]["application/json"]["schema"])
            for one in answers
            if "application/json" in one.get("content", {})
        }
        if len(found) > 1:
            several[name] = found
    assert {} == several


def test_json_comes_first_where_a_request_may_have_several_types() -> None:
    """Generators write code for the first one."""
    bodies = {name: list(one["requestBody"]["content"]) for name, one in operations() if "requestBody" in one}
    assert {} == {name: types for name, types in bodies.items() if "application/json" in types[1:]}


def test_what_partners_need_not_send_is_not_sent_unless_they_say_so() -> None:
    """Neither a default nor an empty list or map is initialised; no member is taken for open."""
    document = openapi_document()
    wrong = []
    for name in reached_from_requests():
        for pointer, schema in members_of(document["components"]["schemas"][name]):
            wrong += [f"{name}{pointer}"] if "additionalProperties" in schema else []
            for member, one in schema["properties"].items():
                body = resolved(document, one)
                container = body.get("type") in ("array", "object") and "properties" not in body
                if member not in schema.get("required", ()) and (
                    "default" in one or (container and not one.get("x-nullable"))
                ):
                    wrong.append(f"{name}{pointer}/{member}")
    assert [] == wrong


def test_answers_allow_what_a_later_version_adds() -> None:
    document = openapi_document()
    sent = reached_from_requests()
    answered = {name: one for name, one in document["components"]["schemas"].items() if name not in sent}
    closed = [
        f"{name}{pointer}"
        for name, one in answered.items()
        for pointer, each in members_of(one)
        if not each.get("additionalProperties")
    ]
    lists = [
        f"{name}{pointer}" for name, one in answered.items() for pointer, each in schemas_of(one) if "enum" in each
    ]
    assert ([], []) == (closed, lists)
    assert "x-extensible-enum" in document["components"]["schemas"]["Receipt"]["properties"]["verdict"]


def test_what_the_precise_form_accepts_this_one_accepts() -> None:
    """The examples of answers, in both forms."""
    for document in (precise_openapi(), openapi_document()):
        examples = document["components"]["examples"]
        for name in (
            "ChangesPage",
            "OffersPage",
            "ReceiptsPage",
            "Platforms",
            "JournalPage",
            "Statistics",
            "Token",
            "Discovery",
        ):
            schema = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
            assert [] == [
                error.message for error in Draft202012Validator(schema).iter_errors(examples[name]["value"])
            ], name
