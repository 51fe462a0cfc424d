"""The faults of three brokers: the leader or coordinator dies, one after the other, and two at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from gateway.bootstrap.log import kafka_settings
from gateway.protocol.identity import partition_of
from gateway.protocol.topic import SUBMISSIONS
from gateway.relay.partition import ROLE
from tests.faults.history import ACKNOWLEDGED
from tests.faults.kafka_fault import REPLACE
from tests.faults.round import Fault, MissedError, Round
from tests.log.kafka.cluster import SIZE, LocalCluster

_MOVE_SECONDS = 60.0
_WHOLE_SECONDS = 120.0
_REFUSALS = 20
"""Requests answered 503 before the stopped brokers are started again."""
_REFUSAL_SECONDS = 60.0
_DECIDED_SECONDS = 60.0
_APART_SECONDS = 40.0
"""Longer than replicas that fenced each other took to end."""

_ANSWER_MS = 2_000
_AGAIN_SECONDS = 0.2

_Find: TypeAlias = Callable[[Round], Awaitable[int]]
_Partitions: TypeAlias = Mapping[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ClusterFaults:
    """The faults that need control of the brokers. Each ends when every replica of every partition is in sync again."""

    cluster: LocalCluster

    def all(self) -> list[Fault]:
        """Each of them."""
        return [
            Fault("leading broker killed", self._killing(self.leader)),
            Fault("leading broker suspended until others led", self._suspended(self.leader)),
            Fault("coordinator of transactions killed", self._killing(self.coordinator)),
            Fault("coordinator of transactions suspended until others led", self._suspended(self.coordinator)),
            Fault("coordinator of the group killed", self._killing(self._group_coordinator)),
            Fault("leading broker cut off", self._cutting_off(self.leader)),
            Fault("coordinator of transactions cut off", self._cutting_off(self.coordinator)),
            Fault("coordinator of the group cut off, a new replica joins", self._joining_beside),
            Fault("every broker killed in turn", self._each_killed),
            Fault("every broker restarted in turn", self._each_restarted),
            Fault("two of three brokers gone", self._two_gone),
        ]

    async def leader(self, round_: Round) -> int:
        """The number of the broker that leads a partition of ``submissions``."""
        topic, partition = (
            round_.deployment.topic(SUBMISSIONS),
            round_.random.randrange(round_.deployment.settings.partitions),
        )
        return (await self._partitions())[topic, partition][0]

    async def coordinator(self, round_: Round) -> int:
        """That of the broker which coordinates the transactions of a partition's relay."""
        partition = round_.random.randrange(round_.deployment.settings.partitions)
        name = kafka_settings(round_.deployment.settings).transactional_id(ROLE, partition)
        return await self._coordinator(CoordinationType.TRANSACTION, name)

    async def _group_coordinator(self, round_: Round) -> int:
        name = f"{kafka_settings(round_.deployment.settings).prefix}.{ROLE}"
        return await self._coordinator(CoordinationType.GROUP, name)

    def _killing(self, find: _Find) -> Callable[[Round], Awaitable[None]]:
        """It returns when others have taken over its partitions."""

        async def strike(round_: Round) -> None:
            number = await find(round_)
            await asyncio.to_thread(self.cluster.kill, [number])
            await self._until_others_lead(number)
            await round_.under_load()
            await asyncio.to_thread(self.cluster.start, [number])
            await self._until_whole()

        return strike

    def _suspended(self, find: _Find) -> Callable[[Round], Awaitable[None]]:
        """After it resumes it still acts as leader."""

        async def strike(round_: Round) -> None:
            number = await find(round_)
            self.cluster.brokers[number].pause()
            try:
                await self._until_others_lead(number)
                await round_.under_load()
            finally:
                self.cluster.brokers[number].resume()
            await self._until_whole()

        return strike

    def _cutting_off(self, find: _Find) -> Callable[[Round], Awaitable[None]]:
        """Clients still reach it, and it still acts as leader: records written to it then are lost.
        The gateway must continue with the others.
        """

        async def strike(round_: Round) -> None:
            async with self._cut_off(await find(round_), round_):
                await self._until_decided(round_)
                await round_.under_load()

        return strike

    async def _joining_beside(self, round_: Round) -> None:
        """The old coordinator keeps the old members; the new member finds another one, which soon has it as its only
        member. They must form one group, however long the first is cut off.
        """
        async with self._cut_off(await self._group_coordinator(round_), round_):
            await REPLACE.strike(round_)
            await asyncio.sleep(_APART_SECONDS)
            await self._until_decided(round_)

    @asynccontextmanager
    async def _cut_off(self, number: int, round_: Round) -> AsyncIterator[None]:
        """While entered, others lead and this broker has old metadata; afterwards all are connected again."""
        with self.cluster.isolated(number):
            await self._until_others_lead(number)
            if not any(leader == number for leader, _ in (await self._partitions(number)).values()):
                round_.find(f"broker {number} was to be cut off, and it knows that others lead")
            yield
        await self._until_whole()

    async def _each_killed(self, round_: Round) -> None:
        for number in round_.random.sample(range(1, SIZE + 1), SIZE):
            await asyncio.to_thread(self.cluster.kill, [number])
            await round_.under_load()
            await asyncio.to_thread(self.cluster.start, [number])
            await self._until_whole()

    async def _each_restarted(self, round_: Round) -> None:
        """A rolling restart, as for an upgrade."""
        for number in round_.random.sample(range(1, SIZE + 1), SIZE):
            await asyncio.to_thread(self.cluster.brokers[number].restart)
            await self._until_whole()

    async def _two_gone(self, round_: Round) -> None:
        """No write can succeed: none may be acknowledged. Raises MissedError."""
        gone = round_.random.sample(range(1, SIZE + 1), 2)
        await asyncio.to_thread(self.cluster.kill, gone)
        attempts, clock = round_.history.attempts, asyncio.get_running_loop().time
        since, before = clock(), len(attempts)
        while sum(one.outcome == "refused" and one.sent_at > since for one in attempts[before:]) < _REFUSALS:
            if clock() > since + _REFUSAL_SECONDS:
                raise MissedError
            await asyncio.sleep(0.1)
        for one in attempts[before:]:
            if one.sent_at > since and one.outcome in ACKNOWLEDGED:
                round_.find(f"acknowledged by one broker of three: {one}")
        await asyncio.to_thread(self.cluster.start, gone)
        await self._until_whole()

    async def _until_others_lead(self, number: int) -> None:
        """Wait until this broker leads nothing, by another broker's metadata."""
        other = number % SIZE + 1
        async with asyncio.timeout(_MOVE_SECONDS):
            while any(leader in {number, -1} for leader, _ in (await self._partitions(other)).values()):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _until_decided(self, round_: Round) -> None:
        """Wait until a request that is sent from now on is decided, in every partition."""
        attempts, clock = round_.history.attempts, asyncio.get_running_loop().time
        since, before, partitions = clock(), len(attempts), round_.deployment.settings.partitions
        missing = set(range(partitions))
        while missing := missing - {
            partition_of(one.id, partitions)
            for one in attempts[before:]
            if one.outcome == "decided" and one.sent_at > since
        }:
            if clock() > since + _DECIDED_SECONDS:
                round_.find(f"nothing is decided beside a broker that is cut off, in partitions {sorted(missing)}")
                return
            await asyncio.sleep(0.1)

    async def _until_whole(self) -> None:
        """Wait until every partition has a leader and its replicas, in the metadata of every broker: a resumed one
        returns old metadata for a while.
        """
        async with asyncio.timeout(_WHOLE_SECONDS):
            while True:
                first, *others = [await self._partitions(number) for number in range(1, SIZE + 1)]
                whole = all(leader >= 0 and in_sync == SIZE for leader, in_sync in first.values())
                if whole and all(found == first for found in others):
                    return
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _partitions(self, number: int = 1) -> _Partitions:
        """Of every partition of every topic its leader (-1 for none) and how many replicas are in sync, as this broker
        says.
        """

        async def ask(client: AIOKafkaClient) -> Any:
            return await client.send(number, MetadataRequest(None))

        answer = await _insist(self.cluster.brokers[number].bootstrap_servers, ask)
        return {
            (each["topic"], part["partition"]): (part["leader"], len(part["isr"]))
            for each in answer.to_object()["topics"]
            for part in each["partitions"]
        }

    async def _coordinator(self, kind: CoordinationType, name: str) -> int:
        async def ask(client: AIOKafkaClient) -> Any:
            return await client.coordinator_lookup(kind, name)

        return int(await _insist(self.cluster.bootstrap_servers, ask))


async def _insist(servers: str, ask: Callable[[AIOKafkaClient], Awaitable[Any]]) -> Any:
    """The answer of one of these brokers; asked until it comes."""
    while True:
        client = AIOKafkaClient(bootstrap_servers=servers, request_timeout_ms=_ANSWER_MS)
        try:
            await client.bootstrap()
            return await ask(client)
        except (KafkaError, OSError):
            await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            await client.close()
