"""Commits wait for a checkpoint that is far behind, and for no other."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gateway.runtime.checkpoints import Checkpoints

AFTER = 100


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def test_commits_wait_for_a_checkpoint_that_is_behind(file: Path) -> None:
    disk, begun = threading.Event(), threading.Event()

    def slow() -> sqlite3.Connection:
        begun.set()
        disk.wait()
        return sqlite3.connect(file)

    checkpoints = Checkpoints(slow, after=AFTER)
    with closing(sqlite3.connect(file)) as connection:
        checkpoints.committed(connection, AFTER)
        checkpoints.begin_due()
        begun.wait()
        checkpoints.committed(connection, 3 * AFTER - 1)
        checkpoints.begin_due()  # returns, though the checkpoint still runs
        checkpoints.committed(connection, 1)
        waiting = threading.Thread(target=checkpoints.begin_due)
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
        disk.set()
        waiting.join()
        checkpoints.close()
