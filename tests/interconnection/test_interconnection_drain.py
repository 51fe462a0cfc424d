"""A queue for the national site, the gateway killed meanwhile: ``python -m tests.interconnection drain`` in short."""

from pathlib import Path

import pytest

from demo.national_site.simulator import NationalSimulator
from gateway.runtime.loop import run
from tests.interconnection.drain import drain
from tests.interconnection.drained import read_drained

pytestmark = pytest.mark.slow

OFFERS, KILLS = 600, 2


@pytest.mark.timeout(300)
@pytest.mark.parametrize("log", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_a_long_queue_is_delivered_once_though_the_gateway_is_killed(
    log: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kafka = request.getfixturevalue("kafka_servers") if log == "kafka" else None
    drained = run(drain(tmp_path, offers=OFFERS, kills=KILLS, kafka=kafka))
    assert [] == drained.differences()
    assert OFFERS == drained.answers["POST", 201]
    assert drained.minutes >= drained.fewest_minutes


def test_the_count_finds_lost_doubled_and_foreign_offers_and_calls_beyond_the_limit() -> None:
    site = NationalSimulator(clock=lambda: 1)
    owner = site.add_operator("gateway@example.org", "open sesame")
    for name in ("kept", "kept-twice", "kept-twice", "stranger", "gone"):
        row = site.publish_on_site(owner=owner, permalink=f"https://stages.example.org/{name}")
    site.discard(row)
    site.publish_on_site(permalink="https://stages.example.org/made-there")
    site.answered.update({("POST", 201): 5, ("POST", 429): 1, ("POST", 200): 3, ("GET", 200): 90})
    site.counted["gateway@example.org", "offers", 7] = 101
    wanted = [f"https://stages.example.org/{name}" for name in ("kept", "kept-twice", "gone", "never-sent")]
    drained = read_drained(site, wanted, kills=2, seconds=1.0)
    assert [
        "lost: https://stages.example.org/gone, https://stages.example.org/never-sent (2)",
        "made twice: https://stages.example.org/kept-twice (1)",
        "of unknown origin: https://stages.example.org/stranger (1)",
        "101 calls in one minute, 1 refused",
        "96 calls for 4 offers and 2 kills",
    ] == drained.differences()
