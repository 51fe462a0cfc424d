"""Where a run finds the explanations of requirements: at the gateway of the set-up, or at a target with the page."""

from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from conformance.target.reach import reference_of
from conformance.target.setup import Setup, setup_of


@pytest.mark.parametrize(
    ("status", "kind", "found"),
    [(200, "text/html", True), (200, "application/json", False), (401, "application/problem+json", False)],
)
async def test_a_target_is_linked_to_only_where_it_has_the_page(status: int, kind: str, *, found: bool) -> None:
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=status, content_type=kind, text="x")

    app = web.Application()
    app.router.add_get("/reference", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        setup = Setup(role="gateway", target=url)
        assert (url if found else None) == await reference_of(setup, session)
        assert ["/reference"] == asked
        assert "https://p.example" == await reference_of(replace(setup, gateway="https://p.example"), session)
        assert await reference_of(Setup(role="publisher", target=""), session) is None
    assert ["/reference"] == asked


def test_the_set_up_names_the_gateway_that_explains() -> None:
    body = {"role": "national", "target": "https://site.example/api/v2", "accounts": {}}
    assert setup_of(body, {}).gateway is None
    assert "https://p.example" == setup_of({**body, "gateway": "https://p.example/"}, {}).gateway
