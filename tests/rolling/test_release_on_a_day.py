"""A release that does not exist yet is deployed replica by replica, gets its day, and is rolled back before it."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import orjson
import pytest

from demo.client import Client
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.protocol.release import earliest_day
from gateway.settings import Settings
from tests.faults.process import ROOT, GatewayProcess
from tests.harness import OFFER, until
from tests.rolling.test_rolling_deploy import PUBLISHER, exchange, is_clean, onboard
from tests.schemas.evolution.waiting import FIELD, RELEASE, waiting_tree

pytestmark = pytest.mark.slow
OPERATOR = "exploitation"
ACTIVATION = f"/v1/releases/{RELEASE}/activation"


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the later release: its schemas, and all else from here."""
    return Path(waiting_tree(tmp_path_factory.mktemp("later")))


async def onboard_all(settings: Settings) -> Mapping[str, str]:
    """As ``onboard``, and an operator."""
    texts = await onboard(settings)
    secret = mint_secret(now=clock.now(), entropy=os.urandom)
    async with open_log(settings) as log:
        partners = Partners(log)
        scopes = frozenset({"operate", "offers:read"})
        await partners.save(Partner(platform=OPERATOR, name=OPERATOR, scopes=scopes, secrets=(secret.kept,)))
        await partners.close()
    return {**texts, OPERATOR: secret.text}


@asynccontextmanager
async def client_of(gateway: GatewayProcess, texts: Mapping[str, str], slug: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, gateway.url, client_id=slug, client_secret=texts[slug])


async def activate(gateway: GatewayProcess, texts: Mapping[str, str], **body: object) -> tuple[int, str]:
    """Set the day, or with ``cancel`` take it back: status and answer."""
    given = body or {"from": earliest_day(clock.now()).isoformat()}
    async with client_of(gateway, texts, OPERATOR) as operator:
        answer = await operator.call("POST", ACTIVATION, body=orjson.dumps(given))
        return answer.status, orjson.dumps(answer.body).decode()


async def refuses_the_field(gateway: GatewayProcess, texts: Mapping[str, str]) -> int:
    """The status for an offer with the field."""
    offer = {**OFFER, "id": "bretagne:early", FIELD: True}
    async with client_of(gateway, texts, PUBLISHER) as publisher:
        answer = await publisher.call("PUT", f"/v1/offers/{offer['id']}", body=orjson.dumps(offer))
        return answer.status


async def missing(gateway: GatewayProcess) -> list[str]:
    """The conditions that keep a replica from being ready; none while it does not answer."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{gateway.management_port}/readyz") as answer,
        ):
            return [] if answer.status == 200 else [*(await answer.json())["missing"]]
    except aiohttp.ClientError:
        return []


async def test_an_embedded_log_gets_a_day_and_is_rolled_back_before_it(tmp_path: Path, later: Path) -> None:
    """EVO-004: the act is the way back; any version takes the day back."""
    data = tmp_path / "data"
    settings = Settings(data=data)
    texts = await onboard_all(settings)
    old, new = GatewayProcess("present", data, {}), GatewayProcess("later", data, {}, root=later)
    try:
        for gateway, status in ((old, 404), (new, 200)):
            await gateway.start()
            await gateway.ready()
            assert 422 == await refuses_the_field(gateway, texts)
            found = await activate(gateway, texts)
            assert status == found[0], found
            if gateway is old:
                assert 0 == await gateway.stop()
        assert 422 == await refuses_the_field(new, texts)
        assert 0 == await new.stop()
        await old.start()
        await until(lambda: _is_missing_releases(old))
        words = ["schema", "activate", RELEASE, "--cancel", "--by", "Nom d’essai"]
        command = [sys.executable, "-c", "from gateway.cli import main; main()", *words]
        ended = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env={**os.environ, "PASSERELLE_DATA": str(data)}, stdout=asyncio.subprocess.DEVNULL
        )
        assert 0 == await ended.wait()
        await old.ready()
    finally:
        for gateway in (old, new):
            await gateway.kill()
    await is_clean(settings)


async def _is_missing_releases(gateway: GatewayProcess) -> bool:
    return ["releases"] == await missing(gateway)


@pytest.mark.kafka
async def test_three_replicas_on_kafka_begin_a_release_together(
    tmp_path: Path, later: Path, kafka_servers: str
) -> None:
    """EVO-004, OFR-050: while a replica lacks it there is no day; none of them accepts the field before it."""
    prefix, secret = f"release-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    settings = replace(Settings(data=tmp_path / "tool"), kafka=kafka_servers, kafka_prefix=prefix, secret=secret)
    texts = await onboard_all(settings)
    KeyRing.open(tmp_path / "signing.pem")
    environ = {
        name: text
        for name, text in replace(settings, signing_key=tmp_path / "signing.pem").to_environ().items()
        if not name.endswith(("_PORT", "_DATA"))
    }
    names = ("one", "two", "three")
    old = {name: GatewayProcess(name, tmp_path / name, environ) for name in names}
    new = {name: GatewayProcess(f"{name}-later", tmp_path / name, environ, root=later) for name in names}
    try:
        for name in names:
            await old[name].start()
        for name in names:
            await old[name].ready()
        for number, name in enumerate(names):
            assert 0 == await old[name].stop()
            await new[name].start()
            await new[name].ready()
            others = [*map(new.get, names[: number + 1]), *map(old.get, names[number + 1 :])]
            assert [422] * 3 == [await refuses_the_field(one, texts) for one in others if one is not None]
            await exchange(new[name], others[number - 2] or new[name], texts, first=100 * (number + 1))
            status, answer = await activate(new[name], texts)
            lacking = number < len(names) - 1
            assert (409 if lacking else 200, lacking) == (status, "release-lacking" in answer), answer
        assert [422] * 3 == [await refuses_the_field(new[name], texts) for name in names]
        assert 0 == await new["one"].stop()
        await old["one"].start()
        await until(lambda: _is_missing_releases(old["one"]))
        assert 200 == (await activate(new["two"], texts, cancel=True))[0]
        await old["one"].ready()
        await exchange(old["one"], new["three"], texts, first=400)
    finally:
        for gateway in (*old.values(), *new.values()):
            await gateway.kill()
    await is_clean(settings)
