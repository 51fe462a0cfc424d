"""The run view: the last run of each platform."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.log.port import Chunk
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.source_run import (
    RunOrder,
    SourceRun,
    order_record,
    run_record,
)
from gateway.store import RunView
from tests.store.offer_topic import LOG, PARTITIONS

FIRST = SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="failed")
THEN = SourceRun(platform="bretagne", started_at=3, ended_at=4, outcome="applied", last_success_at=4)


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[RunView]:
    view = await RunView.open(tmp_path / "runs.sqlite", log_identity=LOG, partitions=PARTITIONS)
    yield view
    await view.close()


def chunk(*records: Record, first: int = 0) -> Chunk:
    stored = [StoredRecord(first + n, 0, one.key, one.value) for n, one in enumerate(records)]
    return Chunk("runs", 0, stored, first + len(records))


async def test_the_last_run_of_a_platform_counts(runs: RunView) -> None:
    await runs.apply([chunk(run_record(FIRST))])
    assert {"bretagne": FIRST} == await runs.last()
    await runs.apply([chunk(run_record(FIRST), run_record(THEN))])
    assert {"bretagne": THEN} == await runs.last()


async def test_an_operators_order_is_no_run(runs: RunView) -> None:
    await runs.apply([chunk(order_record(RunOrder(platform="bretagne", id="a", ordered_at=1)), run_record(THEN))])
    assert {"bretagne": THEN} == await runs.last()


async def test_a_run_that_was_removed_is_gone(runs: RunView) -> None:
    await runs.apply([chunk(run_record(THEN), Record(b"bretagne", None))])
    assert {} == await runs.last()
