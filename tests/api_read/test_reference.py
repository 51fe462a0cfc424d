"""Reference lists over HTTP."""

import pytest

import schemas
from tests.api_read.house import House


@pytest.mark.parametrize("name", ["sectors", "regions", "departments", "rules", "calendar"])
async def test_anybody_reads_a_list_with_its_version_once(house: House, name: str) -> None:
    answer = await house.get(f"/v1/reference/{name}", None)
    assert (answer.status, answer.body) == (200, schemas.reference(name))
    assert {"version", "source", "licence", "items"} <= set(answer.body)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    again = await house.get(f"/v1/reference/{name}", None, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


async def test_there_is_no_other_list(house: House) -> None:
    assert (await house.get("/v1/reference/secrets", None)).status == 404
