"""Three brokers on this machine, each of them a controller too: what is written is on all three, and one may die."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from gateway.kafka.broker import LocalBroker, free_ports, new_cluster

SIZE = 3
_JAVA = ("-Xmx256m", "-XX:TieredStopAtLevel=1")
"""Three at once must be up soon rather than be fast: the quick compiler alone takes half the time to start."""
_PROPERTIES = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "min.insync.replicas": "2",
    "leader.imbalance.check.interval.seconds": "10",  # leaders go home soon, so that they move without a crash too
    "log.cleaner.backoff.ms": "100",
}


class LocalCluster:
    """``brokers`` by their numbers, from 1; a context manager."""

    def __init__(self) -> None:
        ports = free_ports(2 * SIZE)
        pairs = {number: ports[2 * number - 2 : 2 * number] for number in range(1, SIZE + 1)}
        voters = ",".join(f"{number}@127.0.0.1:{pair[1]}" for number, pair in pairs.items())
        cluster = new_cluster()
        self.brokers = {
            number: LocalBroker(
                properties={**_PROPERTIES, "node.id": str(number), "controller.quorum.voters": voters},
                ports=pair,
                cluster=cluster,
                java=_JAVA,
            )
            for number, pair in pairs.items()
        }

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect: all three, with commas between."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers.values())

    def start(self, numbers: Iterable[int] = range(1, SIZE + 1)) -> None:
        """Start these brokers at the same time, and wait until they answer: alone, one would wait for the others."""
        self._at_once(LocalBroker.start, numbers)

    def kill(self, numbers: Iterable[int]) -> None:
        """End these brokers at the same time, as a crash would."""
        self._at_once(LocalBroker.kill, numbers)

    def close(self) -> None:
        """Kill all that run, and remove their data."""
        self._at_once(LocalBroker.close, self.brokers)

    def _at_once(self, act: Callable[[LocalBroker], None], numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(SIZE) as threads:
            list(threads.map(act, [self.brokers[number] for number in numbers]))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
