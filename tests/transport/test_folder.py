"""Folder drops: the newest whole file, and nothing outside of the folder of feeds."""

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from adapters.transport.drop import FolderDrop
from adapters.transport.feed import Feed, FeedError, FetchLimits, Unchanged, Validators
from gateway import clock
from tests.transport.server import content_of


class Drop:
    """A folder of feeds with one drop in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "feeds"
        self.here = self.root / "bretagne"
        self.here.mkdir(parents=True)
        self.limits = FetchLimits(folder=folder / "spool")

    def put(self, name: str, content: bytes, *, at: int) -> Path:
        path = self.here / name
        path.write_bytes(content)
        os.utime(path, (at, at))
        return path

    async def fetch(self, known: Validators | None = None, folder: str = "bretagne") -> Feed | Unchanged:
        return await FolderDrop(self.root, folder, "*.csv*", settle=0.05).fetch(known or {}, self.limits)

    async def code(self, folder: str = "bretagne") -> str:
        with pytest.raises(FeedError) as refused:
            await self.fetch(folder=folder)
        return refused.value.code


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


async def test_the_newest_file_that_matches_is_the_feed(drop: Drop) -> None:
    drop.put("old.csv", b"old", at=1_000)
    drop.put("new.csv", b"new", at=2_000)
    drop.put("newer.xml", b"other", at=3_000)
    assert b"new" == content_of(await drop.fetch())


async def test_the_file_that_was_read_last_is_not_read_again(drop: Drop) -> None:
    drop.put("one.csv", b"one", at=1_000)
    feed = await drop.fetch()
    assert b"one" == content_of(feed)
    assert isinstance(feed, Feed)
    assert isinstance(await drop.fetch(feed.validators), Unchanged)
    drop.put("one.csv", b"two", at=1_001)
    assert b"two" == content_of(await drop.fetch(feed.validators))


async def test_a_gzipped_file_is_inflated_and_a_cut_one_refused(drop: Drop) -> None:
    drop.put("feed.csv.gz", gzip.compress(b"id;title\n"), at=1_000)
    assert b"id;title\n" == content_of(await drop.fetch())
    drop.put("feed.csv.gz", gzip.compress(b"id;title\n")[:-4], at=1_001)
    assert "feed-cut" == await drop.code()


async def test_a_file_that_still_grows_is_left_for_the_next_run(drop: Drop) -> None:
    path = drop.put("feed.csv", b"", at=1_000)

    async def write() -> None:
        with path.open("ab", buffering=0) as file:
            while True:
                file.write(b"line\n")
                await asyncio.sleep(0.005)

    writing = asyncio.create_task(write())
    try:
        assert "feed-being-written" == await drop.code()
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_a_link_to_a_file_is_no_feed(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"secret")
    (drop.here / "link.csv").symlink_to(secret)
    assert "feed-missing" == await drop.code()


async def test_a_link_to_a_folder_elsewhere_is_refused(drop: Drop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "feed.csv").write_bytes(b"secret")
    (drop.root / "linked").symlink_to(elsewhere)
    assert "feed-unsafe-path" == await drop.code("linked")


async def test_a_pipe_is_no_feed(drop: Drop) -> None:
    os.mkfifo(drop.here / "pipe.csv")
    assert "feed-missing" == await drop.code()


async def test_a_missing_folder_is_reported(drop: Drop) -> None:
    assert "feed-missing" == await drop.code("normandie")


async def test_without_a_folder_of_feeds_a_drop_is_refused(drop: Drop) -> None:
    with pytest.raises(FeedError) as refused:
        await FolderDrop(None, "bretagne", "*").fetch({}, drop.limits)
    assert "feed-missing" == refused.value.code


TEN_YEARS = 10 * 365 * 86_400


async def test_a_file_with_a_date_in_the_future_is_read_and_keeps_nothing_out(drop: Drop) -> None:
    """The sender of a file sets its date; the system's change time is its arrival."""
    now = clock.now() // 1000
    drop.put("a.csv", b"dated ahead", at=now + TEN_YEARS)
    feed = await drop.fetch()
    assert b"dated ahead" == content_of(feed)
    assert isinstance(feed, Feed)
    assert isinstance(await drop.fetch(feed.validators), Unchanged)
    await asyncio.sleep(0.05)
    (drop.here / "b.csv").write_bytes(b"the next")
    for known in ({}, feed.validators):
        assert b"the next" == content_of(await drop.fetch(known))
