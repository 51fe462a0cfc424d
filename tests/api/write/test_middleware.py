"""The request middleware: each request is traced once and counted once, and every answer has the same headers."""

import asyncio
from http import HTTPStatus

import orjson
import pytest
import structlog

from tests.api.write.gateway_harness import GatewayHarness, offer


@pytest.mark.parametrize(
    ("method", "path", "who", "status", "platform"),
    [
        ("GET", "/v1/receipts", "bretagne", 200, "bretagne"),
        ("GET", "/v1/receipts", None, 401, None),
        ("GET", "/v1/receipts", "gone", 401, None),
        ("GET", "/v1/receipts", "bretagne/offers:read", 403, "bretagne"),
        ("GET", "/v1/receipts?limit=x", "bretagne", 400, "bretagne"),
        ("GET", "/nowhere", "bretagne", 404, None),
        ("PATCH", "/v1/offers/bretagne:1", "bretagne", 405, None),
        ("GET", "/v1/openapi.json", None, 200, None),
    ],
)
async def test_every_answer_has_a_request_id_and_one_log_line(
    gateway: GatewayHarness, method: str, path: str, who: str | None, status: int, platform: str | None
) -> None:
    """ERR-010: its id is on the answer and in its log line; only an authenticated partner is named and has a rate."""
    with structlog.testing.capture_logs() as lines:
        answer = await gateway.ask(method, path, who=who, headers={"X-Request-Id": "abcd-1234"})
    logged = [(line["status"], line["platform"]) for line in lines if line["event"] == "api.request"]
    assert ([(status, platform)], status, "abcd-1234") == (logged, answer.status, answer.headers["X-Request-Id"])
    counted = platform is not None and status != HTTPStatus.FORBIDDEN
    assert counted == ("RateLimit" in answer.headers)


async def test_lines_of_requests_at_once_keep_their_own_ids(gateway: GatewayHarness) -> None:
    """ERR-010: log lines of a request have its id."""
    gateway.log.refusing.add("submissions")
    names = [f"request-{number}" for number in range(12)]
    heard: list[tuple[str, str]] = []

    def hear(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        heard.append((event["event"], event.get("request_id", "–")))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, hear])
    await asyncio.gather(
        *(gateway.ask("PUT", "/v1/offers/bretagne:1", json=offer(1), headers={"X-Request-Id": name}) for name in names)
    )
    assert sorted(names) == sorted(name for event, name in heard if event == "api.log_failed")
    assert sorted(names) == sorted(name for event, name in heard if event == "api.request")


async def test_a_document_that_comes_in_pieces_is_judged_as_one_that_comes_whole(gateway: GatewayHarness) -> None:
    """PUB-001: the answer depends on the content, not on its chunks."""
    raw = orjson.dumps(offer(1))

    async def slowly() -> object:
        for at in range(0, len(raw), 100):
            yield raw[at : at + 100]
            await asyncio.sleep(0.002)

    headers = {"Content-Type": "application/json"}
    path = "/v1/offers/bretagne:1?dry_run=true"
    whole = await gateway.ask("PUT", path, body=raw, headers=headers)
    pieces = await gateway.ask("PUT", path, body=slowly(), headers=headers)
    assert (200, whole.body) == (whole.status, pieces.body)


@pytest.mark.parametrize("body", [b"", b"{" * 100_001])
async def test_a_fully_buffered_document_has_the_same_bounds(gateway: GatewayHarness, body: bytes) -> None:
    """PUB-007: an empty one is refused as such, a large one by its size."""

    async def chunked() -> object:
        yield body

    for sent in (body or None, chunked()):
        answer = await gateway.ask(
            "PUT", "/v1/offers/bretagne:1", body=sent, headers={"Content-Type": "application/json"}
        )
        assert (413 if body else 422) == answer.status
