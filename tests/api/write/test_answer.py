"""A list answer is the same whether it is sent at once or in pieces."""

import pytest

from gateway.api.answer import split_first
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer

OFFERS = 120


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 100])
def test_a_beginning_and_its_rest_are_the_whole(count: int) -> None:
    pieces = [b"%010d" % number for number in range(count)]
    begin, rest = split_first(pieces, 40)
    assert b"".join(pieces) == begin + b"".join(rest or ())
    assert (count <= 4) == (rest is None)


async def test_short_pages_hold_the_same_as_a_long_one(gateway: GatewayHarness) -> None:
    """FEED-001: a page over 64 kB comes in pieces, a short one has a length; both are the same changes."""
    await gateway.batch(ndjson(*(offer(number, description="Menuiserie. " * 60) for number in range(OFFERS))))
    await gateway.settled()
    long = await gateway.ask("GET", f"/v1/changes?limit={OFFERS}", who="normandie")
    assert ("chunked", None) == (long.headers.get("Transfer-Encoding"), long.headers.get("Content-Length"))
    changes, cursor, more = [], "", True
    while more:
        short = await gateway.ask("GET", f"/v1/changes?limit=20{cursor}", who="normandie")
        assert str(len(short.raw)) == short.headers["Content-Length"]
        assert long.headers["Content-Type"] == short.headers["Content-Type"]
        changes += short.body["changes"]
        cursor, more = f"&cursor={short.body['cursor']}", short.body["more"]
    assert {change["id"]: change for change in long.body["changes"]} == {change["id"]: change for change in changes}
    assert OFFERS == len(changes)
