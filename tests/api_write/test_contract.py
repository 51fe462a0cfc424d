"""Requests made up from the OpenAPI document: the gateway never fails, and answers only what the document promises."""

import asyncio
import threading
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson
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
from schemas.contract import openapi_document
from tests.api_write.gate import opened

EXAMPLES = 10
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
LINES = "application/x-ndjson"


@schemathesis.serializer(LINES)
def write_lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    lines = value if isinstance(value, list) else [value]
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


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


class Served(threading.Thread):
    """A gateway with a thread and an event loop of its own: the generator's client blocks."""

    def __init__(self, folder: Any) -> None:
        super().__init__(name="gateway")
        self._folder = folder
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self.url = ""

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with opened(self._folder, limits=Limits(requests_per_minute=1_000_000)) as gate:
            self.url = gate.url
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> "Served":
        self.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(20)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Served(tmp_path_factory.mktemp("gateway")) as served:
        yield served.url


# The token endpoint speaks RFC 6749 and has tests of its own (tests/oauth); the composition root sets it.
contract = schemathesis.openapi.from_dict(document()).exclude(path_regex="oauth")


@contract.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_gateway_keeps_its_contract(case: schemathesis.Case[Any], url: str) -> None:
    response = case.call(base_url=url, headers={"Authorization": "Bearer bretagne"})
    if response.status_code == 400 and response.headers["content-type"] == ["text/plain; charset=utf-8"]:
        return  # not HTTP, or a line too long for it: refused before there is a request to answer
    case.validate_response(response, checks=list(CHECKS))
