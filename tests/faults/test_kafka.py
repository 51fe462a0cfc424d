"""A short run on real Kafka: a broker that dies, replicas that come and go, and a proxy that delays and cuts.

[RCP-001] [RCP-004] [WDR-010] [FEED-001] [FEED-010] [FEED-011] [PUB-035] [ERR-009], as in ``test_embedded``.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.deployment import Deployment
from tests.faults.fault import KILL
from tests.faults.kafka_fault import COMPACT, REPLACE, ZOMBIE, KafkaFaults, kafka_faults
from tests.faults.round import Fault, play
from tests.log.kafka.local import need_local_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

GAP = 0.7


@pytest.fixture
async def faults() -> AsyncIterator[KafkaFaults]:
    need_local_kafka()
    async with kafka_faults(away=5.0) as faults:
        yield faults


async def test_nothing_acknowledged_is_lost(faults: KafkaFaults, tmp_path: Path) -> None:
    """Kills at random moments, takeovers, fencing, cuts and compaction, in one history."""
    names = {
        "broker gone for 5 s",
        "commit request delayed beyond patience",
        "commit answer cut",
    }
    chosen: list[Fault] = [fault for fault in faults.all() if fault.name in names]
    assert len(names) == len(chosen)
    deployment = Deployment(tmp_path, kafka=faults.broker.bootstrap_servers, behind=faults.proxy.bootstrap_servers)
    plan = [KILL, chosen[0], ZOMBIE, REPLACE, chosen[1], COMPACT, chosen[2], KILL]
    verdict = await play(deployment, plan, seed="short", replicas=2, gap=GAP)
    assert [] == verdict.findings
    assert verdict.counts["acknowledged"] > 1_000
