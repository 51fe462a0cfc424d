"""The cost of a digest: the copy is made of lines that the view keeps, without a look at an offer."""

import time
from urllib.parse import quote

import pytest

from tests.api.read.read_api import ReadApi
from tests.store.offer_topic import offer_of

pytestmark = [pytest.mark.slow, pytest.mark.alone]


async def read_all(api: ReadApi, path: str, cursor: str = "") -> tuple[float, str]:
    """The processor time of all pages from a cursor on, and the last cursor."""
    begun, more = time.process_time(), True
    while more:
        answer = await api.get(f"{path}&cursor={quote(cursor)}" if cursor else path)
        assert answer.status == 200, answer.body
        cursor, more = answer.body["cursor"], answer.body["more"]
    return time.process_time() - begun, cursor


async def test_a_digest_that_is_built_costs_less_than_half_of_reading_the_feed(api: ReadApi) -> None:
    """DIG-001: for each filter the first time."""
    for number in range(2_000):
        await api.publish(offer_of(f"bretagne:{number}"), wait=number == 1_999)
    read, built = 0.0, 0.0
    for number in range(5):
        query = f"territory=all&platform=bretagne,x{number}&limit=1000"
        taken, cursor = await read_all(api, f"/v1/changes?{query}")
        read += taken
        taken, _ = await read_all(api, f"/v1/changes/digest?{query}", cursor)
        built += taken
    assert built < read / 2
