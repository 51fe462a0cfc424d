"""Pushes under faults, on each log: owners that end anywhere, commits of unknown outcome, endpoints that fail.

The clock runs fifty times as fast as the machine's, so that deadlines and waits are short. At the end every copy equals
the feed, also that of a receiver that forgets removals and sequences. [PSH-004] [PSH-007] [PSH-008]
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from gateway.errors import FencedError, LogError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import COMMON
from tests.harness import until
from tests.log.contract.log_fixture import opened_log
from tests.memory_log import MemoryLog, WriteFault
from tests.push.endpoint import Endpoint, receiving
from tests.push.push_harness import FastClock, PushHarness, pushing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FAULTS = 110
SPEED = 50.0
OFFERS = 40


async def change(push: PushHarness, random: Random) -> None:
    """Some offers are published, changed or withdrawn."""
    for _ in range(random.randint(1, 4)):
        number = random.randrange(OFFERS)
        if f"bretagne:{number}" in push.topic.states and random.random() < 0.4:
            await push.withdraw(number)
        else:
            await push.publish(number, title=f"Titre {random.random()}")


async def play(replicas: list[PushHarness], endpoint: Endpoint, random: Random) -> None:
    """Faults in an order that the seed gives, each once the one before it has struck the endpoint."""
    log = replicas[0].federation.log
    for _ in range(FAULTS):
        await change(replicas[0], random)
        kind = random.choice(("kill", "kill", "status", "late", "cut", "commit", "replay"))
        one = random.choice(replicas)
        if kind == "kill":
            await end(one)
            await asyncio.sleep(random.uniform(0, 0.05))
            one.start()
        elif kind == "replay":
            if random.random() < 0.2:
                await one.set(replays=lambda before: before + 1)
        elif kind == "commit":
            if isinstance(log, MemoryLog):
                log.inject(random.choice((WriteFault.UNANSWERED, WriteFault.LOST, WriteFault.REFUSED)))
        else:
            endpoint.once(kind, random)
            await replicas[0].set(enables=lambda before: before + 1)
            with suppress(TimeoutError):
                await until(lambda: not endpoint.planned, seconds=2)
        await asyncio.sleep(random.uniform(0, 0.15))
        if isinstance(log, MemoryLog):
            log.heal()


async def end(one: PushHarness) -> None:
    """End a replica's sender; its own error, if it had one, is that of a fenced owner or of the log."""
    with suppress(FencedError, LogError):
        await one.kill()


async def survive(replicas: list[PushHarness], seed: str) -> None:
    random = Random(seed)  # a plan
    first = replicas[0]
    async with receiving() as endpoint, receiving() as other:
        await first.subscribe(endpoint, max_batch=2_048)
        await first.subscribe(other, name="autre", max_batch=2_048)
        await play(replicas, endpoint, random)
        endpoint.planned = ""
        for name in ("copie", "autre"):
            await first.set(name, enables=lambda before: before + 1)
        for one in replicas:
            if not one.tasks:
                one.start()
        await first.equal(endpoint, other, seconds=90)
    assert endpoint.struck > FAULTS // 5


@pytest.mark.smoke
async def test_a_copy_equals_the_feed_on_the_log_in_memory(tmp_path: Path) -> None:
    log = MemoryLog()
    async with pushing(tmp_path, log, speed=SPEED) as push:
        await survive([push], "memory")
    await log.close()


async def test_a_copy_equals_the_feed_on_the_embedded_log(tmp_path: Path) -> None:
    async with (
        opened_log(SqliteLog.open(tmp_path / "log.sqlite"), COMMON) as log,
        pushing(tmp_path / "data", log, speed=SPEED) as push,
    ):
        await survive([push], "embedded")


@asynccontextmanager
async def three(folder: Path, servers: str) -> AsyncIterator[list[PushHarness]]:
    settings = KafkaSettings(bootstrap_servers=servers, prefix=f"push-{secrets.token_hex(4)}")
    clock = FastClock(SPEED)
    async with AsyncExitStack() as stack:
        replicas: list[PushHarness] = []
        for number in range(3):
            log = await stack.enter_async_context(opened_log(KafkaLog.open(settings), COMMON if not number else ()))
            replicas.append(
                await stack.enter_async_context(pushing(folder / str(number), log, speed=SPEED, clock=clock))
            )
        yield replicas


@pytest.mark.kafka
async def test_a_copy_equals_the_feed_on_kafka_with_three_replicas(tmp_path: Path, kafka_servers: str) -> None:
    async with three(tmp_path, kafka_servers) as replicas:
        await survive(replicas, "kafka")
