"""Requests generated from the OpenAPI document: no answer is a failure, and each follows the document."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any
from urllib.request import Request, urlopen

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.api.context import Limits
from schemas.contract import precise_openapi
from tests.api.write.gateway_harness import opened
from tests.server_thread import served_in_thread

pytestmark = pytest.mark.slow

EXAMPLES = 10
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
LINES = "application/x-ndjson"


@schemathesis.serializer(LINES)
def write_lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    lines = value if isinstance(value, list) else [value]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()  # orjson refuses numbers beyond 64 bits


def document() -> dict[str, Any]:
    """The contract, with its lines spelled out for a generator, and without the wait of a long poll."""
    whole = deepcopy(precise_openapi())
    for path, name in (("/v1/offers/batch", "Submission"), ("/v1/snapshots", "Offer")):
        content = whole["paths"][path]["post"]["requestBody"]["content"]
        content[LINES] = {"schema": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}, "maxItems": 5}}
    draw_addresses_fast(whole)
    for parameter in whole["paths"]["/v1/changes"]["get"]["parameters"]:
        if parameter.get("name") == "wait":
            parameter["schema"] = {"type": "number", "minimum": 0, "maximum": 0}
    return whole


def draw_addresses_fast(whole: dict[str, Any]) -> None:
    """Offers that are sent get addresses of a simple form: a generator needs eight seconds to draw one of the
    contract's, each time. What is answered is still held to the contract's.
    """
    schemas = whole["components"]["schemas"]
    schemas["SentWebAddress"] = {"type": "string", "pattern": r"^https://[a-z]{1,20}\.fr(?:/[a-z0-9]{0,540})?$"}
    sent = ["WebAddress"]
    for name in ("Employer", "Offer", "Submission"):
        schemas[f"Sent{name}"] = _as_sent(schemas[name], sent)
        sent.append(name)
    for path in whole["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"] = _as_sent(operation["requestBody"], sent)


def _as_sent(part: Any, sent: Collection[str]) -> Any:
    """A copy that refers to these schemas by their form in requests."""
    if isinstance(part, list):
        return [_as_sent(item, sent) for item in part]
    if not isinstance(part, dict):
        return part
    copy = {key: _as_sent(item, sent) for key, item in part.items()}
    start, _, name = str(part.get("$ref", "")).rpartition("/")
    return {**copy, "$ref": f"{start}/Sent{name}"} if start == "#/components/schemas" and name in sent else copy


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


def operations(schema: Any) -> Mapping[str, Any]:
    """By method and path."""
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


def send_all(schema: Any, label: str, send: Callable[..., None]) -> None:
    """Generate the requests of one operation and send each.

    Schemathesis' own ``parametrize`` generates them in every worker that collects tests, in 40 s of processor time.
    """
    load_all_checks()
    operation = operations(schema)[label]
    build_operation_test(
        config=schema.config, operation=operation, test_func=send, given_kwargs={}, feedback=FeedbackSources()
    )()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", operations(contract))
def test_the_gateway_keeps_its_contract(label: str, url: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def send(case: schemathesis.Case[Any]) -> None:
        keeps_the_contract(case, base_url=url, headers={"Authorization": "Bearer bretagne"})

    send_all(contract, label, send)
    request = Request(f"{url}/v1/platforms", headers={"Authorization": "Bearer bretagne"})  # http
    with urlopen(request) as answer:  # http
        assert 200 == answer.status, "its caller was revoked: what follows would be 401 alike"


def keeps_the_contract(case: schemathesis.Case[Any], **sent: Any) -> None:
    """Send one request: the answer is no failure and follows the document."""
    response = case.call(**sent)
    if response.status_code == 400 and response.headers["content-type"] == ["text/plain; charset=utf-8"]:
        return  # not HTTP, or a line too long for it: refused before there is a request to answer
    case.validate_response(response, checks=list(CHECKS))
