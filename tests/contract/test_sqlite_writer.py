"""The embedded log's writer while another process holds the file."""

import asyncio
import fcntl
import gc
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.ports import LogUnavailableError, UnknownOutcomeError
from gateway.protocol.record import Record
from gateway.protocol.topic import SUBMISSIONS
from gateway.sole import MAX_BYTES
from gateway.sqlite import SqliteLog
from tests.contract.log_ground import TOPICS


async def given_up(log: SqliteLog) -> None:
    with suppress(LogUnavailableError, UnknownOutcomeError):
        await log.append(SUBMISSIONS, 0, [Record(b"large", bytes(MAX_BYTES // 2))])
        pytest.fail("nothing can have been written")


async def test_what_was_given_up_takes_no_room(tmp_path: Path) -> None:
    """Whoever tries again and again while another holds the file would fill the memory."""
    log = await SqliteLog.open(tmp_path / "log.sqlite", patience=0.5)
    await log.create_topics(TOPICS)
    with (tmp_path / "log.sqlite-turn").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        tracemalloc.start()
        try:
            for _ in range(3):
                await asyncio.gather(*(given_up(log) for _ in range(40)))
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            fcntl.flock(turn, fcntl.LOCK_UN)
    await log.close()
    assert kept < 25 * MAX_BYTES  # what had been begun is held until it is known
