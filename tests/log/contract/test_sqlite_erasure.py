"""The embedded log erases what is replaced on an erasable topic: from the file, at the next upkeep, however little."""

from pathlib import Path

from gateway.log.sqlite import SqliteLog
from gateway.protocol.record import Record
from gateway.protocol.topic import DAY_MS, OPERATORS, PARTNERS, Topic

NAME = b"Name of a person, Conseil regional"
TOPICS = (
    Topic(OPERATORS, "compact", 14 * DAY_MS, small_segments=True, erasable=True),
    Topic(PARTNERS, "compact", 14 * DAY_MS),
)


async def erased(path: Path, topic: str) -> bytes:
    """The bytes of the closed file after a name was written, erased by a tombstone, and upkeep has run once."""
    log = await SqliteLog.open(path, partitions=1)
    await log.create_topics(TOPICS)
    for value in (NAME, None):
        await log.append(topic, 0, [Record(b"key", value), Record(b"other", b"stays")])
    appended = await log.newest()
    assert appended is not None
    await log.maintain(TOPICS, now=appended)
    await log.close()
    return b"".join(one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name))


async def test_an_erased_name_leaves_the_file(tmp_path: Path) -> None:
    held = await erased(tmp_path / "log.sqlite", OPERATORS)
    assert NAME not in held
    assert b"stays" in held


async def test_another_topic_is_compacted_when_that_gains_something(tmp_path: Path) -> None:
    assert NAME in await erased(tmp_path / "log.sqlite", PARTNERS)


async def test_tombstones_go_after_their_retention_and_names_stay(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.sqlite", partitions=1)
    await log.create_topics(TOPICS)
    await log.append(OPERATORS, 0, [Record(b"key", NAME), Record(b"other", NAME)])
    await log.append(OPERATORS, 0, [Record(b"key", None)])
    appended = await log.newest() or 0
    for now, expected in ((appended, [(b"other", NAME), (b"key", None)]), (appended + 15 * DAY_MS, [(b"other", NAME)])):
        await log.maintain(TOPICS, now=now)
        async with log.reader({(OPERATORS, 0): 0}) as reader:
            [chunk] = await reader.poll(limit=10, wait=1.0)
        assert expected == [(one.key, one.value) for one in chunk.records]
    await log.close()
