"""The machine-readable contracts, OpenAPI and AsyncAPI: one self-contained document each."""

from functools import cache
from typing import Any

import yaml

from schemas.packaged import read_bytes
from schemas.registry import schema, schema_names

_URN = "urn:fr:stages:schema:"


@cache
def openapi_document() -> dict[str, Any]:
    """``schemas/openapi.yaml`` with its schemas. Cached: do not modify."""
    return _whole("openapi.yaml")


@cache
def asyncapi_document() -> dict[str, Any]:
    """``schemas/asyncapi.yaml`` with its schemas. Cached: do not modify."""
    return _whole("asyncapi.yaml")


def _whole(name: str) -> dict[str, Any]:
    """Tools for these formats do not resolve URNs: all JSON Schemas move into the components, with their references."""
    source = yaml.safe_load(read_bytes(name))
    targets = {schema(known)["$id"]: f"#/components/schemas/{known}" for known in schema_names()}
    document: dict[str, Any] = _moved(source, targets, home="#")
    for known in schema_names():
        body = {key: value for key, value in schema(known).items() if key not in {"$id", "$schema"}}
        document["components"]["schemas"][known] = _moved(body, targets, home=f"#/components/schemas/{known}")
    return document


def _moved(value: Any, targets: dict[str, str], *, home: str) -> Any:
    """A copy whose references point into the components; ``home`` is the pointer of this part."""
    if isinstance(value, list):
        return [_moved(item, targets, home=home) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _moved(item, targets, home=home) for key, item in value.items()}
    if isinstance(reference := value.get("$ref"), str):
        base, _, fragment = reference.partition("#")
        copy["$ref"] = (targets[base] if base.startswith(_URN) else home) + fragment
    return copy
