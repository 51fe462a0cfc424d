"""A gateway that has done some work, and a Prometheus that watches it by the rules of ``deploy/``."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from demo.broker import free_ports
from demo.client import Client
from demo.region_site.feed import example_profile, write_feed
from demo.tether import tether, tethered
from gateway.bootstrap.log import open_log
from gateway.partners import Partners, topics_of
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON, DELIVERIES
from gateway.settings import Settings
from tests.damage.populated import PUBLISHER, Populated, populate
from tests.deploy.programs import DEPLOY, program
from tests.faults.process import GatewayProcess
from tests.pull.pull_harness import offer

PATIENCE = 100.0
PULLED, NATIVE = "normandie", "sarthe"


async def add_feed_and_inbox(populated: Populated, feeds: Path) -> None:
    """A platform whose feed is pulled from a folder, one with an inbox, and a delivery that waits."""
    (feeds / PULLED).mkdir(parents=True)
    dropped = feeds / PULLED / "offers.json"
    dropped.write_bytes(write_feed("json", [offer(1), offer(2)]))
    os.utime(dropped, (dropped.stat().st_mtime - 60,) * 2)  # no longer being written
    transport = {"kind": "folder", "folder": PULLED, "pattern": "*.json", "every_minutes": 5}
    async with open_log(Settings(data=populated.folder)) as log:
        partners = Partners(log)
        await partners.catch_up()
        reads = frozenset({"offers:read"})
        profile = example_profile(PULLED, "json", transport)
        await partners.save(Partner(platform=PULLED, name=PULLED, scopes=reads, profile=profile))
        await partners.save(Partner(platform=NATIVE, name=NATIVE, scopes=reads, inbox=True))
        await log.create_topics((*COMMON, *topics_of(partners)))
        offer_id = f"{PUBLISHER}:d1"
        part = DeliveryPart(group="lycee", generation=1, account="shared", state="pending", since=1)
        record = delivery_record(Delivery(id=offer_id, sequence=7, parts=(part,)))
        await log.append(DELIVERIES, partition_of(offer_id, log.partitions), [record])
        await partners.close()


class Prometheus:
    """A running Prometheus."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.labels: dict[str, set[str]] = {}
        """The labels of each metric that the gateway exposed."""

    async def get(self, path: str, **params: str) -> Any:
        async with self._session.get(f"{self._url}{path}", params=params) as response:
            body = await response.json()
            assert "success" == body["status"], body
            return body["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an expression now."""
        found: list[dict[str, Any]] = (await self.get("/api/v1/query", query=expression))["result"]
        return found


def labels_of(exposed: str) -> dict[str, set[str]]:
    """Each metric of an exposition by its sample's name, with the labels of its samples."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposed):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Prometheus]:
    """A gateway with offers, receipts, a pulled feed, an inbox and deliveries, scraped more than once."""
    populated = await populate(folder / "data", killed=False)
    await add_feed_and_inbox(populated, folder / "feeds")
    gateway = GatewayProcess("gateway", populated.folder, {"PASSERELLE_FEEDS": str(folder / "feeds")})
    await gateway.start()
    try:
        await gateway.ready()
        async with aiohttp.ClientSession() as session, prometheus(folder, gateway.management_port) as url:
            async with asyncio.timeout(PATIENCE):
                text = ""
                while 'passerelle_feed_run{outcome="applied",platform="normandie"} 1.0' not in text:
                    await asyncio.sleep(0.1)
                    async with session.get(f"http://127.0.0.1:{gateway.management_port}/metrics") as exposed:
                        text = await exposed.text()
                running = Prometheus(session, url)
                client = Client(session, gateway.url, client_id=PUBLISHER, client_secret=populated.secrets[PUBLISHER])
                while not await has_seen(running):
                    answer = await client.call("PUT", f"/v1/offers/{PUBLISHER}:bad", body=b'{"revision": 1}')
                    assert 422 == answer.status, answer.explain()
                    async with session.get(f"{gateway.url}/v1/offers") as refused:
                        assert 401 == refused.status
                    await asyncio.sleep(0.2)
                async with session.get(f"http://127.0.0.1:{gateway.management_port}/metrics") as exposed:
                    running.labels = labels_of(await exposed.text())
            yield running
    finally:
        await gateway.stop()


async def has_seen(running: Prometheus) -> bool:
    """Whether it has scraped the pulled feed's success, and enough for a rate."""
    try:
        seen = await running.query(
            'count_over_time(passerelle_feed_run{outcome="applied",platform="normandie"}[1m]) > 2'
        )
    except (aiohttp.ClientError, OSError):
        return False
    return bool(seen) and bool(await running.query("ALERTS or vector(1)"))


@asynccontextmanager
async def prometheus(folder: Path, target: int) -> AsyncIterator[str]:
    """Prometheus with the rules and the settings of ``deploy/``, and this target."""
    [port] = free_ports(1)
    settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(DEPLOY / "prometheus/alerts.yml")]
    settings["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    process = await asyncio.create_subprocess_exec(
        *tethered(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ]
        ),
        pass_fds=tether(),
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
