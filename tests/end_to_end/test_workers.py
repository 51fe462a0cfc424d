"""A gateway with workers: one federation, whichever process answers."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from demo.client import Client
from gateway.bootstrap.gateway import running
from gateway.bootstrap.workers import WorkerError, Workers
from gateway.oauth.keys import KeyRing
from gateway.settings import Settings
from tests.end_to_end.conftest import Federation
from tests.end_to_end.test_federation import Follower, put
from tests.faults.process import GatewayProcess
from tests.harness import OFFER

pytestmark = pytest.mark.slow

WORKERS = 2
LINES = "application/x-ndjson"


@pytest.fixture
def crowded(federation: Federation) -> Federation:
    return replace(federation, settings=replace(federation.settings, workers=WORKERS))


def lines(*offers: dict[str, Any]) -> bytes:
    return b"\n".join(map(orjson.dumps, offers))


def children(process: int | str = "self") -> Iterator[int]:
    """The processes that this one, or another, has started and that still run."""
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # of a thread that has ended meanwhile
            yield from map(int, (task / "children").read_text().split())


def open_descriptors() -> set[str]:
    """What this process has open, by number."""
    return {each.name for each in Path("/proc/self/fd").iterdir() if each.exists()}


async def withdraw_by_snapshot(client: Client, offer: dict[str, Any]) -> tuple[int, Any]:
    """Send a complete set of one offer: all others are withdrawn."""
    mark = (await client.call("POST", "/v1/snapshots/marks")).body["mark"]
    body = lines(offer, {"count": 1})
    answer = await client.call("POST", "/v1/snapshots", params={"mark": mark}, body=body, media_type=LINES)
    return answer.status, answer.body


@pytest.mark.smoke
async def test_workers_answer_as_one_gateway(crowded: Federation) -> None:
    """Publishing, waiting for the decision, batches, snapshots, receipts, lists and the feed, over many connections."""
    async with crowded.open() as clients:
        reader = Follower(clients["grand-est"])
        ids = [f"bretagne:{number}" for number in range(8)]
        answers = await asyncio.gather(*(put(clients["bretagne"], {**OFFER, "id": offer_id}) for offer_id in ids))
        assert [201] * len(ids) == [status for status, _ in answers]
        await reader.until(*ids)
        for _, receipt in answers:
            receipt_answer = await clients["bretagne"].call("GET", f"/v1/receipts/{receipt['receipt']}")
            assert "accepted" == receipt_answer.body["verdict"]
        body = lines(*({**OFFER, "id": f"bretagne:b{number}"} for number in range(8)))
        batch = await clients["bretagne"].call("POST", "/v1/offers/batch", body=body, media_type=LINES)
        assert (202, 8) == (batch.status, batch.body["queued"])
        await reader.until(*ids, *(f"bretagne:b{number}" for number in range(8)))
        found = await clients["national"].call("GET", "/v1/offers", params={"department": "35", "territory": "all"})
        assert 16 == len(found.body["offers"])
        status, applied = await withdraw_by_snapshot(clients["bretagne"], {**OFFER, "id": "bretagne:0"})
        assert (409, 15) == (status, applied["would_withdraw"])
    assert [] == (await crowded.audit()).findings


async def test_each_worker_logs_its_management_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the system chose the port; the gateway's own process answers no partner and counts none."""
    settings = Settings(data=tmp_path / "data", port=0, management_port=0, workers=1)
    async with running(settings) as gateway, aiohttp.ClientSession() as session:
        async with session.get(f"{gateway.url}/.well-known/passerelle") as response:
            assert 200 == response.status
        lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
        endpoints = [one["management"] for one in lines if one["event"] == "gateway.worker_started"]
        counted = []
        for endpoint in (*endpoints, gateway.management_url):
            async with session.get(f"{endpoint}/metrics") as response:
                counted.append("passerelle_requests_total{" in await response.text())
    assert [True, False] == counted


async def test_a_worker_that_dies_ends_the_gateway(federation: Federation) -> None:
    """Nothing is swallowed: the operator's supervisor restarts it."""
    settings = replace(federation.settings, workers=WORKERS)
    before = set(children())
    async with running(settings) as gateway:
        worker = next(iter(set(children()) - before))
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(WorkerError, match="ended by itself"):
            await asyncio.wait_for(gateway.finished(), 60)
    assert before == set(children())


class Flawed(socket.socket):
    """A socket that one process is given, and no other."""

    given = False

    def fileno(self) -> int:
        given, self.given = self.given, True
        return -1 if given else super().fileno()


async def test_all_workers_end_when_one_cannot_start(tmp_path: Path) -> None:
    """Also the one that has its order; and no pipe stays open."""
    workers = Workers(Settings(data=tmp_path, workers=WORKERS))
    with Flawed() as listening:
        processes, descriptors = set(children()), open_descriptors()
        async with workers.spawned():
            assert WORKERS == len(set(children()) - processes)
            with pytest.raises(OSError, match="Bad file descriptor"):
                await workers.begin(listening, "http://127.0.0.1")
        assert (processes, descriptors) == (set(children()), open_descriptors())


async def test_workers_without_an_order_end_at_once(tmp_path: Path) -> None:
    """When the log cannot be opened, the gateway's end waits for no worker."""
    workers = Workers(Settings(data=tmp_path, workers=WORKERS))
    processes, descriptors = set(children()), open_descriptors()
    async with workers.spawned():
        spawned = [Path(f"/proc/{process}") for process in set(children()) - processes]
    assert WORKERS == len(spawned)
    assert [False] * WORKERS == [folder.exists() for folder in spawned]
    assert (processes, descriptors) == (set(children()), open_descriptors())


async def test_workers_end_with_a_gateway_that_is_killed(federation: Federation) -> None:
    """The port is free again at once, for the next one."""
    key = federation.settings.data.parent / "signing.pem"
    KeyRing.open(key)
    settings = replace(federation.settings, workers=1, signing_key=key)
    gateway = GatewayProcess("crowded", settings.data, settings.to_environ())
    for _ in range(2):
        await gateway.start()
        try:
            await gateway.ready()
        finally:
            await gateway.kill()


async def test_workers_of_a_served_gateway_are_forks_that_end_with_it(federation: Federation) -> None:
    """They share the code that it has loaded. One that dies ends it; a stop ends all."""
    key = federation.settings.data.parent / "signing.pem"
    KeyRing.open(key)
    settings = replace(federation.settings, workers=WORKERS, signing_key=key)
    gateway = GatewayProcess("forked", settings.data, settings.to_environ(), interpreter=True)
    for killed in (True, False):
        await gateway.start()
        try:
            await gateway.ready()
            command = Path(f"/proc/{gateway.pid}/cmdline").read_text()
            forks = [one for one in children(gateway.pid) if Path(f"/proc/{one}/cmdline").read_text() == command]
            assert WORKERS == len(forks)
            if killed:
                os.kill(forks[0], signal.SIGKILL)
                assert 0 != await gateway.ended(seconds=60)
        finally:
            stopped = await gateway.stop()
        assert killed != (stopped == 0)
        assert [False] * WORKERS == [Path(f"/proc/{one}").exists() for one in forks]
