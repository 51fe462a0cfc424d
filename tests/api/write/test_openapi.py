"""The OpenAPI document: valid, complete, and followed by the gateway's answers."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import schemas
from gateway.api.app import build_app
from gateway.api.auth import scopes_of
from schemas.contract import asyncapi_document, deprecations, openapi_document, precise_openapi
from tests.api.write.gateway_harness import Answer, GatewayHarness, ndjson, offer

METHODS = {"get", "put", "post", "patch", "delete"}


def documented() -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation, by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in openapi_document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def routes(app: web.Application) -> dict[tuple[str, str], Any]:
    return {
        (route.method, route.resource.canonical): route.handler
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def held_to(method: str, path: str, answer: Answer) -> list[str]:
    """Differences between an answer and the document, in both of its forms."""
    return [*_held_to(precise_openapi(), method, path, answer), *_held_to(openapi_document(), method, path, answer)]


def _held_to(document: dict[str, Any], method: str, path: str, answer: Answer) -> list[str]:
    promised = document["paths"][path][method.lower()]["responses"].get(str(answer.status))
    if promised is None:
        return [f"{answer.status} is not documented"]
    if "$ref" in promised:
        promised = document["components"]["responses"][promised["$ref"].rpartition("/")[2]]
    content = promised.get("content", {}).get(answer.headers["Content-Type"].partition(";")[0])
    if content is None:
        return [f"{answer.headers['Content-Type']} is not documented"]
    schema = {"components": document["components"], **content["schema"]}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer.body)]


async def test_what_is_deprecated_is_answered(gateway: GatewayHarness) -> None:
    """EVO-007: a deprecation of an address that is not served would never be named in an answer."""
    served = routes(build_app(gateway.context))
    assert [] == [one for one in deprecations() if (one.method.upper(), one.path) not in served]


def test_the_document_is_valid_openapi() -> None:
    assert [] == [error.message for error in OpenAPIV31SpecValidator(openapi_document()).iter_errors()]


async def test_every_route_is_documented_and_everything_documented_is_a_route(gateway: GatewayHarness) -> None:
    assert documented().keys() == routes(build_app(gateway.context)).keys()


async def test_every_routes_scope_agrees_with_the_document(gateway: GatewayHarness) -> None:
    """SEC-002: a route without a declared scope is closed."""
    scopes = {key: scopes_of(handler) for key, handler in routes(build_app(gateway.context)).items()}
    in_document = {key: tuple(operation.get("x-scopes", ("public",))) for key, operation in documented().items()}

    assert in_document == scopes


@pytest.mark.parametrize("token", [None, "9", "stranger", "gone"])
async def test_without_a_valid_token_every_route_answers_401(gateway: GatewayHarness, token: str | None) -> None:
    """SEC-001, ERR-003: whether the offer exists or not."""
    await gateway.put(offer(1))
    values = {
        "{id}": "bretagne:1",
        "{receipt}": "r1",
        "{format}": "csv",
        "{platform}": "bretagne",
        "{order}": "x",
        "{contact}": "x",
        "{request}": "x",
    }
    values |= {"{name}": "copie", "{action}": "test", "{release}": "1.0"}
    answers = []
    for (method, path), operation in documented().items():
        if operation["security"] and any("bearer" in rule for rule in operation["security"]):
            address = re.sub(r"{\w+}", lambda name: values[name[0]], path)
            answers.append(await gateway.ask(method, address, who=token))

    assert {(401, "token-invalid" if token else "token-missing")} == {(one.status, one.code) for one in answers}
    assert all(one.headers["WWW-Authenticate"].startswith("Bearer ") for one in answers)


def test_every_answer_that_is_refused_is_a_problem_document() -> None:
    """ERR-001: except the token endpoint, whose errors RFC 6749 prescribes."""
    document = openapi_document()
    found = set()
    for (_, path), operation in documented().items():
        for status, response in operation["responses"].items():
            if path == "/oauth/token" or status < "400":
                continue
            whole = (
                document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                if "$ref" in response
                else response
            )
            found.add("application/problem+json" in whole["content"])

    assert {True} == found


def test_the_examples_are_accepted_by_the_rules_themselves() -> None:
    document = openapi_document()
    validators = {
        "Offer": "offer",
        "Receipt": "receipt",
        "ReceiptPending": "receipt",
        "ReceiptStale": "receipt",
        "BatchResult": "batch-result",
        "BatchDecided": "batch-result",
        "BatchPartial": "batch-result",
        "SnapshotQueued": "batch-result",
        "SnapshotNothing": "batch-result",
        "ChangesPage": "changes-page",
        "Problem": "problem",
    }
    examples = document["components"]["examples"]
    assert {} == {
        name: errors
        for name, kind in validators.items()
        if (errors := [error.message for error in schemas.validator(kind).iter_errors(examples[name]["value"])])
    }


def test_every_operation_has_an_example_and_both_languages() -> None:
    def examples_of(part: dict[str, Any]) -> bool:
        return any("examples" in media for media in part.get("content", {}).values())

    document = openapi_document()
    shared = document["components"]["responses"]
    lacking = set()
    for (method, path), operation in documented().items():
        found = examples_of(operation.get("requestBody", {})) or any(
            examples_of(shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one)
            for status, one in operation["responses"].items()
            if status.startswith("2")
        )
        if not found or " / " not in operation["summary"] or not operation["description"]:
            lacking.add(f"{method} {path}")
    assert set() == lacking


def test_every_schema_has_a_name_of_its_own_and_generators_read_all_of_it() -> None:
    """No nested definitions, no conditions, no schemas that no operation reaches."""
    document = openapi_document()
    text = orjson.dumps(document).decode()
    reached = set(re.findall(r'"#/components/schemas/([A-Za-z]+)"', text))

    assert [] == [word for word in ("$defs", "if", "then", "else", "x-fr") if f'"{word}":' in text]
    assert set(document["components"]["schemas"]) == reached


def test_problem_responses_list_their_codes() -> None:
    responses = openapi_document()["components"]["responses"]
    assert "- `rate-limited`:" in responses["TooMany"]["description"]
    assert "- `bad-request`:" in responses["Problem400"]["description"]
    assert "- `bad-request`:" not in responses["Problem404"]["description"]


def test_a_subscriber_accepts_members_that_are_added_later() -> None:
    document = openapi_document()
    page = document["components"]["examples"]["ChangesPage"]["value"]
    change = {**page["changes"][0], "later": 1, "offer": {**page["changes"][0]["offer"], "later": 1}}
    schema = {"components": document["components"], "$ref": "#/components/schemas/ChangesPage"}

    assert [] == list(Draft202012Validator(schema).iter_errors({**page, "changes": [change], "later": 1}))


@pytest.mark.parametrize(
    ("path", "document"), [("/v1/openapi.json", openapi_document), ("/v1/asyncapi.json", asyncapi_document)]
)
async def test_both_documents_are_served_whole(
    gateway: GatewayHarness, path: str, document: Callable[[], dict[str, Any]]
) -> None:
    answer = await gateway.ask("GET", path, who=None)
    again = await gateway.ask("GET", path, who=None, headers={"If-None-Match": answer.headers["ETag"]})

    assert document() == answer.body
    assert [] == held_to("GET", path, answer)
    assert 304 == again.status


async def test_discovery_names_versions_limits_and_addresses_that_exist(gateway: GatewayHarness) -> None:
    answer = await gateway.ask("GET", "/.well-known/passerelle", who=None)

    assert [] == held_to("GET", "/.well-known/passerelle", answer)
    assert schemas.SCHEMA_VERSION == answer.body["schema_version"]
    assert gateway.context.limits.offer_bytes == answer.body["limits"]["offer_bytes"]
    assert "/v1/asyncapi.json" == answer.body["endpoints"]["asyncapi"]
    paths = {path for _, path in documented()} | {"/v1/reference"}
    assert set(answer.body["endpoints"].values()) <= paths


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_answers_match_the_document(gateway: GatewayHarness, language: str) -> None:
    """One of each kind, in both languages."""
    one, batch, moderation = "/v1/offers/{id}", "/v1/offers/batch", "/v1/offers/{id}/moderation"
    headers = {"Accept-Language": language}
    wrong = {**offer(2), "title": ""}
    lines = {"Content-Type": "application/x-ndjson", **headers}
    queued = await gateway.ask("PUT", "/v1/offers/bretagne:9", json=offer(9), headers=headers)
    requests = [
        ("PUT", one, await gateway.put(offer(1), headers=headers)),
        ("PUT", one, await gateway.put(offer(1), headers=headers)),
        ("PUT", one, await gateway.put(offer(1, title="Autre"), headers=headers)),
        ("PUT", one, await gateway.put(offer(3), query="?dry_run=true", headers=headers)),
        ("PUT", one, await gateway.put(wrong, headers=headers)),
        ("PUT", one, await gateway.put(offer(1, platform="normandie"), headers=headers)),
        ("PUT", one, await gateway.put(offer(1), who=None, headers=headers)),
        ("PUT", one, queued),
        ("GET", "/v1/receipts/{receipt}", await gateway.ask("GET", queued.headers["Location"], headers=headers)),
        ("POST", batch, await gateway.ask("POST", batch, body=ndjson(offer(4), offer(5)), headers=lines)),
        ("POST", batch, await gateway.ask("POST", batch, body=ndjson(offer(6), wrong), headers=lines)),
        (
            "POST",
            batch,
            await gateway.ask("POST", f"{batch}?partial=true", body=ndjson(offer(6), wrong), headers=lines),
        ),
        ("POST", batch, await gateway.ask("POST", f"{batch}?dry_run=true", body=ndjson(offer(6)), headers=lines)),
        ("POST", batch, await gateway.ask("POST", batch, body=b"", headers=lines)),
        ("POST", "/v1/snapshots/marks", await gateway.ask("POST", "/v1/snapshots/marks", headers=headers)),
        ("POST", moderation, await gateway.ask("POST", "/v1/offers/bretagne:x/moderation", json={"action": "lift"})),
    ]
    await gateway.settled()
    requests += [
        (
            "DELETE",
            one,
            await gateway.ask("DELETE", "/v1/offers/bretagne:1?revision=2", headers={**headers, "Prefer": "wait=5"}),
        ),
        ("DELETE", one, await gateway.ask("DELETE", "/v1/offers/bretagne:1", headers=headers)),
        ("GET", one, await gateway.ask("GET", "/v1/offers/bretagne:4", who="bretagne", headers=headers)),
        ("GET", one, await gateway.ask("GET", "/v1/offers/bretagne:nothing", headers=headers)),
        ("GET", "/v1/offers", await gateway.ask("GET", "/v1/offers", who="normandie", headers=headers)),
        ("GET", "/v1/offers", await gateway.ask("GET", "/v1/offers?region=nowhere", headers=headers)),
        ("GET", "/v1/changes", await gateway.ask("GET", "/v1/changes", who="normandie", headers=headers)),
        ("GET", "/v1/changes", await gateway.ask("GET", "/v1/changes?cursor=forged", headers=headers)),
        ("GET", "/v1/receipts", await gateway.ask("GET", "/v1/receipts", headers=headers)),
        ("GET", "/v1/reference/{list}", await gateway.ask("GET", "/v1/reference/sectors", who=None)),
    ]

    assert {} == {
        f"{method} {path} {answer.status}": faults
        for method, path, answer in requests
        if (faults := held_to(method, path, answer))
    }
