"""Offers of a later version, read by this one: nothing of a masked offer that it cannot judge goes out."""

from typing import Any

import orjson
import pytest

from gateway.protocol.record import Record, offer_record
from gateway.protocol.topic import OFFERS
from tests.api.read.read_api import ReadApi
from tests.store.offer_topic import offer_of

CANARY = "canary-of-a-later-version"
MASKED = "bretagne:masked"
WAYS = (
    "/v1/offers?territory=all&limit=1000",
    f"/v1/offers/{MASKED}",
    "/v1/changes?territory=all",
    "/v1/exports/csv?territory=all",
    "/v1/exports/jobposting?territory=all",
    "/v1/exports/rss?territory=all",
    "/v1/platforms",
    "/v1/statistics",
)


def later(value: Any) -> Any:
    """A document with an unknown member in each of its objects, at every depth."""
    if isinstance(value, list):
        return [later(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {**{name: later(member) for name, member in value.items()}, "later": CANARY, "laters": {"deep": [CANARY]}}


async def put_later(api: ReadApi, offer_id: str, **wishes: Any) -> None:
    """Put a live offer with later members on the log, in the offer, its territory and the record itself."""
    offer = offer_of(offer_id, rome={"code": "A1101", "version": "4"}, restrictions={"rep": True}, **wishes)
    record = offer_record(api.offer_topic.publish(offer | {"schedule": {"monday": {"start": "09:00", "end": "16:00"}}}))
    body = orjson.loads(record.value or b"")
    assert record.key is not None
    await api.put(OFFERS, Record(record.key, orjson.dumps(later(body)), record.headers))


@pytest.mark.parametrize("way", WAYS)
async def test_no_later_member_of_a_masked_offer_goes_out_by_any_way(api: ReadApi, way: str) -> None:
    """RTE-013."""
    await put_later(api, MASKED, redistribution={"mask_employer": True})
    answer = await api.get(way)
    assert 200 == answer.status
    text = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body).decode()
    assert CANARY not in text


async def test_a_masked_offer_is_not_lost_by_its_later_members(api: ReadApi) -> None:
    """It is listed, fed and exported like one without them; its publisher reads it whole."""
    await put_later(api, MASKED, redistribution={"mask_employer": True})
    listed, changes = await api.get("/v1/offers?territory=all"), await api.get("/v1/changes?territory=all")
    assert ([MASKED], [MASKED]) == (
        [one["id"] for one in listed.body["offers"]],
        [one["id"] for one in changes.body["changes"]],
    )
    assert MASKED in (await api.get("/v1/exports/csv?territory=all")).body
    own = await api.get(f"/v1/offers/{MASKED}", "bretagne")
    assert CANARY == own.body["offer"]["employer"]["later"]


async def test_an_offer_that_is_not_masked_is_relayed_with_its_later_members(api: ReadApi) -> None:
    """EVO-001: a reader of this version ignores them, one of the later version has them."""
    await put_later(api, "bretagne:open")
    (change,) = (await api.get("/v1/changes?territory=all")).body["changes"]
    assert (CANARY, CANARY) == (change["offer"]["later"], change["offer"]["employer"]["later"])
