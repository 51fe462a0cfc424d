"""A short run on three brokers, where what is written is on all and two must have it: leaders die, one after the other.

[RCP-001] [RCP-004] [WDR-010] [FEED-001] [FEED-010] [FEED-011] [PUB-035] [ERR-009], as in ``test_embedded``.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.kafka.broker import missing
from tests.faults.arena import Arena
from tests.faults.cluster_fault import ClusterFaults
from tests.faults.round import play
from tests.kafka.cluster import SIZE, LocalCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

GAP = 0.7


@pytest.fixture
async def cluster() -> AsyncIterator[LocalCluster]:
    """Brokers of its own, since they will be killed."""
    lack = missing()
    if lack is not None:  # a running cluster was named instead, but this test must be able to kill its brokers
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"kafka: {lack}")
    cluster = LocalCluster()
    try:
        await asyncio.to_thread(cluster.start)
        yield cluster
    finally:
        await asyncio.to_thread(cluster.close)


async def test_nothing_acknowledged_is_lost(cluster: LocalCluster, tmp_path: Path) -> None:
    """Leaders and coordinators move, and while one broker is left, nobody is told that anything was written. Brokers
    that sleep and all in their turn: the long run.
    """
    names = (
        "leading broker killed",
        "coordinator of transactions killed",
        "two of three brokers gone",
    )
    faults = {fault.name: fault for fault in ClusterFaults(cluster).all()}
    arena = Arena(tmp_path, kafka=cluster.bootstrap_servers, replication=SIZE)
    verdict = await play(arena, [faults[name] for name in names], seed="short", gap=GAP)
    assert [] == verdict.findings
    assert dict.fromkeys(names, 1) == verdict.faults
    assert verdict.counts["acknowledged"] > 500
