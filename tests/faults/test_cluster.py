"""A short run on three brokers (replication 3, min.insync.replicas 2): leaders die, one after the other.

[RCP-001] [RCP-004] [WDR-010] [FEED-001] [FEED-010] [FEED-011] [PUB-035] [ERR-009], as in ``test_embedded``.
"""

from pathlib import Path

import pytest

from tests.faults.cluster_fault import ClusterFaults
from tests.faults.deployment import Deployment
from tests.faults.round import play
from tests.log.kafka.cluster import SIZE, LocalCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

GAP = 0.7


async def test_nothing_acknowledged_is_lost(kafka_cluster: LocalCluster, tmp_path: Path) -> None:
    """Leaders and coordinators move, an isolated one still acts as leader, and while one broker is left, no write is
    acknowledged. Suspended brokers and all other faults: the long run.
    """
    names = (
        "leading broker killed",
        "coordinator of transactions killed",
        "leading broker cut off",
        "two of three brokers gone",
    )
    faults = {fault.name: fault for fault in ClusterFaults(kafka_cluster).all()}
    deployment = Deployment(tmp_path, kafka=kafka_cluster.bootstrap_servers, replication=SIZE)
    verdict = await play(deployment, [faults[name] for name in names], seed="short", gap=GAP)
    assert [] == verdict.findings
    assert dict.fromkeys(names, 1) == verdict.faults
    assert verdict.counts["acknowledged"] > 500
