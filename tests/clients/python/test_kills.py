"""The client beside a gateway that is killed twenty times: nothing is lost or there twice, and copies are equal."""

import asyncio
import json
import os
import random
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings
from passerelle_client import Connection, Outcome, Publisher, Revisions, SqliteStore, follow, snapshot
from tests.clients.python.servers import document
from tests.faults.process import GatewayProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = 20
OFFERS = 60
ALL = {"territory": "all"}
SECONDS = 60.0


async def onboard(folder: Path, *slugs: str) -> dict[str, str]:
    """The secret of each partner."""
    secrets = {slug: mint_secret(now=clock.now(), entropy=os.urandom) for slug in slugs}
    async with open_log(Settings(data=folder)) as log:
        partners = Partners(log)
        for slug, secret in secrets.items():
            scopes = frozenset({"offers:publish", "offers:read"})
            await partners.save(Partner(platform=slug, name=slug, scopes=scopes, secrets=(secret.kept,)))
        await partners.close()
    return {slug: secret.text for slug, secret in secrets.items()}


@dataclass
class Traffic:
    """A publisher that changes, withdraws and sends complete sets, and what the gateway has accepted of it."""

    connection: Connection
    revisions: Revisions
    over: bool = False
    steps: int = 0
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: list[Any] = field(default_factory=list)

    def run(self) -> None:
        chance, publisher = random.Random(1), Publisher(self.connection, self.revisions)
        while not self.over:
            number = chance.randrange(OFFERS)
            offer = document(number, seats=1 + self.steps % 100)
            match chance.randrange(4):
                case 0 if len(self.live) > OFFERS // 2:
                    self.note([publisher.withdraw(offer["id"], "filled")])
                    self.live.pop(offer["id"], None)
                case 1:
                    offers = [document((number + step) % OFFERS, seats=1 + self.steps % 100) for step in range(9)]
                    self.note_counts(publisher.batch(offers).counts)
                    self.live |= {one["id"]: one for one in offers}
                case 2 if self.steps % 10 == 0 and len(self.live) > 20:
                    self.live.pop(next(iter(self.live)))
                    self.note_counts(snapshot(publisher, lambda: list(self.live.values())).counts)
                case _:
                    self.note([publisher.publish(offer)])
                    self.live[offer["id"]] = offer
            self.steps += 1

    def note(self, outcomes: list[Outcome]) -> None:
        self.wrong += [one for one in outcomes if not one.ok]

    def note_counts(self, counts: Counter[str]) -> None:
        self.wrong += [counts] if counts.keys() - {"accepted", "duplicate"} else []


def copy_of(path: Path) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT id, offer FROM passerelle_offers WHERE offer IS NOT NULL")
        return {name: json.loads(offer) for name, offer in rows}


async def until(process: GatewayProcess, traffic: Traffic, steps: int) -> None:
    async with asyncio.timeout(SECONDS):
        while traffic.steps < steps:
            assert not process.died, process.last_words()
            await asyncio.sleep(0.005)


async def test_beside_a_gateway_that_is_killed_twenty_times_nothing_is_lost_or_there_twice(tmp_path: Path) -> None:
    """ERR-009, FEED-001, RCP-001: the copies of two followers equal what was accepted, and a copy made afresh."""
    secrets = await onboard(tmp_path / "data", "bretagne", "occitanie")
    process = GatewayProcess("gateway", tmp_path / "data", {})
    await process.start()
    await process.ready()

    def connection(slug: str) -> Connection:
        return Connection(process.url, client_id=slug, client_secret=secrets[slug], language="en")

    def following(path: Path, *, once: bool = False) -> None:
        with connection("occitanie") as own:
            follow(own, SqliteStore(str(path)), filters=ALL, once=once, stop=lambda: traffic.over and not once)

    traffic = Traffic(connection("bretagne"), Revisions(tmp_path / "revisions.db"))
    copies = [tmp_path / "one.db", tmp_path / "two.db"]
    chance = random.Random(2)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(traffic.run))
        for path in copies:
            tasks.create_task(asyncio.to_thread(following, path))
        try:
            for _ in range(KILLS):
                await until(process, traffic, traffic.steps + chance.randrange(1, 12))
                await process.kill()
                await process.start()
                await process.ready()
            await until(process, traffic, traffic.steps + 20)
        finally:
            traffic.over = True
    for path in (*copies, tmp_path / "fresh.db"):
        await asyncio.to_thread(following, path, once=True)

    assert [] == traffic.wrong
    fresh, *others = (copy_of(path) for path in (tmp_path / "fresh.db", *copies))
    assert [fresh, fresh] == others
    assert {name: offer["seats"] for name, offer in traffic.live.items()} == {
        name: offer["seats"] for name, offer in fresh.items()
    }
    accepted = await asyncio.to_thread(accepted_of, traffic.connection)
    assert [] == [one for one, times in accepted.items() if times > 1]
    assert traffic.steps > KILLS
    traffic.connection.close()
    assert 0 == await process.stop()


def accepted_of(connection: Connection) -> Counter[tuple[str, int]]:
    """How often each revision of an offer was accepted."""
    decisions = Publisher(connection).decisions(10**9, 0.0, verdict="accepted")
    return Counter((one["id"], one["revision"]) for one in decisions if one["publisher"] != "gateway")
