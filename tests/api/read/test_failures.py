"""Unexpected errors at every route: a problem document, and a log line without content of the request."""

import io
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web

from gateway.api.app import build_app
from gateway.api.malformed_http import ProblemRunner
from gateway.api.management import METRICS
from gateway.federation.counters import Metrics
from gateway.runtime.logs import configure_logs
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer, opened

CANARY = "canari-06-12-34-56-78"


class Broken:
    """A part of the gateway whose errors quote its input, as a library's may."""

    partitions = 3

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(f"{name}: {CANARY}")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with opened(tmp_path) as found:
        yield found


JSON, LINES = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "offers": ("GET", "/v1/offers", {}),
    "offer": ("GET", "/v1/offers/bretagne:1", {}),
    "changes": ("GET", "/v1/changes", {}),
    "receipts": ("GET", "/v1/receipts", {}),
    "platforms": ("GET", "/v1/platforms", {}),
    "export": ("GET", "/v1/exports/csv", {}),
    "put": ("PUT", "/v1/offers/bretagne:1", {"headers": JSON, "data": orjson.dumps(offer(1, description=CANARY * 3))}),
    "delete": ("DELETE", "/v1/offers/bretagne:1?revision=2&reason=filled", {}),
    "batch": ("POST", "/v1/offers/batch", {"headers": LINES, "data": ndjson(offer(1, description=CANARY * 3))}),
    "mark": ("POST", "/v1/snapshots/marks", {}),
    "moderation": ("POST", "/v1/offers/bretagne:1/moderation", {"headers": JSON, "data": b'{"action": "withdraw"}'}),
}


async def _sent(app: web.Application, method: str, path: str, more: dict[str, Any]) -> tuple[int, bytes]:
    runner = ProblemRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    headers = {"Authorization": "Bearer bretagne", **more.get("headers", {})}
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    try:
        async with (
            ClientSession() as session,
            session.request(method, url, data=more.get("data"), headers=headers) as response,
        ):
            return response.status, await response.read()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("name", REQUESTS)
async def test_an_unexpected_error_is_logged_by_its_type_and_location_only(gateway: GatewayHarness, name: str) -> None:
    """[ERR-011] [SEC-003]"""
    broken: Any = Broken()
    federation = replace(
        gateway.context.federation,
        log=broken,
        submissions=broken,
        offers=broken,
        receipts=broken,
        deliveries=broken,
        runs=broken,
        positions=broken,
        snapshots=broken,
    )
    app = build_app(replace(gateway.context, federation=federation))
    app[METRICS] = Metrics()
    written = io.StringIO()
    with redirect_stdout(written):
        configure_logs("debug")
        status, body = await _sent(app, *REQUESTS[name])
    assert 500 == status, body
    assert "internal-error" == orjson.loads(body)["code"]
    assert CANARY.encode() not in body
    text = written.getvalue()
    assert CANARY not in text
    (line,) = [one for one in map(orjson.loads, text.splitlines()) if one["event"] == "api.failed"]
    assert "ZeroDivisionError" == line["exception"][0]["type"]
    assert any("test_failures.py" in frame for frame in line["exception"][0]["frames"])
