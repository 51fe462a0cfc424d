"""The contracts for other programs, OpenAPI and AsyncAPI: each one document, with every schema that it uses inside."""

from functools import cache
from typing import Any

import yaml

from schemas.packaged import read_bytes
from schemas.registry import schema, schema_names

_URN = "urn:fr:stages:schema:"


@cache
def openapi_document() -> dict[str, Any]:
    """``schemas/openapi.yaml``, whole. Not to be changed."""
    return _whole("openapi.yaml")


@cache
def asyncapi_document() -> dict[str, Any]:
    """``schemas/asyncapi.yaml``, whole. Not to be changed."""
    return _whole("asyncapi.yaml")


def _whole(name: str) -> dict[str, Any]:
    """Tools for these formats do not look up URNs: every JSON Schema goes into the components, references follow."""
    source = yaml.safe_load(read_bytes(name))
    places = {schema(known)["$id"]: f"#/components/schemas/{known}" for known in schema_names()}
    document: dict[str, Any] = _moved(source, places, home="#")
    for known in schema_names():
        body = {key: value for key, value in schema(known).items() if key not in {"$id", "$schema"}}
        document["components"]["schemas"][known] = _moved(body, places, home=f"#/components/schemas/{known}")
    return document


def _moved(value: Any, places: dict[str, str], *, home: str) -> Any:
    """A copy in which every reference points to where the schemas now are; ``home`` is where this part is."""
    if isinstance(value, list):
        return [_moved(item, places, home=home) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _moved(item, places, home=home) for key, item in value.items()}
    if isinstance(reference := value.get("$ref"), str):
        base, _, fragment = reference.partition("#")
        copy["$ref"] = (places[base] if base.startswith(_URN) else home) + fragment
    return copy
