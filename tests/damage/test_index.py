"""Indexes of a view that are damaged while the gateway runs: detected by reads, and rebuilt without a restart."""

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from demo.client import Client
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, OFFERS
from gateway.runtime.checked_file import marker
from gateway.runtime.sqlite_damage import DamagedCopyError
from gateway.store import OfferView, ReceiptView, ViewUpdater
from tests.damage.populated import OFFERS_MADE, PUBLISHER, READER, offer, populate
from tests.faults.process import GatewayProcess
from tests.memory_log import MemoryLog
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of, receipt_record
from tests.store.test_receipt_search import chunk

pytestmark = pytest.mark.slow

DEADLINE = 60.0
NUMBERS = range(1_000, 1_600)
BY_ID, BY_RECEIPT = "sqlite_autoindex_offers_1", "sqlite_autoindex_receipts_1"


def forget_pages(path: Path) -> None:
    """A commit of another process: readers read their pages from the file again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE positions SET position = position")
        other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def garble(path: Path, key: str) -> None:
    """Change one byte of an index's entry of a key, and of nothing else."""
    name = BY_ID if ":" in key else BY_RECEIPT
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        size = other.execute("PRAGMA page_size").fetchone()[0]
        pages = [page for (page,) in other.execute("SELECT pageno FROM dbstat WHERE name = ?", (name,))]
    found = 0
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            content = file.read(size)
            found += content.count(key.encode())  # remains of a split page included
            file.seek((page - 1) * size)
            file.write(content.replace(key.encode(), key[:-1].encode() + b"~"))
    assert found, f"{key} is not in {name}"


@pytest.fixture
async def offers(tmp_path: Path) -> AsyncIterator[OfferView]:
    offer_topic = OfferTopic()
    for number in NUMBERS:
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    path = tmp_path / "offers.sqlite"
    view = await OfferView.open(path, log_identity=LOG, partitions=PARTITIONS)
    await view.apply(offer_topic.chunks())
    await view.settle()
    yield view
    await view.close()


@pytest.mark.parametrize("seed", range(12))
async def test_a_damaged_index_hides_no_offer(offers: OfferView, tmp_path: Path, seed: int) -> None:
    """The answer for each offer is the offer or the damage."""
    damaged = random.Random(seed).choice(NUMBERS)
    garble(tmp_path / "offers.sqlite", f"bretagne:{damaged}")
    forget_pages(tmp_path / "offers.sqlite")
    with pytest.raises(DamagedCopyError):
        await offers.get(f"bretagne:{damaged}")
    await offers.updated.rebuild()
    assert offers.damage is None


async def test_every_other_offer_is_found_or_the_damage_is(offers: OfferView, tmp_path: Path) -> None:
    garble(tmp_path / "offers.sqlite", "bretagne:1300")
    forget_pages(tmp_path / "offers.sqlite")
    for number in NUMBERS:
        offers.updated._file._damage = None  # each one by itself
        marker(tmp_path / "offers.sqlite").unlink(missing_ok=True)
        try:
            state = await offers.get(f"bretagne:{number}")
        except DamagedCopyError:
            continue
        assert state is not None
        assert f"bretagne:{number}" == state.id


async def test_an_unknown_offer_is_unknown(offers: OfferView) -> None:
    for offer_id in ("bretagne:", "bretagne:1300x", "a:1", "zz:1", "bretagne:1000", "bretagne:1600"):
        state = await offers.get(offer_id)
        assert (offer_id == "bretagne:1000") == (state is not None)


async def test_no_receipt_is_hidden_by_a_damaged_index(tmp_path: Path) -> None:
    path = tmp_path / "receipts.sqlite"
    view = await ReceiptView.open(path, log_identity=LOG, partitions=PARTITIONS)
    records = [receipt_record(f"r{number}", f"bretagne:{number}", "bretagne") for number in NUMBERS]
    await view.apply([chunk(0, records)])
    garble(path, "r1300")
    forget_pages(path)
    assert await view.get("r1010") is not None
    with pytest.raises(DamagedCopyError):
        await view.get("r1300")
    await view.close()


async def test_damage_that_no_read_meets_is_found_and_repaired(tmp_path: Path) -> None:
    """An index that serves only lists: no query misses an entry that it lost."""
    log = MemoryLog(partitions=PARTITIONS)
    await log.create_topics(COMMON)
    offer_topic = OfferTopic()
    for number in NUMBERS:
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    for record in (record for lane in offer_topic.lanes for record in lane):
        await log.append(
            OFFERS,
            partition_of((record.key or b"").decode(), PARTITIONS),
            [Record(record.key, record.value, record.headers)],
        )
    path = tmp_path / "offers.sqlite"
    view = await OfferView.open(path, log_identity=LOG, partitions=PARTITIONS)
    updater = ViewUpdater(log, OFFERS, view, examine_every=0.2)
    running = asyncio.create_task(updater.run())
    async with asyncio.timeout(DEADLINE):
        while not updater.caught_up:
            await asyncio.sleep(0.01)
    with path.open("rb"):
        before = path.stat().st_ino
        garble(path, "bretagne:1300")
        async with asyncio.timeout(DEADLINE):
            while not path.exists() or path.stat().st_ino == before or not updater.caught_up:
                await asyncio.sleep(0.01)
    assert len(NUMBERS) == await view.count("bretagne")
    assert await view.get("bretagne:1300") is not None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await view.close()
    await log.close()


@pytest.mark.parametrize("workers", ["0", "1"])
async def test_a_gateway_repairs_its_views_while_it_is_read(tmp_path: Path, workers: str) -> None:
    """[ERR-008] Each answer is the offer or 503, and then always the offer, by the same process."""
    populated = await populate(tmp_path / "data", killed=False)
    gateway = GatewayProcess("gateway", populated.folder, {"PASSERELLE_WORKERS": workers})
    path = populated.folder / "views/offers.sqlite"
    await gateway.start()
    try:
        await gateway.ready()
        async with aiohttp.ClientSession() as session:
            clients = {
                slug: Client(session, gateway.url, client_id=slug, client_secret=secret, patience=30.0)
                for slug, secret in populated.secrets.items()
            }
            before = await _all_offers(clients[READER])
            body = orjson.dumps(offer(OFFERS_MADE))
            await clients[PUBLISHER].call("PUT", f"/v1/offers/{PUBLISHER}:d{OFFERS_MADE}", body=body)
            process = gateway.pid
            old = path.open("rb")
            for number in (12, 17, 30):
                garble(path, f"{PUBLISHER}:d{number}")
            forget_pages(path)
            assert before == await _all_offers(clients[READER])
            assert 0 == os.fstat(old.fileno()).st_nlink  # another file has its name
            old.close()
            assert before == await _all_offers(clients[READER])
            assert process == gateway.pid
            assert not gateway.died
    finally:
        await gateway.kill()


async def _all_offers(client: Client) -> dict[int, Any]:
    """Status and title of each offer; 503 is waited for by the client."""
    found = {}
    for number in range(OFFERS_MADE):
        answer = await client.call("GET", f"/v1/offers/{PUBLISHER}:d{number}")
        found[number] = answer.status, answer.body.get("title")
    assert {status for status, _ in found.values()} <= {200, 404, 410}  # 404: withdrawn, and never shown
    return found
