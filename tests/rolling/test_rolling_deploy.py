"""The version before and the present one on one log: replaced one after the other, and rolled back."""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import orjson
import pytest

from demo.client import NDJSON, Client
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.oauth.keys import KeyRing
from gateway.operate.audit import audit
from gateway.partners import Partners, topics_of
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from tests.end_to_end.test_federation import Follower
from tests.faults.process import GatewayProcess
from tests.harness import OFFER

pytestmark = pytest.mark.slow

PUBLISHER, SUBSCRIBER = "bretagne", "grand-est"


async def onboard(settings: Settings) -> dict[str, str]:
    """Add both partners. Returns the secret of each."""
    texts = {}
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        for slug, scope in ((PUBLISHER, "offers:publish"), (SUBSCRIBER, "offers:read")):
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = secret.text
            await partners.save(
                Partner(platform=slug, name=slug, scopes=frozenset({scope, "offers:read"}), secrets=(secret.kept,))
            )
        await log.create_topics(topics_of(partners))
        await partners.close()
    return texts


@asynccontextmanager
async def clients_of(gateway: GatewayProcess, texts: Mapping[str, str]) -> AsyncIterator[tuple[Client, Follower]]:
    """A publisher, and a subscriber that has read nothing yet, at one replica."""
    async with aiohttp.ClientSession() as session:
        publisher, subscriber = (
            Client(session, gateway.url, client_id=slug, client_secret=texts[slug]) for slug in (PUBLISHER, SUBSCRIBER)
        )
        yield publisher, Follower(subscriber)


async def publish(publisher: Client, number: int, revision: int = 1) -> None:
    """One offer, accepted and visible."""
    offer = {**OFFER, "id": f"bretagne:{number}", "revision": revision, "title": f"Atelier {number}, {revision}"}
    path = f"/v1/offers/{offer['id']}"
    answer = await publisher.call("PUT", path, body=orjson.dumps(offer), headers={"Prefer": "wait=20"})
    assert answer.status in {200, 201}, answer.explain()


async def publish_set(publisher: Client, numbers: range, revision: int) -> None:
    """These offers as a complete set: all others are withdrawn."""
    mark = (await publisher.call("POST", "/v1/snapshots/marks")).body["mark"]
    offers = [{**OFFER, "id": f"bretagne:{number}", "revision": revision} for number in numbers]
    body = b"\n".join(map(orjson.dumps, [*offers, {"count": len(offers)}]))
    asked = {"mark": mark}
    answer = await publisher.call("POST", "/v1/snapshots", params=asked, body=body, media_type=NDJSON)
    if answer.status == 409:
        asked["confirm"] = str(answer.body["would_withdraw"])
        answer = await publisher.call("POST", "/v1/snapshots", params=asked, body=body, media_type=NDJSON)
    assert answer.ok, answer.explain()


async def withdraw(publisher: Client, number: int, revision: int) -> None:
    """A withdrawal, decided."""
    asked = {"revision": str(revision), "reason": "filled"}
    path, headers = f"/v1/offers/bretagne:{number}", {"Prefer": "wait=20"}
    answer = await publisher.call("DELETE", path, params=asked, headers=headers)
    assert answer.ok, answer.explain()


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(f"bretagne:{number}" for number in numbers)


async def is_clean(settings: Settings) -> None:
    async with open_log(settings) as log:
        report = await audit(log)
    assert report.clean, report.findings


async def test_an_embedded_log_works_with_the_next_version_and_after_rollback(tmp_path: Path, before: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    texts = await onboard(settings)
    old = GatewayProcess("before", tmp_path / "data", {}, root=before)
    new = GatewayProcess("present", tmp_path / "data", {})
    live: set[int] = set()
    for step, gateway in enumerate((old, new, old, new), start=1):
        await gateway.start()
        await gateway.ready()
        async with clients_of(gateway, texts) as (publisher, follower):
            await follower.until(*ids(*live))
            for number in (step * 10, step * 10 + 1):
                await publish(publisher, number)
            await publish(publisher, 10, revision=step + 1)
            await withdraw(publisher, step * 10 + 1, revision=2)
            live |= {10, step * 10}
            await follower.until(*ids(*live))
        assert 0 == await gateway.stop()
    await is_clean(settings)


@pytest.mark.kafka
async def test_replicas_of_both_versions_share_one_kafka_log(tmp_path: Path, before: Path, kafka_servers: str) -> None:
    prefix, secret = f"rolling-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    settings = replace(Settings(data=tmp_path / "tool"), kafka=kafka_servers, kafka_prefix=prefix, secret=secret)
    texts = await onboard(settings)
    KeyRing.open(tmp_path / "signing.pem")
    environ = {
        name: text
        for name, text in replace(settings, signing_key=tmp_path / "signing.pem").to_environ().items()
        if not name.endswith(("_PORT", "_DATA"))
    }
    one = GatewayProcess("one", tmp_path / "one", environ, root=before)
    two = GatewayProcess("two", tmp_path / "two", environ, root=before)
    renewed = {name: GatewayProcess(f"{name}-present", tmp_path / name, environ) for name in ("one", "two")}
    try:
        for gateway in (one, two):
            await gateway.start()
            await gateway.ready()
        await exchange(one, two, texts, first=100)
        assert 0 == await two.stop()
        await renewed["two"].start()
        await renewed["two"].ready()
        await exchange(one, renewed["two"], texts, first=200)  # each decides, copies and reads a share of the other's
        await exchange(renewed["two"], one, texts, first=300)
        await one.kill()
        await renewed["one"].start()
        await renewed["one"].ready()
        await exchange(renewed["one"], renewed["two"], texts, first=400)
    finally:
        for gateway in (one, two, *renewed.values()):
            await gateway.kill()
    await is_clean(settings)


async def exchange(here: GatewayProcess, there: GatewayProcess, texts: Mapping[str, str], *, first: int) -> None:
    """Publications, changes, snapshots and withdrawals at one replica have the same result at the other."""
    async with clients_of(here, texts) as (publisher, follower), clients_of(there, texts) as (other, distant):
        for number in range(first, first + 12):
            await publish(publisher, number)
        for number in range(first, first + 12, 2):
            await publish(other, number, revision=2)
        await publish_set(other, range(first, first + 10), revision=3)
        await follower.until(*ids(*range(first, first + 10)))
        await distant.until(*ids(*range(first, first + 10)))
        await withdraw(publisher, first, revision=4)
        await distant.until(*ids(*range(first + 1, first + 10)))
        await follower.until(*ids(*range(first + 1, first + 10)))
        assert follower.held == distant.held
