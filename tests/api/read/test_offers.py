"""Current offers over HTTP."""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from tests.api.read.read_api import ReadApi
from tests.store.offer_topic import offer_of


def ids(answer: Any) -> list[str]:
    return sorted(offer["id"] for offer in answer.body["offers"])


async def test_an_offer_is_returned_with_its_metadata(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    answer = await api.get("/v1/offers/bretagne:1")
    assert answer.status == 200
    assert answer.body == {
        "id": "bretagne:1",
        "sequence": api.offer_topic.states["bretagne:1"].known.sequence,
        "offer": offer_of("bretagne:1"),
        "territory": {"department": "35", "region": "53", "academie": "rennes"},
        "provenance": ["bretagne"],
    }


async def test_an_entity_tag_saves_reading_again_until_the_offer_changes(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    tag = (await api.get("/v1/offers/bretagne:1")).headers["ETag"]
    again = await api.get("/v1/offers/bretagne:1", headers={"If-None-Match": tag})
    assert (again.status, again.body, again.headers["ETag"]) == (304, "", tag)
    await api.publish(offer_of("bretagne:1", title="Autre titre"))
    changed = await api.get("/v1/offers/bretagne:1", headers={"If-None-Match": tag})
    assert (changed.status, changed.body["offer"]["title"]) == (200, "Autre titre")


async def test_a_new_possible_duplicate_changes_the_tag(api: ReadApi) -> None:
    """RTE-007: flagged, not withheld."""
    await api.publish(offer_of("bretagne:1"))
    await api.context.federation.offers.settle()
    tag = (await api.get("/v1/offers/bretagne:1")).headers["ETag"]
    await api.publish(offer_of("normandie:2"))
    answer = await api.get("/v1/offers/bretagne:1", headers={"If-None-Match": tag})
    assert (answer.status, answer.body["possible_duplicates"]) == (200, ["normandie:2"])
    assert [offer.get("possible_duplicates") for offer in (await api.get("/v1/offers")).body["offers"]] == [
        ["normandie:2"] if offer["id"] == "bretagne:1" else ["bretagne:1"]
        for offer in (await api.get("/v1/offers")).body["offers"]
    ]


async def test_a_withdrawn_offer_is_410_to_its_publisher_and_404_to_others(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    await api.withdraw("bretagne:1", "cancelled")
    own = await api.get("/v1/offers/bretagne:1", "bretagne")
    assert (own.status, own.body["marker"]["reason"], own.body["marker"]["revision"]) == (410, "cancelled", 2)
    assert (await api.get("/v1/offers/bretagne:1")).status == 404


@pytest.mark.parametrize("path", ["bretagne:2", "bretagne:hidden", "no-such:1"])
async def test_an_unknown_and_a_hidden_offer_get_the_same_404(api: ReadApi, path: str) -> None:
    """ERR-003: no answer reveals to other partners whether an offer exists."""
    await api.publish(offer_of("bretagne:hidden", redistribution={"regions": False}))
    unknown = await api.get("/v1/offers/bretagne:unknown")
    answer = await api.get(f"/v1/offers/{path}")
    assert (answer.status, answer.body) == (404, unknown.body)


@pytest.mark.parametrize("path", ["not an id", "a%2fb", "%00", "x" * 300])
async def test_a_malformed_id_is_refused_alike_by_every_method(api: ReadApi, path: str) -> None:
    """IDN-005"""
    answer = await api.get(f"/v1/offers/{path}")
    assert (answer.status, answer.body["code"]) == (400, "id-in-path")


async def test_an_offer_that_redistribution_or_provenance_forbids_is_not_returned(api: ReadApi) -> None:
    """RTE-002, RTE-003; the publisher reads its own all the same."""
    await api.publish(offer_of("bretagne:1", redistribution={"regions": False}), passed=("national",))
    statuses = [(await api.get("/v1/offers/bretagne:1", who)).status for who in ("rennes", "national", "bretagne")]
    assert statuses == [404, 404, 200]


async def test_a_masked_employer_is_hidden_from_all_but_its_publisher(api: ReadApi) -> None:
    """RTE-005, also from a bounding box."""
    coordinates = {"latitude": 48.11, "longitude": -1.68}
    offer = offer_of("bretagne:1", location=coordinates, redistribution={"mask_employer": True})
    await api.publish(offer)
    document = (await api.get("/v1/offers/bretagne:1")).body["offer"]
    assert (document["employer"], document["location"]) == ({}, {"postal_code": "35000", "city": "Rennes"})
    assert (await api.get("/v1/offers/bretagne:1", "bretagne")).body["offer"] == offer
    assert ids(await api.get("/v1/offers?bbox=-2,48,-1,49")) == []
    assert ids(await api.get("/v1/offers")) == ["bretagne:1"]


async def test_the_partners_territory_is_the_default_and_no_permission(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:35"))
    await api.publish(offer_of("bretagne:75"), department="75")
    await api.publish(offer_of("bretagne:59"), department="59")
    assert ids(await api.get("/v1/offers")) == ["bretagne:35"]
    assert ids(await api.get("/v1/offers?department=75,59")) == ["bretagne:59", "bretagne:75"]
    assert ids(await api.get("/v1/offers?region=11&region=32")) == ["bretagne:59", "bretagne:75"]
    assert ids(await api.get("/v1/offers?territory=all")) == ["bretagne:35", "bretagne:59", "bretagne:75"]
    assert ids(await api.get("/v1/offers", "normandie")) == ["bretagne:35", "bretagne:59", "bretagne:75"]


async def test_filters_combine_and_their_values_are_alternatives(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1", levels=["troisieme"], sector="s1", weeks=["2027-W10"]))
    await api.publish(offer_of("bretagne:2", levels=["seconde"], sector="s2", weeks=["2027-W24"]))
    await api.publish(offer_of("normandie:3", levels=["seconde"], sector="s1", weeks=["2027-W10", "2027-W11"]))
    for query, expected in {
        "level=troisieme": ["bretagne:1"],
        "level=troisieme,seconde&sector=s1": ["bretagne:1", "normandie:3"],
        "week=2027-W11&week=2027-W24": ["bretagne:2", "normandie:3"],
        "platform=normandie&level=seconde": ["normandie:3"],
        "platform=normandie&level=troisieme": [],
    }.items():
        assert ids(await api.get(f"/v1/offers?{query}")) == expected, query


async def test_a_publishers_own_offers_are_listed_on_request(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1", redistribution={"regions": False}))
    await api.publish(offer_of("normandie:1"))
    assert ids(await api.get("/v1/offers", "bretagne")) == ["normandie:1"]
    assert ids(await api.get("/v1/offers?platform=bretagne", "bretagne")) == ["bretagne:1"]


async def test_pages_give_each_offer_once(api: ReadApi) -> None:
    for number in range(25):
        await api.publish(offer_of(f"bretagne:{number}"))
    found, path = [], "/v1/offers?limit=4"
    while path:
        page = (await api.get(path)).body
        found += [offer["id"] for offer in page["offers"]]
        assert page["more"] == (page["cursor"] is not None)
        path = f"/v1/offers?limit=4&cursor={page['cursor']}" if page["more"] else ""
    assert sorted(found) == sorted(f"bretagne:{number}" for number in range(25))


async def test_a_lists_cursor_is_good_for_its_log_alone(api: ReadApi) -> None:
    """FEED-005: on another or a restored log the same offsets hold other offers; some would be skipped."""
    for number in range(2):
        await api.publish(offer_of(f"bretagne:{number}"))
    cursor = (await api.get("/v1/offers?limit=1")).body["cursor"]
    restored = build_app(replace(api.context, federation=replace(api.context.federation, identity="another")))
    async with (
        TestClient(TestServer(restored)) as client,
        client.get(f"/v1/offers?limit=1&cursor={cursor}", headers={"Authorization": "Bearer rennes"}) as response,
    ):
        assert (400, "cursor-filter") == (response.status, (await response.json(content_type=None))["code"])


async def test_a_lists_cursor_is_good_for_that_list_alone(api: ReadApi) -> None:
    """FEED-004 and FEED-005 hold for lists too; a cursor of the feed is none of a list's, nor the other way round."""
    for number in range(3):
        await api.publish(offer_of(f"bretagne:{number}"))
    cursor = (await api.get("/v1/offers?limit=1")).body["cursor"]
    other = await api.get(f"/v1/offers?limit=1&level=seconde&cursor={cursor}")
    assert (other.status, other.body["type"]) == (400, "urn:fr:stages:problem:cursor-filter")
    reader = await api.get(f"/v1/offers?limit=1&department=35&cursor={cursor}", "normandie")
    assert (reader.status, reader.body["type"]) == (400, "urn:fr:stages:problem:cursor-filter")
    feed = (await api.get("/v1/changes")).body["cursor"]
    for forged in ("AAAA", cursor[:-2] + "AA", feed, "é"):
        answer = await api.get(f"/v1/offers?cursor={forged}")
        assert (answer.status, answer.body["type"]) == (400, "urn:fr:stages:problem:cursor-forged")
    assert (await api.get(f"/v1/changes?cursor={cursor}")).body["type"] == "urn:fr:stages:problem:cursor-forged"


async def test_an_unchanged_list_is_304(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    tag = (await api.get("/v1/offers")).headers["ETag"]
    assert (await api.get("/v1/offers", headers={"If-None-Match": tag})).status == 304
    assert (await api.get("/v1/offers?level=seconde", headers={"If-None-Match": tag})).status == 200
    assert (await api.get("/v1/offers", "normandie", headers={"If-None-Match": tag})).status == 200
    await api.withdraw("bretagne:1")
    assert (await api.get("/v1/offers", headers={"If-None-Match": tag})).status == 200


async def test_reading_needs_a_token_and_its_scope(api: ReadApi) -> None:
    """SEC-001, SEC-002."""
    for path in ("/v1/offers", "/v1/offers/bretagne:1", "/v1/changes", "/v1/receipts", "/v1/receipts/r"):
        statuses = [(await api.get(path, who)).status for who in (None, "forged", "stranger", "nothing")]
        assert statuses == [401, 401, 401, 403], path


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("region=99", "region"),
        ("department=35,1", "department"),
        ("department=", "department"),
        ("level=terminale", "level"),
        ("week=2027-24", "week"),
        ("week=2027-W53", "week"),
        ("week=2027-W24%0A", "week"),
        ("sector=s99", "sector"),
        ("platform=Bretagne", "platform"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=2,48,1,49", "bbox"),
        ("bbox=nan,48,1,49", "bbox"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=5&limit=6", "limit"),
        ("territory=home", "territory"),
        ("cursor=", "cursor"),
    ],
)
async def test_a_wrong_value_is_refused_with_the_expected_ones(api: ReadApi, query: str, parameter: str) -> None:
    """ERR-002."""
    answer = await api.get(f"/v1/offers?{query}", headers={"Accept-Language": "en"})
    assert (answer.status, answer.body["type"]) == (400, "urn:fr:stages:problem:parameter-invalid")
    assert parameter in answer.body["detail"]


async def test_an_unknown_parameter_is_refused_with_the_nearest_name(api: ReadApi) -> None:
    """ERR-002: ignored in silence, a misspelt filter would give everything."""
    answer = await api.get("/v1/offers?departement=35")
    assert (answer.status, answer.body["type"]) == (400, "urn:fr:stages:problem:parameter-unknown")
    assert (answer.body["nearest"], answer.headers["Content-Language"]) == ("department", "fr")
    assert (await api.get("/v1/offers/bretagne:1?x=1")).status == 400
    assert (await api.get("/v1/offers?wait=3")).status == 400


async def test_all_wrong_parameters_are_reported_at_once(api: ReadApi) -> None:
    answer = await api.get("/v1/offers?level=x&week=y&limit=z&colour=red")
    assert len(answer.body["problems"]) == 4
