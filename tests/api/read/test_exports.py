"""Exports over HTTP: the complete list of offers in other formats."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.api.exports import EXPORTS
from gateway.protocol.rendering import Rendering
from gateway.protocol.topic import OFFERS
from tests.api.read.read_api import Answer, ReadApi
from tests.store.offer_topic import offer_of

pytestmark = pytest.mark.slow

PAGE = 200


def lines(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200
    return list(csv.DictReader(io.StringIO(answer.body.removeprefix("\ufeff"), newline=""), delimiter=";"))


def ids(answer: Answer) -> list[str]:
    return sorted(line["id"] for line in lines(answer))


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


async def fill(api: ReadApi, number: int, **how: Any) -> None:
    for count in range(number):
        await api.publish(offer_of(f"bretagne:{count}"), wait=count == number - 1, **how)
    assert await api.context.federation.offers.reached(await api.context.federation.log.ends("offers"), 10)


async def test_an_export_holds_all_that_the_list_gives_page_by_page(api: ReadApi) -> None:
    """RTE-011: more than one page of them, once each."""
    await fill(api, 2 * PAGE + 10)
    expected = sorted(f"bretagne:{count}" for count in range(2 * PAGE + 10))
    assert expected == ids(await api.get("/v1/exports/csv"))
    postings = await api.get("/v1/exports/jobposting")
    assert expected == sorted(one["identifier"]["value"] for one in postings.body["@graph"])
    feed = ET.fromstring((await api.get("/v1/exports/rss")).body.encode())
    assert expected == sorted(guid.text or "" for guid in feed.iter("guid"))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?territory=all",
        "?region=53&level=seconde",
        "?department=75,35&sector=s12",
        "?platform=bretagne",
        "?week=2027-W30",
    ],
)
async def test_filters_and_default_territory_are_those_of_the_list(api: ReadApi, query: str) -> None:
    """RTE-011."""
    await api.publish(offer_of("bretagne:1"))
    await api.publish(offer_of("bretagne:2", levels=["troisieme"], sector="s1"))
    await api.publish(offer_of("bretagne:75"), department="75")
    await api.publish(offer_of("normandie:3", weeks=["2027-W30"]))
    await api.publish(offer_of("rennes:own"))
    listed = await api.get(f"/v1/offers{query}")
    assert sorted(offer["id"] for offer in listed.body["offers"]) == ids(await api.get(f"/v1/exports/csv{query}"))


async def test_an_export_holds_only_what_the_subscriber_may_see(api: ReadApi) -> None:
    """RTE-011, RTE-002, RTE-003, RTE-005: nothing that is not shared with it, and no employer that is masked."""
    await api.publish(offer_of("bretagne:masked", redistribution={"mask_employer": True}))
    await api.publish(offer_of("bretagne:kept", redistribution={"regions": False}))
    await api.publish(offer_of("bretagne:echo"), passed=("rennes",))
    await api.publish(offer_of("bretagne:gone"))
    await api.withdraw("bretagne:gone")
    for form in ("csv", "jobposting", "rss"):
        answer = await api.get(f"/v1/exports/{form}")
        text = str(answer.body)
        assert "bretagne:masked" in text
        assert not any(word in text for word in ("Le Goff", "73282932000074", "rue du Port", "kept", "echo", "gone"))
    [own] = [
        line for line in lines(await api.get("/v1/exports/csv?platform=bretagne", "bretagne")) if "masked" in line["id"]
    ]
    assert "Menuiserie Le Goff" == own["employer_name"]


async def test_an_export_flags_possible_duplicates(api: ReadApi) -> None:
    """RTE-007."""
    await api.publish(offer_of("bretagne:1"))
    await api.publish(offer_of("normandie:2"))
    await api.context.federation.offers.settle()
    found = {line["id"]: line["possible_duplicates"] for line in lines(await api.get("/v1/exports/csv"))}
    assert {"bretagne:1": "normandie:2", "normandie:2": "bretagne:1"} == found


async def test_an_entity_tag_saves_reading_again_until_something_changes(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    first = await api.get("/v1/exports/csv")
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    again = await api.get("/v1/exports/csv", headers={"If-None-Match": tag})
    assert (304, "", tag) == (again.status, again.body, again.headers["ETag"])
    for other, who in (("rss", "rennes"), ("csv?territory=all", "rennes"), ("csv", "normandie")):
        assert 200 == (await api.get(f"/v1/exports/{other}", who, headers={"If-None-Match": tag})).status
    await api.publish(offer_of("bretagne:2"))
    changed = await api.get("/v1/exports/csv", headers={"If-None-Match": tag})
    assert ["bretagne:1", "bretagne:2"] == ids(changed)


@pytest.mark.parametrize(
    ("form", "kind", "name"),
    [
        ("csv", "text/csv; charset=utf-8; header=present", "offers.csv"),
        ("jobposting", "application/ld+json", "offers.jsonld"),
        ("rss", "application/rss+xml; charset=utf-8", "offers.rss"),
    ],
)
async def test_an_export_has_its_media_type_and_a_file_name(api: ReadApi, form: str, kind: str, name: str) -> None:
    headers = (await api.get(f"/v1/exports/{form}")).headers
    assert (kind, f'attachment; filename="{name}"') == (headers["Content-Type"], headers["Content-Disposition"])
    assert ("private, no-cache", "Authorization, Accept-Encoding") == (headers["Cache-Control"], headers["Vary"])


@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("identity", None)]
)
async def test_an_export_is_compressed_where_the_client_accepts_that(
    api: ReadApi, accepted: str, coding: str | None
) -> None:
    await api.publish(offer_of("bretagne:1"))
    answer = await api.get("/v1/exports/csv", headers={"Accept-Encoding": accepted})
    assert (coding, ["bretagne:1"]) == (answer.headers.get("Content-Encoding"), ids(answer))


async def test_a_head_request_gets_the_headers_only(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    for path in ("/v1/exports/csv", "/v1/offers"):
        async with api.client.head(path, headers={"Authorization": "Bearer rennes"}) as response:
            assert (200, b"") == (response.status, await response.read())


async def test_an_unknown_format_is_not_found_and_an_unknown_parameter_is_named(api: ReadApi) -> None:
    """ERR-002: an export is whole, and takes no limit."""
    assert (404, "not-found") == code(await api.get("/v1/exports/xlsx"))
    assert (400, "parameter-unknown") == code(await api.get("/v1/exports/csv?limit=5"))
    assert (403, "scope-missing") == code(await api.get("/v1/exports/csv", "rennes/offers:publish"))


async def test_the_number_of_exports_at_once_is_limited(api: ReadApi) -> None:
    """ERR-008: half of the slots for one subscriber."""
    exports = api.client.app[EXPORTS]
    with exports.one("rennes"), exports.one("rennes"):
        busy = await api.get("/v1/exports/csv")
        assert ((503, "exports-busy"), "5") == (code(busy), busy.headers["Retry-After"])
        assert 200 == (await api.get("/v1/exports/csv", "normandie")).status
    assert 200 == (await api.get("/v1/exports/csv")).status


async def served(api: ReadApi, rendering: Rendering) -> bytes:
    """An export with another rendering, as a client gets it."""
    context = replace(api.context, renderings={"odd": rendering})
    async with (
        TestClient(TestServer(build_app(context))) as client,
        client.get("/v1/exports/odd", headers={"Authorization": "Bearer rennes"}) as response,
    ):
        return await response.read()


def odd(item: Any) -> Rendering:
    return Rendering(media_type="text/plain", extension="txt", begin=b"<", item=item, between=b",", end=b">")


async def test_an_export_that_fails_midway_does_not_look_complete(api: ReadApi) -> None:
    """RTE-011: neither when an offer cannot be written, nor when the view is emptied meanwhile."""
    await fill(api, PAGE + 1)

    def fail(_: Any) -> bytes:
        raise ZeroDivisionError

    def empty_the_view(document: Any) -> bytes:
        api.context.federation.offers.updated.began += 1
        return str(document["id"]).encode()

    assert 2 * PAGE < len(await served(api, odd(lambda document: document["id"].encode())))
    for item in (fail, empty_the_view):
        with pytest.raises(ClientError):
            await served(api, odd(item))


async def test_answers_are_503_until_the_view_has_caught_up(tmp_path: Path) -> None:
    """ERR-008."""
    async with ReadApi.open(tmp_path) as api, api.filling(OFFERS) as behind:
        answer = await behind.get("/v1/exports/csv")
    assert (503, "view-behind") == (answer.status, answer.body["code"])
