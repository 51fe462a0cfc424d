"""Offers at the wrong platform: returned to an earlier one, sent twice, or not sent at all."""

from collections.abc import Sequence

from demo.client import Client
from gateway.protocol.identity import NATIONAL
from tests.interconnection.federation import Federation
from tests.interconnection.offers import REGIONS


def after(slug: str) -> str:
    """The next platform, in whose territory some offers of this one lie."""
    return REGIONS[(REGIONS.index(slug) + 1) % len(REGIONS)]


async def find_loops(deployment: Federation, operator: Client, made: Sequence[int]) -> list[str]:
    """Every misplaced or doubled offer; read after all has been delivered."""
    differences = []
    rows = [row.remote_id for row in deployment.site.stock.rows if row.owner is not None]
    expected = {f"{slug}:{name}" for slug in REGIONS for name in ("stays", "goes", "passed")}
    differences += [f"the national site was sent {name}" for name in rows if name not in expected]
    differences += [f"the national site was sent {name} twice" for name in set(rows) if rows.count(name) > 1]
    for slug, region in deployment.regions.items():
        assert region.client is not None
        seen = await _changes(region.client)
        passed = f"{REGIONS[REGIONS.index(slug) - 1]}:passed"
        differences += [f"{slug} was sent {one}" for one in seen if one.startswith(f"{slug}:") or one == passed]
        differences += [f"{slug} was not sent {one}" for one in [f"{after(slug)}:stays"] if one not in seen]
    listed = (await operator.call("GET", "/v1/offers", params={"platform": NATIONAL, "limit": "500"})).body["offers"]
    there = {one["id"] for one in listed}
    differences += [f"{one} is not what was made there" for one in there ^ {f"national:{number}" for number in made}]
    return differences


async def _changes(client: Client) -> set[str]:
    """Every offer that the platform may read, in the whole country."""
    seen: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        body = (await client.call("GET", "/v1/changes", params={"territory": "all", "limit": "500", **cursor})).body
        seen |= {change["id"] for change in body["changes"]}
        cursor = {"cursor": body["cursor"]}
        if not body["more"]:
            return seen
