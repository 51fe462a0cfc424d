"""A federation with offers in every state, on a log of the test's choice; and all that a gateway answers about it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp.test_utils import TestClient, TestServer

from adapters.national.connector.account_identity import identity_record
from gateway.api.app import build_app
from gateway.log.port import EventLog
from gateway.operate.journal import Journal
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import Act, Actor
from gateway.protocol.partner import SCOPES, Partner, Secret, Session
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.source_run import Pause, RunOrder, SourceRun, order_record, pause_record, run_record
from gateway.protocol.statistics import Cell, CountRecord, count_record
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS, STATISTICS, SUBMISSIONS
from tests.api.write.gateway_harness import ndjson, offer
from tests.clock import ManualClock
from tests.harness import ALL, NAMES_MIRROR, POSITIONS_MIRROR, SECRET, VIEWS, Harness, built, records_of
from tests.protocol.certified import issued, nonce

HASH = "sha256:" + "5" * 64
PARTNERS = (
    Partner(
        platform="bretagne",
        name="IDÉO",
        scopes=frozenset(SCOPES),
        hosts=("stages.example",),
        secrets=(Secret(hash=HASH, created_at=1),),
        certificates=(issued(),),
        nonces=(nonce(),),
        sessions=(Session(id="5" * 24, link="6" * 24, begun_at=1, ends_at=2),),
        joined_at=1,
    ),
    Partner(platform="normandie", name="Normandie", scopes=frozenset(SCOPES), territory=frozenset({"14", "50"})),
    Partner(platform="national", name="1 élève, 1 stage", scopes=frozenset({"offers:read"})),
    Partner(platform="gone", name="Gone", scopes=frozenset(), revoked=True),
)
TITLE = "Découverte de la menuiserie navale"
MASKED: Mapping[str, Any] = {"redistribution": {"mask_employer": True}}
WAIT = {"Prefer": "wait=10", "Content-Type": "application/json"}
BY = Actor(name="Name of a person")
ERASED = Actor(name="Another person", client="normandie")
READERS = ("bretagne", "normandie", "national")
STATES = {"1": "live", "2": "live", "3": "filled", "4": "cancelled", "5": "moderated", "6": "absent", "7": "absent"}
"""The number of each offer of bretagne, and what became of it."""


class Caller:
    """A gateway's parts, and a client of its API."""

    def __init__(self, harness: Harness, client: TestClient[Any, Any]) -> None:
        self.harness = harness
        self.client = client

    async def ask(
        self, method: str, path: str, *, who: str = "bretagne", body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Send a request as a platform, and wait for decisions; returns status and body."""
        kind = {"Content-Type": "application/x-ndjson"} if "snapshots" in path else WAIT
        async with self.client.request(
            method, path, data=body, headers={"Authorization": f"Bearer {who}", **kind}
        ) as response:
            return response.status, await response.read()

    async def put(self, number: object, revision: int = 1, **wishes: Any) -> tuple[int, Any]:
        """Put an offer and wait for the decision."""
        document = orjson.dumps(offer(str(number), revision, **wishes))
        status, body = await self.ask("PUT", f"/v1/offers/bretagne:{number}", body=document)
        return status, orjson.loads(body)

    async def mark(self) -> str:
        """Take a mark."""
        return str(orjson.loads((await self.ask("POST", "/v1/snapshots/marks"))[1])["mark"])

    async def snapshot(self, mark: str, *documents: Mapping[str, Any]) -> tuple[int, Any]:
        """Send a complete set."""
        body = ndjson(*documents, {"count": len(documents)})
        status, answer = await self.ask("POST", f"/v1/snapshots?mark={mark}", body=body)
        return status, orjson.loads(answer)

    async def settled(self) -> None:
        """Wait until every submission is decided and visible."""
        federation = self.harness.federation
        async with asyncio.timeout(20):
            assert await federation.positions.reached(SUBMISSIONS, await federation.log.ends(SUBMISSIONS), timeout=10)
            for topic in (OFFERS, RECEIPTS):
                assert await federation.views[topic].reached(await federation.log.ends(topic), 10)


@asynccontextmanager
async def serving(
    folder: Path, log: EventLog, clock: ManualClock, *running: str, partners: tuple[Partner, ...] = ()
) -> AsyncIterator[Caller]:
    """A gateway on a log, with these background tasks."""
    async with AsyncExitStack() as stack:
        harness = await stack.enter_async_context(built(folder, log=log, clock=clock, partners=partners))
        client = await stack.enter_async_context(TestClient(TestServer(build_app(harness.context()))))
        harness.start(*running)
        await harness.ready()
        async with asyncio.timeout(20):
            while not all(view.caught_up for name, view in harness.views.items() if name in running):
                await asyncio.sleep(0.005)
        yield Caller(harness, client)


async def populate(folder: Path, log: EventLog, clock: ManualClock) -> str:
    """Offers in every state, deliveries, runs, statistics, a journal with a name that was erased. Returns a mark that
    was never used.
    """
    async with serving(folder, log, clock, *ALL, partners=PARTNERS) as gateway:
        for number in STATES:
            assert 201 == (await gateway.put(number, **(MASKED if number == "2" else {})))[0]
        assert 200 == (await gateway.put(1, 2, title=TITLE))[0]
        for number in ("3", "4"):
            path = f"/v1/offers/bretagne:{number}?revision=2&reason={STATES[number]}"
            assert 200 == (await gateway.ask("DELETE", path))[0]
        await gateway.settled()
        for number in ("5", "7"):
            await moderate(gateway, number, "moderate")
        await moderate(gateway, "7", "lift")
        await gateway.settled()
        clock.move(1)
        complete = offer("1", 2, title=TITLE), offer("2", **MASKED)
        assert 202 == (await gateway.snapshot(await gateway.mark(), *complete))[0]
        await gateway.settled()
        mark = await gateway.mark()
    await _append(log, DELIVERIES, *_deliveries())
    await _append(log, RUNS, *_runs())
    cell = Cell("2026-11-29", "bretagne", "refused", "postal-code", "35")
    journal = Journal(log, secret=SECRET, clock=clock)
    await journal.write(Act(act="feed.pause", about="normandie", details={"while": 0.1}, why="Été"), BY)
    await journal.write(Act(act="partner.revoke", about="gone"), ERASED)
    assert await journal.erase_name("Another person", BY)
    await journal.close()
    await _append(log, STATISTICS, *(count_record(CountRecord("writer", number, {cell: number})) for number in (1, 2)))
    return mark


async def moderate(gateway: Caller, number: str, action: str) -> None:
    body = orjson.dumps({"action": action})
    path = f"/v1/offers/bretagne:{number}/moderation"
    assert 200 == (await gateway.ask("POST", path, who="normandie/operate", body=body))[0]


async def answers(folder: Path, log: EventLog, clock: ManualClock) -> dict[str, tuple[int, bytes]]:
    """What each reader gets of all offers, of each offer and of the changes feed, and an operator of the statistics and
    the journal, byte for byte without cursors.
    """
    found: dict[str, tuple[int, bytes]] = {}
    async with serving(folder, log, clock, POSITIONS_MIRROR, NAMES_MIRROR, *VIEWS) as gateway:
        for topic in VIEWS:
            assert await gateway.harness.views[topic].reached(await log.ends(topic), 20)
        for who in READERS:
            for path in ("/v1/offers?territory=all&limit=100", *(f"/v1/offers/bretagne:{number}" for number in STATES)):
                status, body = await gateway.ask("GET", path, who=who)
                problem = b"" if status == 200 else orjson.loads(body)["code"].encode()
                found[f"{who} {path}"] = status, problem or body
            status, body = await gateway.ask("GET", "/v1/changes?territory=all&limit=100", who=who)
            found[f"{who} changes"] = status, orjson.dumps(orjson.loads(body)["changes"])
        status, body = await gateway.ask("GET", "/v1/journal", who="normandie/operate")
        found["journal"] = status, orjson.dumps(orjson.loads(body)["journal"])
        path = "/v1/statistics?group=platform,verdict,rule,department&from=2026-11-29&to=2026-11-29"
        found["statistics"] = await gateway.ask("GET", path, who="normandie/operate")
    return found


async def last_records(log: EventLog, topic: str) -> dict[bytes, tuple[bytes, Any]]:
    """The last record of each key: its value and its headers."""
    found: dict[bytes, StoredRecord] = {record.key or b"": record for record in await records_of(log, topic)}
    return {key: (one.value, one.headers) for key, one in found.items() if one.value is not None}


def _deliveries() -> list[Record]:
    part = DeliveryPart(
        group="lycee",
        generation=1,
        account="regions",
        state="delivered",
        since=1,
        remote_id="bretagne:1",
        sequence=7,
        digest="d" * 64,
    )
    order = Record(b"order/regions/1", b'{"order":"replay","offers":[]}')
    note = Record(b"account/regions", b'{"state":"ready"}')
    return [
        delivery_record(Delivery(id="bretagne:1", sequence=7, parts=(part,))),
        identity_record("regions", "i" * 64),
        order,
        note,
    ]


def _runs() -> list[Record]:
    run = SourceRun(platform="normandie", started_at=1, ended_at=2, outcome="applied", digest="x", applied_at=2)
    return [
        run_record(run),
        order_record(RunOrder(platform="normandie", id="1", ordered_at=1)),
        pause_record(Pause(platform="normandie", paused=True, at=1)),
        Record(b"normandie/turn", b"{}"),
        Record(b"normandie/later", b'{"paused":true}'),
    ]


async def _append(log: EventLog, topic: str, *records: Record) -> None:
    for record in records:
        key = (record.key or b"").decode()
        home = key if topic == STATISTICS or ":" in key else key.split("/")[topic == DELIVERIES]
        await log.append(topic, partition_of(home, log.partitions), [record])
