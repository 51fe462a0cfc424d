"""Reference lists over HTTP."""

import pytest

import schemas
from schemas.bundle import bundled_schema
from tests.api.read.read_api import ReadApi


@pytest.mark.parametrize("name", ["sectors", "regions", "departments", "rules", "calendar"])
async def test_a_list_is_public_and_cached_by_its_version(api: ReadApi, name: str) -> None:
    answer = await api.get(f"/v1/reference/{name}", None)
    assert (answer.status, answer.body) == (200, schemas.reference(name))
    assert {"version", "source", "licence", "items"} <= set(answer.body)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    again = await api.get(f"/v1/reference/{name}", None, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


async def test_an_unknown_list_is_not_found(api: ReadApi) -> None:
    assert (await api.get("/v1/reference/secrets", None)).status == 404


async def test_the_schema_of_profiles_is_public_and_cached(api: ReadApi) -> None:
    answer = await api.get("/v1/schemas/profile.json", None)
    assert (answer.status, answer.body) == (200, bundled_schema("profile"))
    assert answer.headers["Content-Type"] == "application/schema+json"
    again = await api.get("/v1/schemas/profile.json", None, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    assert (await api.get("/v1/schemas/partner.json", None)).status == 404
