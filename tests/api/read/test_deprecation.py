"""Deprecated addresses and parameters: on a table of their own, since none is deprecated today."""

from datetime import date
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.deprecation import DEPRECATIONS, by_route, set_deprecation
from schemas.contract import Deprecation, deprecations, mark_deprecations, precise_openapi

PAGE = "https://passerelle.example/docs/changes"
ADDRESS = Deprecation(
    method="get", path="/v1/old/{id}", since=date(2027, 9, 1), sunset=date(2028, 9, 1), page=f"{PAGE}#old"
)
PARAMETER = Deprecation(
    method="get", path="/v1/list", parameter="after", since=date(2027, 1, 15), sunset=date(2028, 1, 15), page=PAGE
)


async def _answer(_: web.Request) -> web.Response:
    return web.Response(headers={"Link": '</next>; rel="next"'})


async def _complete(request: web.Request, response: web.StreamResponse) -> None:
    set_deprecation(request, response)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/old/7", ("@1819749600", "Thu, 31 Aug 2028 22:00:00 GMT", f"{PAGE}#old")),
        ("/v1/list?after=7", ("@1799967600", "Fri, 14 Jan 2028 23:00:00 GMT", PAGE)),
        ("/v1/list?page=7", None),
        ("/v1/nothing", None),
    ],
    ids=["address", "parameter", "another parameter", "no address"],
)
async def test_an_answer_names_what_its_request_uses(method: str, path: str, expected: tuple[str, ...] | None) -> None:
    """EVO-007: days begin in Paris; other links stay."""
    app = web.Application()
    app[DEPRECATIONS] = by_route([ADDRESS, PARAMETER])
    app.on_response_prepare.append(_complete)
    app.add_routes([web.get("/v1/old/{id}", _answer), web.get("/v1/list", _answer)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.request(method, path)
        links = [link for link in answer.headers.getall("Link", ()) if "deprecation" in link]
        assert (expected is None, expected is None) == ("Deprecation" not in answer.headers, not links)
        if expected is not None:
            since, sunset, page = expected
            assert [since, sunset] == [answer.headers[name] for name in ("Deprecation", "Sunset")]
            assert [f'<{page}>; rel="deprecation"; type="text/html"'] == links
            assert 2 == len(answer.headers.getall("Link"))


def test_the_contract_marks_them() -> None:
    """EVO-007: a shared parameter is marked in this operation alone."""
    shared = {"name": "after", "in": "query"}
    document: dict[str, Any] = {
        "paths": {
            "/v1/old/{id}": {"get": {}},
            "/v1/list": {"get": {"parameters": [{"$ref": "#/components/parameters/After"}]}},
        },
        "components": {"parameters": {"After": shared}},
    }
    mark_deprecations(document, [ADDRESS, PARAMETER])
    assert {"deprecated": True} == document["paths"]["/v1/old/{id}"]["get"]
    assert [{**shared, "deprecated": True}] == document["paths"]["/v1/list"]["get"]["parameters"]
    assert "deprecated" not in shared
    with pytest.raises(KeyError):
        mark_deprecations(document, [Deprecation(**{**_members(PARAMETER), "parameter": "before"})])


def test_nothing_is_deprecated_today() -> None:
    assert [] == deprecations()
    assert "deprecated" not in str(precise_openapi()["paths"]).replace("field-deprecated", "")


def _members(one: Deprecation) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Deprecation.__dataclass_fields__}
