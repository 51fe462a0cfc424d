"""A feed upload: every item is counted once, repeated ids included; a full disk refuses the feed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.pull.collect import FeedUpload
from adapters.pull.feed_counts import FeedCounts, Kind
from gateway.errors import UploadRefusedError
from gateway.ingest.upload.spool import DiskQuota, JudgedItem
from gateway.protocol.source_run import Counts

pytestmark = pytest.mark.slow

ERROR = {"code": "x", "severity": "error", "pointer": "/title"}
WARNING = {"code": "y", "severity": "warning", "pointer": "/title"}


@pytest.fixture
def feed_counts() -> Iterator[FeedCounts]:
    feed_counts = FeedCounts()
    yield feed_counts
    feed_counts.close()


def add(feed_counts: FeedCounts, offer_id: str | None, *, kind: Kind = "published", problems: Any = ()) -> int | None:
    return feed_counts.add("0", offer_id, kind=kind, problems=problems)


def test_every_item_is_counted_once(feed_counts: FeedCounts) -> None:
    add(feed_counts, "a:1")
    add(feed_counts, "a:2", problems=[WARNING])
    add(feed_counts, "a:3", kind="unchanged", problems=[WARNING])
    add(feed_counts, "a:4", kind="refused", problems=[ERROR])
    feed_counts.add_passed()
    assert Counts(items=5, published=2, unchanged=1, refused=1, passed=1, warned=2) == feed_counts.counts
    assert {"a:1", "a:2", "a:3", "a:4"} == set(feed_counts.ids())


def test_an_item_without_an_id_is_refused_and_counted_separately(feed_counts: FeedCounts) -> None:
    assert add(feed_counts, None, kind="refused", problems=[ERROR]) is None
    assert (1, 0, 1) == (feed_counts.unidentified, feed_counts.distinct, feed_counts.counts.refused)


def test_two_offers_of_one_id_are_both_refused(feed_counts: FeedCounts) -> None:
    assert 0 == add(feed_counts, "a:1", problems=[WARNING])
    assert add(feed_counts, "a:1") is None
    assert add(feed_counts, "a:1") is None
    assert Counts(items=3, refused=3) == feed_counts.counts
    assert {0} == feed_counts.dropped
    assert 1 == feed_counts.distinct


def test_a_refused_item_beside_a_good_one_of_its_id_leaves_neither(feed_counts: FeedCounts) -> None:
    add(feed_counts, "a:1", kind="unchanged")
    add(feed_counts, "a:1", kind="refused", problems=[ERROR])
    assert Counts(items=2, refused=2) == feed_counts.counts
    assert set() == feed_counts.dropped, "what stands unchanged was not to be handed in"


def test_problems_are_grouped_with_their_counts_and_errors_come_first(feed_counts: FeedCounts) -> None:
    for number in range(50):
        add(feed_counts, f"a:{number}", problems=[WARNING])
    add(feed_counts, "a:last", kind="refused", problems=[ERROR])
    assert [("a:last", "error", 1), ("a:0", "warning", 50)] == [
        (one["id"], one["severity"], one["count"]) for one in feed_counts.problems
    ]
    assert {"error": 1, "warning": 50} == feed_counts.severities


def test_a_warning_of_the_whole_feed_is_kept_beside_any_number_of_problems(feed_counts: FeedCounts) -> None:
    for number in range(200):
        add(feed_counts, f"a:{number}", kind="refused", problems=[{**ERROR, "pointer": f"/{number}"}])
        add(feed_counts, f"b:{number}", problems=[{**WARNING, "pointer": f"/{number}"}])
    feed_counts.note("", None, [{"code": "sector-catch-all", "severity": "warning"}])
    assert "sector-catch-all" == feed_counts.problems[0]["code"]
    assert "error" == feed_counts.problems[1]["severity"]


def limit(connection: sqlite3.Connection, pages: int) -> None:
    """As on a full disk: SQLite refuses to let the file grow."""
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()


async def fill(upload: FeedUpload) -> None:
    for number in range(10_000):
        await upload.add("0", JudgedItem(f"bretagne:{number}", (), None), kind="refused")


async def test_a_full_disk_while_ids_are_counted_refuses_the_feed(tmp_path: Path) -> None:
    with closing(FeedUpload(tmp_path, DiskQuota(1_000_000))) as upload:
        limit(upload.feed_counts._ids._db, 5)
        with pytest.raises(UploadRefusedError, match="spool-full"):
            await fill(upload)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux shows descriptors as files")
def test_ids_in_memory_are_never_in_a_file() -> None:
    """T-34: SQLite's temporary database spills to the disk before it has 100,000 ids; one in memory does not."""
    opened: dict[bool, int] = {}
    for in_memory in (True, False):
        with closing(FeedCounts(in_memory=in_memory)) as counts:
            before = len(list(Path("/proc/self/fd").iterdir()))
            for number in range(100_000):
                add(counts, f"bretagne:{number}")
            opened[in_memory] = len(list(Path("/proc/self/fd").iterdir())) - before
    assert opened == {True: 0, False: 1}
