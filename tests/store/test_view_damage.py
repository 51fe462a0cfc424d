"""A view whose stored bytes change returns no answer: it is refused, then rebuilt from the log."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gateway.errors import LogUnavailableError
from gateway.log.port import Chunk
from gateway.protocol.cursor import start
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.journal import JournalEntry, JournalFilter, entry_record
from gateway.protocol.record import StoredRecord
from gateway.protocol.source_run import SourceRun, run_record
from gateway.protocol.statistics import Cell, CountRecord, count_record
from gateway.protocol.visibility import Filter, Reader
from gateway.runtime.checked_file import marker
from gateway.runtime.sqlite_damage import DamagedCopyError
from gateway.store import DeliveryView, JournalView, OfferView, ReceiptView, RunView, StatisticsView
from gateway.store.reader_copy import ReaderCopy
from gateway.store.search.index_store import PERIOD
from gateway.store.view import View
from tests.harness import replace_bytes
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of, receipt_record

TITLE, OTHER = b"Observer le travail", b"Observer la travail"


@pytest.fixture
def filled(offer_topic: OfferTopic) -> list[Chunk]:
    for number in range(30):
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    return offer_topic.chunks()


@pytest.fixture
async def path(tmp_path: Path, filled: list[Chunk]) -> Path:
    view = await opened(tmp_path / "offers.sqlite")
    await view.apply(filled)
    await view.settle()
    await view.close()
    return tmp_path / "offers.sqlite"


async def opened(path: Path) -> OfferView:
    return await OfferView.open(path, log_identity=LOG, partitions=PARTITIONS)


async def holds(view: OfferView, offer_id: str) -> None:
    state = await view.get(offer_id)
    assert state is not None
    assert offer_of(offer_id) == state.offer


async def test_a_changed_byte_of_stored_json_rebuilds_the_view_at_the_start(
    path: Path, filled: list[Chunk], capsys: pytest.CaptureFixture[str]
) -> None:
    replace_bytes(path, TITLE, OTHER)
    view = await opened(path)
    assert (0,) * PARTITIONS == view.positions
    assert str(path) in capsys.readouterr().out
    await view.apply(filled)
    assert 30 == await view.count("bretagne")
    await view.close()


async def test_a_changed_byte_of_stored_json_is_found_when_it_is_read(path: Path, filled: list[Chunk]) -> None:
    view = await opened(path)
    view.updated.caught_up = True
    replace_bytes(path, TITLE, OTHER)
    with pytest.raises(DamagedCopyError, match=str(path)):  # noqa: PT012  # one of these reads it
        for number in range(30):
            await view.get(f"bretagne:{number}")
    assert (False, True) == (view.caught_up, view.damage is not None)
    with pytest.raises(DamagedCopyError):
        await view.count("bretagne")
    await view.updated.rebuild()
    assert (None, (0,) * PARTITIONS) == (view.damage, view.positions)
    await view.apply(filled)
    await holds(view, "bretagne:7")
    await view.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE offers SET line = replace(line, 'a', 'b') WHERE id = 'bretagne:7'",
        "DELETE FROM offers WHERE id = 'bretagne:7'",
    ],
    ids=["changed", "lost"],
)
async def test_a_damaged_line_of_digests_is_found_when_it_is_read(path: Path, damage: str) -> None:
    view = await opened(path)
    with sqlite3.connect(path) as db:
        db.execute(damage)
    copy, reader, criteria = ReaderCopy(Reader("rennes"), Filter()), Reader("rennes"), Filter()
    cursor = start(end=view.positions, now=0, criteria=criteria, reader=reader, log=LOG)
    with pytest.raises(DamagedCopyError):
        await view.changes_beside(copy, cursor, reader=reader, criteria=criteria, limit=1)
    await view.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:20_000]),
        lambda path: path.write_bytes(path.read_bytes()[:-5_000]),
        lambda path: path.write_bytes(b"no database " * 1_000),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: path.with_name(f"{path.name}-wal").mkdir(),
        lambda path: path.with_name(f"{path.name}-wal").write_bytes(b"no log" * 9_000),
        lambda path: path.with_name(f"{path.name}-shm").write_bytes(b"nothing" * 9_000),
        lambda path: replace_bytes(path, b"CREATE TABLE postings", b"CREATE TABLE pastings"),
        lambda path: replace_bytes(path, b"CREATE TABLE postings", b"CREAT\xe4 TABLE postings"),
        lambda path: replace_bytes(path, b"bretagne:1", b"bretagne:\xff"),
    ],
)
async def test_the_view_is_rebuilt_after_any_damage_to_its_file(
    path: Path, filled: list[Chunk], damage: Callable[[Path], object]
) -> None:
    damage(path)
    view = await opened(path)
    await view.apply(filled)
    assert 30 == await view.count("bretagne")
    await holds(view, "bretagne:7")
    await view.close()


async def test_a_process_that_follows_finds_damage_and_follows_the_new_file(path: Path, filled: list[Chunk]) -> None:
    kept = await opened(path)
    kept.updated.caught_up = True
    await kept.updated.keep()
    followed = await OfferView.follow(path, log_identity=LOG, partitions=PARTITIONS)
    assert [True] == [followed.caught_up]
    replace_bytes(path, TITLE, OTHER)
    with pytest.raises(DamagedCopyError):  # noqa: PT012  # one of these reads it
        for number in range(30):
            await followed.get(f"bretagne:{number}")
    assert not followed.caught_up
    with pytest.raises(LogUnavailableError):
        await followed.get("bretagne:7")
    assert marker(path).exists()
    async with asyncio.timeout(10):
        while kept.damage is None:  # it looks each second
            await asyncio.sleep(0.1)
    await kept.updated.rebuild()
    assert not marker(path).exists()
    await kept.apply(filled)
    kept.updated.caught_up = True
    await kept.updated.keep()
    await holds(followed, "bretagne:7")
    assert (True, kept.positions) == (followed.caught_up, followed.positions)
    await followed.close()
    await kept.close()


@pytest.mark.parametrize("table", ["postings", "live", "recent"])
async def test_a_changed_byte_of_the_index_rebuilds_the_view_at_the_start(
    path: Path, offer_topic: OfferTopic, filled: list[Chunk], table: str
) -> None:
    view = await opened(path)
    assert view._index is not None
    view._index._recent.size = PERIOD  # the next change is written after a fold
    offer_topic.publish(offer_of("bretagne:30"))
    more = offer_topic.chunks()
    await view.apply(more)
    await view.close()
    with sqlite3.connect(path) as db:
        column = next(name for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})") if kind == "BLOB")
        db.execute(f"UPDATE {table} SET {column} = {column} || x'00'")
    view = await opened(path)
    assert (0,) * PARTITIONS == view.positions
    await view.apply([*filled, *more])
    assert 31 == await view.count("bretagne")
    await view.close()


async def test_a_follower_finds_a_changed_byte_of_the_index(path: Path, filled: list[Chunk]) -> None:
    kept = await opened(path)
    followed = await OfferView.follow(path, log_identity=LOG, partitions=PARTITIONS)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE recent SET change = change || x'00'")
    with pytest.raises(DamagedCopyError):
        await followed.count("bretagne")
    assert kept.damage is not None
    await kept.updated.rebuild()
    await kept.apply(filled)
    assert 30 == await followed.count("bretagne")
    await followed.close()
    await kept.close()


async def test_a_mark_that_was_left_rebuilds_the_view_at_the_start(path: Path) -> None:
    marker(path).touch()
    view = await opened(path)
    assert (0,) * PARTITIONS == view.positions
    assert not marker(path).exists()
    await view.close()


def _chunk(kind: type[View]) -> tuple[Chunk, bytes, bytes]:
    if kind is ReceiptView:
        record = receipt_record("r1", "bretagne:1", "bretagne")
        return Chunk("receipts", 0, [StoredRecord(0, 1, record.key, record.value)], 1), b"accepted", b"accepteX"
    if kind is DeliveryView:
        part = DeliveryPart(group="lycee", generation=1, account="shared", state="delivered", since=1)
        record = delivery_record(Delivery(id="bretagne:1", sequence=7, parts=(part,)))
        return Chunk("deliveries", 0, [StoredRecord(0, 1, record.key, record.value)], 1), b"shared", b"sharad"
    if kind is StatisticsView:
        record = count_record(CountRecord("writer", 1, {Cell("2027-01-15", "bretagne", "accepted", "", "35"): 1}))
        return Chunk("statistics", 0, [StoredRecord(0, 1, record.key, record.value)], 1), b"bretagne", b"bretagnX"
    if kind is JournalView:
        record = entry_record(
            JournalEntry(number=1, previous="0" * 64, id="x", at=1, act="partner.add", about="bretagne")
        )
        return Chunk("journal", 0, [StoredRecord(0, 1, record.key, record.value)], 1), b"bretagne", b"bretagnX"
    record = run_record(SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="applied"))
    return Chunk("runs", 0, [StoredRecord(0, 1, record.key, record.value)], 1), b"applied", b"applyed"


@pytest.mark.parametrize("kind", [ReceiptView, DeliveryView, RunView, StatisticsView, JournalView])
async def test_every_view_notices_a_changed_byte(tmp_path: Path, kind: type[View]) -> None:
    path = tmp_path / "view.sqlite"
    view = await kind.open(path, log_identity=LOG, partitions=PARTITIONS)
    chunk, text, other = _chunk(kind)
    await view.apply([chunk])
    await view.close()
    view = await kind.open(path, log_identity=LOG, partitions=PARTITIONS)
    assert 1 == view.positions[0]
    replace_bytes(path, text, other)
    with pytest.raises(DamagedCopyError):  # noqa: PT012  # one of these reads it
        match view:
            case ReceiptView():
                await view.get("r1")
            case DeliveryView():
                await view.get("bretagne:1")
            case RunView():
                await view.last()
            case StatisticsView():
                await view.counts(date(2027, 1, 15), date(2027, 1, 15))
            case JournalView():
                await view.page(before=None, limit=1, criteria=JournalFilter())
    await view.close()
    view = await kind.open(path, log_identity=LOG, partitions=PARTITIONS)
    assert 0 == view.positions[0]
    await view.close()
