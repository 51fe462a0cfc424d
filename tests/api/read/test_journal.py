"""``GET /v1/journal``: what operators did, for the scope ``operate`` alone (SEC-014)."""

from typing import Any

import pytest

from gateway.operate.journal import Journal
from gateway.protocol.journal import Act, Actor
from gateway.protocol.record import utc
from gateway.protocol.topic import JOURNAL
from tests.api.read.read_api import Answer, ReadApi

PATH = "/v1/journal"
WHO = "normandie/operate"
BY = Actor(name="Name of a person")


@pytest.fixture
async def written(api: ReadApi) -> ReadApi:
    journal: Journal = api.context.federation.acts
    await journal.write(Act(act="partner.add", about="bretagne", details={"scopes": ["offers:read"]}), BY)
    await journal.write(Act(act="offer.moderate", about="bretagne:1", why="No employer"), Actor(client="normandie"))
    api.clock.move(3_600)
    await journal.write(Act(act="offer.lift", about="bretagne:1"), Actor(name="Name of a person", client="normandie"))
    assert await api.context.federation.journal.reached(await api.context.federation.log.ends(JOURNAL), 10)
    return api


def numbers(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [entry["number"] for entry in answer.body["journal"]]


async def test_entries_are_read_newest_first_with_names(written: ReadApi) -> None:
    answer = await written.get(PATH, WHO)
    assert [3, 2, 1] == numbers(answer)
    first = answer.body["journal"][-1]
    assert ("partner.add", "bretagne", "Name of a person") == (first["act"], first["about"], first["name"])
    assert {"scopes": ["offers:read"]} == first["details"]
    second = answer.body["journal"][1]
    assert ("normandie", "No employer") == (second["client"], second["why"])
    assert "name" not in second
    assert "private, no-cache" == answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "who", ["bretagne/offers:publish", "bretagne/offers:read", "bretagne/offers:publish+offers:read"]
)
async def test_only_an_operator_reads_it(written: ReadApi, who: str) -> None:
    """SEC-014: neither entries about a platform nor its own acts."""
    assert 403 == (await written.get(PATH, who)).status


async def test_filters_select_together(written: ReadApi) -> None:
    later = utc(written.clock() - 60_000)
    for query, expected in (
        ("act=offer.lift,partner.add", [3, 1]),
        ("about=bretagne:1", [3, 2]),
        ("by=Name%20of%20a%20person", [3, 1]),
        ("by=Nobody", []),
        ("client=normandie", [3, 2]),
        (f"since={later}", [3]),
        (f"until={later}", [2, 1]),
        ("by=Name%20of%20a%20person&client=normandie&act=offer.lift", [3]),
    ):
        assert expected == numbers(await written.get(f"{PATH}?{query}", WHO)), query


@pytest.mark.parametrize("query", ["act=offer.delete", "about=", "by=%00", "client=No", "since=today", "order=newest"])
async def test_a_wrong_parameter_is_refused(written: ReadApi, query: str) -> None:
    """ERR-002"""
    assert 400 == (await written.get(f"{PATH}?{query}", WHO)).status


async def test_pages_follow_one_another_also_when_a_name_is_erased_meanwhile(written: ReadApi) -> None:
    query = "limit=1&by=Name%20of%20a%20person"
    page = await written.get(f"{PATH}?{query}", WHO)
    assert ([3], True) == (numbers(page), page.body["more"])
    following = f"{PATH}?{query}&cursor={page.body['cursor']}"
    assert [1] == numbers(await written.get(following, WHO))
    await written.context.federation.acts.erase_name("Name of a person", Actor(client="normandie"))
    assert [] == numbers(await written.get(following, WHO))
    assert 400 == (await written.get(f"{PATH}?cursor={page.body['cursor']}", WHO)).status


async def test_an_erased_name_is_null(written: ReadApi) -> None:
    await written.context.federation.acts.erase_name("Name of a person", Actor(client="normandie"))
    assert await written.context.federation.journal.reached(await written.context.federation.log.ends(JOURNAL), 10)
    answer = await written.get(PATH, WHO)
    found: dict[int, Any] = {entry["number"]: entry.get("name", "") for entry in answer.body["journal"]}
    assert {4: "", 3: None, 2: "", 1: None} == found
    assert "Name of a person" not in str(answer.body)


async def test_a_name_is_erased_over_http(written: ReadApi) -> None:
    path = f"{PATH}/erasures"
    wrong: list[Any] = [{}, {"name": ""}, {"name": 1}, {"name": "x", "why": "y"}, []]
    for expected in (True, False):
        answer = await written.client.post(
            path, json={"name": " Name  of a person "}, headers={"Authorization": f"Bearer {WHO}"}
        )
        assert (200, {"erased": expected}) == (answer.status, await answer.json())
    for body in wrong:
        answer = await written.client.post(path, json=body, headers={"Authorization": f"Bearer {WHO}"})
        assert 400 == answer.status
    answer = await written.client.post(
        path, json={"name": "x"}, headers={"Authorization": "Bearer bretagne/offers:read"}
    )
    assert 403 == answer.status


async def test_while_it_is_filled_nothing_is_said(api: ReadApi) -> None:
    """ERR-008"""
    async with api.filling(JOURNAL) as filling:
        assert 503 == (await filling.get(PATH, WHO)).status
