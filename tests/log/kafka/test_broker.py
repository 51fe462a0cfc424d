"""The local broker, and tests where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.broker import BrokerError, LocalBroker
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.protocol.topic import COMMON, SUBMISSIONS
from tests.log.contract.log_fixture import read_keys, record

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def run_kafka_tests(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Kafka test of ours where neither Java nor Maven is on the path."""
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "KAFKA_BOOTSTRAP_SERVERS"}}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests/log/kafka/test_broker.py",
        "-k",
        "restart",
    ]
    return subprocess.run(
        command, cwd=ROOT, env={**kept, "PATH": str(folder), **environment}, capture_output=True, text=True, check=False
    )


def test_without_java_kafka_tests_are_skipped_with_one_loud_line(tmp_path: Path) -> None:
    done = run_kafka_tests(tmp_path)
    assert 0 == done.returncode, done.stdout
    assert 1 == done.stdout.count("!!! THE KAFKA TESTS DID NOT RUN: ")
    assert "1 skipped" in done.stdout


def test_without_java_kafka_tests_fail_in_ci(tmp_path: Path) -> None:
    done = run_kafka_tests(tmp_path, CI="true")
    assert 1 == done.returncode, done.stdout
    assert "With CI=true the kafka tests must run" in done.stdout


@pytest.mark.kafka
async def test_a_restarted_broker_has_its_data_and_a_closed_one_leaves_nothing() -> None:
    with LocalBroker() as broker:
        folder = broker.folder
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        log = await KafkaLog.open(settings)
        await log.create_topics(COMMON)
        await log.append(SUBMISSIONS, 0, [record("before")])
        await log.close()
        broker.restart()
        log = await KafkaLog.open(settings)
        await log.append(SUBMISSIONS, 0, [record("after")])
        assert ["before", "after"] == await read_keys(log, SUBMISSIONS)
        await log.close()
        with pytest.raises(BrokerError, match="runs already"):
            broker.start()
    assert not folder.exists()


@pytest.mark.kafka
def test_a_broker_that_cannot_start_says_why() -> None:
    with (
        pytest.raises(BrokerError, match=r"process\.roles"),
        LocalBroker(properties={"process.roles": "nonsense"}),
    ):
        pass
