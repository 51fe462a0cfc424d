"""Requests generated from the OpenAPI document: no answer is a failure, and each follows the document."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.api.context import Limits
from schemas.bundle import openapi_document
from tests.api_write.gateway_harness import opened
from tests.server_thread import served_in_thread

EXAMPLES = 10
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
LINES = "application/x-ndjson"


@schemathesis.serializer(LINES)
def write_lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    lines = value if isinstance(value, list) else [value]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()  # orjson refuses numbers beyond 64 bits


def document() -> dict[str, Any]:
    """The contract, with its lines spelled out for a generator, and without the wait of a long poll."""
    whole = deepcopy(openapi_document())
    for path, name in (("/v1/offers/batch", "submission"), ("/v1/snapshots", "offer")):
        content = whole["paths"][path]["post"]["requestBody"]["content"]
        content[LINES] = {"schema": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}, "maxItems": 5}}
    for parameter in whole["paths"]["/v1/changes"]["get"]["parameters"]:
        if parameter.get("name") == "wait":
            parameter["schema"] = {"type": "number", "minimum": 0, "maximum": 0}
    return whole


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    @asynccontextmanager
    async def served() -> AsyncIterator[str]:
        async with opened(tmp_path_factory.mktemp("gateway"), limits=Limits(requests_per_minute=1_000_000)) as gateway:
            yield gateway.url

    with served_in_thread(served) as url:
        yield url


# The token endpoint speaks RFC 6749 and has tests of its own (tests/oauth); the composition root sets it.
contract = schemathesis.openapi.from_dict(document()).exclude(path_regex="oauth")


@contract.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_gateway_keeps_its_contract(case: schemathesis.Case[Any], url: str) -> None:
    response = case.call(base_url=url, headers={"Authorization": "Bearer bretagne"})
    if response.status_code == 400 and response.headers["content-type"] == ["text/plain; charset=utf-8"]:
        return  # not HTTP, or a line too long for it: refused before there is a request to answer
    case.validate_response(response, checks=list(CHECKS))
