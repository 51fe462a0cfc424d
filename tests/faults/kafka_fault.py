"""The faults of a real Kafka: its broker, the replicas that share its partitions, and the network between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from demo.broker import Listener, LocalBroker
from gateway.bootstrap.log import kafka_settings
from gateway.log.kafka.admin import wanted
from gateway.log.port import EventLog
from gateway.protocol.topic import COMMON, OFFERS
from tests.faults.ending import count_offers, read_receipts
from tests.faults.process import GatewayProcess
from tests.faults.round import Fault, Round
from tests.log.kafka.proxy import END_TXN, FETCH, INIT_PRODUCER_ID, PRODUCE, PRODUCE_IN_TRANSACTION, Direction, Proxy

SESSION_SECONDS = 10.0
"""Seconds after which a silent member has left its group."""
PATIENCE_SECONDS = 8.0
"""Seconds after which the gateway reports a commit as unknown."""
_CATCH_SECONDS = 20.0
_CUT_SECONDS = 0.7
_CLEAN_SECONDS = 60.0
_OFFERS = next(topic for topic in COMMON if topic.name == OFFERS)


def _running(round_: Round) -> list[GatewayProcess]:
    return [one for one in round_.deployment.replicas if one.running]


async def _replace(round_: Round) -> None:
    """One replica is killed and a new one, which has nothing yet, is added: two rebalances."""
    await round_.random.choice(_running(round_)).kill()
    await asyncio.sleep(round_.random.uniform(0, 2))
    await round_.deployment.add_replica()


async def _zombie(round_: Round) -> None:
    """A replica is suspended until another has taken over its partitions, then resumed."""
    replica = round_.random.choice(_running(round_))
    replica.pause()
    await asyncio.sleep(SESSION_SECONDS + round_.random.uniform(2, 5))
    replica.resume()


REPLACE = Fault("replica killed, another added", _replace)
ZOMBIE = Fault("replica suspended until others took over", _zombie)


@dataclass(frozen=True, slots=True)
class KafkaFaults:
    """The faults that need control of the broker and of the proxy before it."""

    broker: LocalBroker
    proxy: Proxy
    away: float
    """Seconds during which the broker is down."""

    def all(self) -> list[Fault]:
        """Each of them."""
        return [
            Fault("broker killed and restarted", self._restart),
            Fault(f"broker gone for {self.away:g} s", self._gone),
            Fault("broker frozen", self._frozen),
            Fault("commit request delayed", self._holding(END_TXN, "request", 1.0)),
            Fault("commit request delayed beyond patience", self._holding(END_TXN, "request", PATIENCE_SECONDS + 2)),
            Fault("commit answer delayed beyond patience", self._holding(END_TXN, "answer", PATIENCE_SECONDS + 2)),
            Fault("commit answer cut", self._cutting(END_TXN, "answer")),
            Fault("commit request cut", self._cutting(END_TXN, "request")),
            Fault("takeover delayed", self._takeover),
            Fault("batch of a transaction cut", self._cutting(PRODUCE_IN_TRANSACTION, "answer")),
            Fault("append answer cut", self._cutting(PRODUCE, "answer")),
            Fault("append answer delayed beyond patience", self._holding(PRODUCE, "answer", PATIENCE_SECONDS + 2)),
            Fault("reads held", self._holding(FETCH, "answer", 5.0)),
            Fault("all connections cut", self._cut),
            Fault("all connections half closed", self._half_close),
        ]

    async def _restart(self, round_: Round) -> None:  # noqa: ARG002 - as every fault is called
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.broker.start)

    async def _gone(self, round_: Round) -> None:  # noqa: ARG002 - same
        await asyncio.to_thread(self.broker.kill)
        await asyncio.sleep(self.away)
        await asyncio.to_thread(self.broker.start)

    async def _frozen(self, round_: Round) -> None:
        """Too slow for any timeout: connections stay open, nothing answers."""
        self.broker.pause()
        await asyncio.sleep(PATIENCE_SECONDS + round_.random.uniform(0, 3))
        self.broker.resume()

    async def _cut(self, round_: Round) -> None:
        for _ in range(round_.random.randint(1, 3)):
            self.proxy.cut()
            await asyncio.sleep(round_.random.uniform(0, 0.5))

    async def _half_close(self, round_: Round) -> None:
        self.proxy.half_close()
        await asyncio.sleep(round_.random.uniform(0.5, 2))

    async def _takeover(self, round_: Round) -> None:
        """Owners lose their connections until a new owner has to begin, and then wait for the answer to that."""
        with self.proxy.hold(INIT_PRODUCER_ID, direction="answer", limit=1) as hold:
            caught = asyncio.ensure_future(hold.caught())
            for _ in range(int(_CATCH_SECONDS / _CUT_SECONDS)):
                self.proxy.cut()
                if (await asyncio.wait({caught}, timeout=_CUT_SECONDS))[0]:
                    break
            await self._caught(round_, caught)
            await asyncio.sleep(3.0)

    def _holding(self, kind: int, direction: Direction, seconds: float) -> Callable[[Round], Awaitable[None]]:
        """One frame of a kind is held, with all later frames of its connection."""

        async def strike(round_: Round) -> None:
            with self.proxy.hold(kind, direction=direction, limit=1) as hold:
                await self._caught(round_, hold.caught())
                await asyncio.sleep(seconds * round_.random.uniform(0.8, 1.2))

        return strike

    def _cutting(self, kind: int, direction: Direction) -> Callable[[Round], Awaitable[None]]:
        """All connections are cut while a frame of a kind is on its way; a request still arrives, some time later."""

        async def strike(round_: Round) -> None:
            with self.proxy.hold(kind, direction=direction, limit=1) as hold:
                await self._caught(round_, hold.caught())
                self.proxy.cut()
                await asyncio.sleep(round_.random.uniform(0, 3))

        return strike

    async def _caught(self, round_: Round, caught: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_CATCH_SECONDS):
                await caught
        except TimeoutError:
            round_.find("the proxy saw no frame to aim at: the gateway does nothing")


@asynccontextmanager
async def kafka_faults(*, away: float) -> AsyncIterator[KafkaFaults]:
    """On a broker of their own, since it will be killed, behind a proxy."""
    with LocalBroker(listeners=[Listener("VIA", proxied=True)], properties={"log.cleaner.backoff.ms": "100"}) as broker:
        async with Proxy(broker.advertised["VIA"], broker.ports["VIA"]) as proxy:
            yield KafkaFaults(broker, proxy, away)


async def _compact(round_: Round) -> None:
    """Compact ``offers`` fully, then add a replica without local files: it sees every remaining record."""
    settings = kafka_settings(round_.deployment.settings)
    name = settings.topic(OFFERS)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        config = wanted(_OFFERS, settings) | {"segment.ms": "1", "min.cleanable.dirty.ratio": "0.0"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config)])
    finally:
        await admin.close()
    async with round_.deployment.log() as log, asyncio.timeout(_CLEAN_SECONDS):
        while not await _compacted(log):  # the load itself begins new segments
            await asyncio.sleep(0.5)
    await _replace(round_)


async def _compacted(log: EventLog) -> bool:
    """Whether ``offers`` holds fewer records than were written."""
    receipts = await read_receipts(log)
    return await count_offers(log) < 0.8 * sum(receipt.verdict == "accepted" for receipt in receipts)


COMPACT = Fault("offers compacted, a new replica joins", _compact)
