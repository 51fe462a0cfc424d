"""Damage in the file of the embedded log is detected and named, and damaged rows are never returned."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import LogDamagedError, LogError
from gateway.log.sqlite import SqliteLog
from gateway.log.sqlite.check import check_log
from gateway.log.sqlite.file import connect
from gateway.protocol.record import Record
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from tests.log.contract.log_fixture import TOPICS, opened_log, read, records

_INSERT = "INSERT INTO {} VALUES (?, ?, ?, ?, ?)"


async def made(path: Path) -> list[tuple[bytes | None, bytes | None]]:
    """A log with some records; returns those of one partition."""
    async with opened_log(SqliteLog.open(path), TOPICS) as log:
        for start in range(0, 30, 10):
            ten = [Record(b"k%d" % n, b'{"n":%d}' % n, (("a", b"\xff"),)) for n in range(start, start + 10)]
            await log.append(OFFERS, 0, ten)
        return [(one.key, one.value) for one in await read(log, OFFERS, 0)]


def changed(path: Path, statement: str) -> None:
    """Changes of a row by one flipped byte that SQLite's own check does not detect."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER IF EXISTS unchecked")
    table = connection.execute("SELECT id FROM stream WHERE topic = ? AND partition = 0", (OFFERS,)).fetchone()[0]
    connection.execute(statement.format(table=f"record_{table}", number=table))
    connection.execute(
        "CREATE TRIGGER unchecked AFTER UPDATE ON stream WHEN NEW.sum IS OLD.sum AND NEW.sum IS NOT NULL BEGIN "
        "UPDATE stream SET sum = NULL WHERE id = NEW.id; END"
    )
    connection.commit()
    assert "ok" == connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()


ROWS = {
    "a byte of the value": "UPDATE {table} SET value = replace(value, '1', '2') WHERE offset = 1",
    "another key": "UPDATE {table} SET key = CAST('k9' AS BLOB) WHERE offset = 1",
    "another time": "UPDATE {table} SET at = at + 1 WHERE offset = 1",
    "another offset": "UPDATE {table} SET offset = 10 WHERE offset = 9",
    "no headers": "UPDATE {table} SET headers = NULL WHERE offset = 1",
    "another header": (
        "UPDATE {table} SET headers = CAST(replace(CAST(headers AS TEXT), 'a', 'b') AS BLOB) WHERE offset = 1"
    ),
    "an end too low": "UPDATE stream SET next = 12 WHERE id = {number}",
    "an end too high": "UPDATE stream SET next = 1200 WHERE id = {number}",
    "a start too high": "UPDATE stream SET start = 5 WHERE id = {number}",
}


@pytest.mark.parametrize("statement", ROWS.values(), ids=ROWS.keys())
async def test_a_changed_row_is_never_read_as_if_it_were_whole(path: Path, statement: str) -> None:
    await made(path)
    changed(path, statement)
    with pytest.raises(LogDamagedError, match=f"{path} is damaged .* restore it from a backup"):
        await SqliteLog.open(path, check=True)
    with pytest.raises(LogDamagedError, match=f"{path} is damaged"):  # where it is found depends on the row
        async with opened_log(SqliteLog.open(path), ()) as log:
            await read(log, OFFERS, 0)


@pytest.mark.parametrize("topic", ["'offerz'", "'Offers'"])
async def test_a_topic_with_a_damaged_name_is_not_created_again(path: Path, topic: str) -> None:
    await made(path)
    changed(path, f"UPDATE stream SET topic = {topic} WHERE id = {{number}}")
    with pytest.raises(LogDamagedError):
        await SqliteLog.open(path)


async def test_another_identity_is_damage(path: Path) -> None:
    await made(path)
    changed(path, "UPDATE about SET identity = replace(identity, '-', '+')")
    with pytest.raises(LogDamagedError):
        await SqliteLog.open(path)


async def test_damage_found_while_reading_ends_writing(path: Path) -> None:
    await made(path)
    changed(path, ROWS["a byte of the value"])
    log = await SqliteLog.open(path)
    assert [None] == [log.damage]
    with pytest.raises(LogDamagedError):
        await read(log, OFFERS, 0)
    assert str(path) in (log.damage or "")
    with pytest.raises(LogDamagedError):
        await log.append(SUBMISSIONS, 0, records(3))
    await log.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:30_000]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"CREATE TABLE stream", b"CREAT\xe4 TABLE stream")),
        lambda path: _zero(path, 20_000),
    ],
)
async def test_a_file_whose_pages_are_damaged_is_refused_by_name(path: Path, damage: Callable[[Path], None]) -> None:
    await made(path)
    damage(path)
    with pytest.raises(LogDamagedError, match=str(path)):
        await SqliteLog.open(path, check=True)


async def test_a_folder_instead_of_the_file_is_refused_by_name(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LogError, match=str(path)):
        await SqliteLog.open(path)


async def test_the_whole_file_is_checked_when_nothing_is_wrong(path: Path) -> None:
    await made(path)
    connection = connect(path, busy_seconds=5)
    assert check_log(connection)
    connection.close()


async def test_an_earlier_version_reads_and_appends_and_what_it_wrote_is_read(path: Path) -> None:
    """Its statements, as they were before rows had checksums."""
    found = await made(path)
    old = sqlite3.connect(path, isolation_level=None)
    number, first, last_at = old.execute(
        "SELECT id, next, last_at FROM stream WHERE topic = ? AND partition = 0", (OFFERS,)
    ).fetchone()
    rows = old.execute(
        f"SELECT offset, at, key, value, headers FROM record_{number} WHERE offset >= 0 ORDER BY offset LIMIT 100"
    )
    assert found == [(key, value) for _, _, key, value, _ in rows]
    old.execute("BEGIN IMMEDIATE")
    old.execute(_INSERT.format(f"record_{number}"), (first, last_at, b"old", b'{"n":"old"}', None))
    old.execute("UPDATE stream SET next = ?, last_at = ? WHERE id = ?", (first + 2, last_at, number))
    old.execute("COMMIT")
    log = await SqliteLog.open(path, check=True)
    assert [*found, (b"old", b'{"n":"old"}')] == [(one.key, one.value) for one in await read(log, OFFERS, 0)]
    await log.create_topics(TOPICS)
    await log.append(OFFERS, 0, [Record(b"new", b"1")])
    await log.close()
    changed(path, "UPDATE {table} SET headers = NULL WHERE key = CAST('new' AS BLOB)")
    with pytest.raises(LogDamagedError):
        await SqliteLog.open(path, check=True)
    old.close()


async def test_a_log_of_an_earlier_version_is_opened_and_its_rows_stay_unchecked(path: Path) -> None:
    await made(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER unchecked")
    connection.execute("DROP TABLE checksum")
    for column in ("sum", "checked"):
        connection.execute(f"ALTER TABLE stream DROP COLUMN {column}")
    for (number,) in connection.execute("SELECT id FROM stream").fetchall():
        connection.execute(f"UPDATE record_{number} SET headers = NULL")
    connection.close()
    log = await SqliteLog.open(path, check=True)
    await log.create_topics(TOPICS)
    await log.append(OFFERS, 0, [Record(b"new", b"1")])
    assert 31 == len(await read(log, OFFERS, 0))
    await log.close()


def _zero(path: Path, start: int) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + 9_000] = bytes(9_000)
    path.write_bytes(bytes(content))
