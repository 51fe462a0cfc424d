"""A feed upload is spooled on disk; a full disk refuses the feed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.pull.feed_upload import FeedUpload
from gateway.ingest.upload.error import UploadRefusedError
from gateway.ingest.upload.spool import DiskQuota, Item


def limit(connection: sqlite3.Connection, pages: int) -> None:
    """As on a full disk: SQLite refuses to let the file grow."""
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()


async def fill(upload: FeedUpload) -> None:
    for number in range(10_000):
        await upload.add("0", Item(f"bretagne:{number}", (), None), kind="refused")


async def test_a_full_disk_while_ids_are_counted_refuses_the_feed(tmp_path: Path) -> None:
    with closing(FeedUpload(tmp_path, DiskQuota(1_000_000))) as upload:
        limit(upload.feed_counts._ids._db, 5)
        with pytest.raises(UploadRefusedError, match="spool-full"):
            await fill(upload)
