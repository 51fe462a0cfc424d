"""A Region that pushed 500 offers by its own account is taken over by the real command: nothing twice, nothing lost."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.profile.profile import profiles
from demo.client import NDJSON
from demo.national_site.stock import SiteOffer
from gateway.runtime.loop import run
from tests.interconnection.deployment import SiteDeployment, deployed, until
from tests.interconnection.offers import TOWNS, Offer, made_there, offer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COUNT = 500
EXTRA = 3
SLUG, OTHER = "bretagne", "occitanie"
SPEED = 60.0


@pytest.mark.parametrize("log", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_a_region_with_500_offers_there_is_adopted_by_the_command(
    log: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The gateway is killed while it sends the adopted offers."""
    run(_take_over(tmp_path, request.getfixturevalue("kafka_servers") if log == "kafka" else None))


async def _take_over(folder: Path, kafka: str | None) -> None:
    accounts = {"own": [SLUG], "shared": ["*"]}
    async with deployed(folder, speed=SPEED, kafka=kafka, accounts=accounts, own=SLUG) as deployment:
        known = [_offer(SLUG, number) for number in range(COUNT)]
        new = [_offer(SLUG, f"new-{number}") for number in range(2)]
        names = [_push(deployment, f"old-{number}", one) for number, one in enumerate(known)]
        extra = [_push(deployment, f"extra-{number}", _offer(SLUG, f"gone-{number}")) for number in range(EXTRA)]
        await _publish(deployment, SLUG, [*known, *new])
        await _publish(deployment, OTHER, [_offer(OTHER, 1)])
        await until(lambda: _live(deployment, OTHER) == {f"{OTHER}:1"}, deployment)

        code, output = await deployment.command("national", "adopt", SLUG)
        assert (0, {*names, *extra}) == (code, _live(deployment, SLUG)), output
        for line in (f"matched: {COUNT}", "missing: 2", f"extra: {EXTRA}", "Nothing was changed.", *extra):
            assert line in output

        code, output = await deployment.command("national", "adopt", SLUG, "--apply")
        assert 0 == code, output
        assert f"deleted: {EXTRA}" in output
        await until(lambda: _answered(deployment, "PATCH") > COUNT // 5, deployment)
        await deployment.restart()
        expected = {*names, *(one["id"] for one in new)}
        await until(lambda: _live(deployment, SLUG) == expected and not _stale(deployment), deployment)

        await _publish(deployment, SLUG, [{**known[0], "revision": 2, "title": "Changée"}])
        await _withdraw(deployment, known[1])
        await until(
            lambda: _row(deployment, "old-0").title == "Changée" and not _row(deployment, "old-1").kept, deployment
        )
        assert expected - {"old-1"} == _live(deployment, SLUG)
        assert 3 == _answered(deployment, "POST", 201)
        assert EXTRA + 1 == _answered(deployment, "DELETE", 200)  # each is repeated until nothing is left to delete
        assert [] == _made_twice(deployment)
        assert {f"{OTHER}:1"} == _live(deployment, OTHER)
        code, output = await deployment.command("national", "reconcile", "--account", "own")
        assert 0 == code, output
        assert COUNT + 1 == (await deployment.standing())[SLUG]["details"]["delivered"]


def _offer(slug: str, name: int | str) -> Offer:
    """Every other one has the name under which it was pushed; the others are matched by their address."""
    named = {"national_remote_id": f"old-{name}"} if isinstance(name, int) and name % 2 == 0 and slug == SLUG else {}
    host = profiles()[slug].hosts[0]
    return {**offer(slug, name, town=TOWNS[slug], host=host, **named), "revision": 1}


def _push(deployment: SiteDeployment, remote_id: str, one: Offer) -> str:
    """The row that the Region once pushed for an offer; its address may have changed since."""
    owner = next(one for one in deployment.site.stock.operators if one.email == "own@example.org")
    address = one["apply_url"] + ("?ancienne" if "national_remote_id" in one else "")
    fields: dict[str, Any] = made_there(TOWNS[SLUG], "poussée")
    deployment.site.publish_on_site(**fields, owner=owner, remote_id=remote_id, permalink=address)
    return remote_id


async def _publish(deployment: SiteDeployment, slug: str, offers: list[Offer]) -> None:
    async with deployment.client(slug) as client:
        body = b"".join(orjson.dumps(one) + b"\n" for one in offers)
        answer = await client.call(
            "POST", "/v1/offers/batch", body=body, media_type=NDJSON, headers={"Prefer": "wait=30"}
        )
        assert answer.ok, answer.explain()


async def _withdraw(deployment: SiteDeployment, one: Offer) -> None:
    async with deployment.client(SLUG) as client:
        asked = {"revision": "2", "reason": "cancelled"}
        answer = await client.call("DELETE", f"/v1/offers/{one['id']}", params=asked)
        assert answer.ok, answer.explain()


def _row(deployment: SiteDeployment, remote_id: str) -> SiteOffer:
    row = deployment.site.row(remote_id)
    assert row is not None
    return row


def _rows(deployment: SiteDeployment, slug: str) -> list[SiteOffer]:
    """What pupils see of a platform's offers."""
    host = profiles()[slug].hosts[0]
    rows = [row for row in deployment.site.stock.rows if row.kept and row.published_at is not None]
    return [row for row in rows if row.permalink is not None and f"//{host}/" in row.permalink]


def _live(deployment: SiteDeployment, slug: str) -> set[str]:
    return {str(row.remote_id) for row in _rows(deployment, slug)}


def _stale(deployment: SiteDeployment) -> bool:
    """Whether any offer there is still as the Region once pushed it."""
    return any("poussée" in str(row.title) for row in _rows(deployment, SLUG))


def _made_twice(deployment: SiteDeployment) -> list[str]:
    """Addresses that more than one live offer applies at."""
    counts = Counter(str(row.permalink) for slug in (SLUG, OTHER) for row in _rows(deployment, slug))
    return [address for address, number in counts.items() if number > 1]


def _answered(deployment: SiteDeployment, method: str, status: int | None = None) -> int:
    return sum(
        number for (one, code), number in deployment.site.answered.items() if one == method and status in {None, code}
    )
