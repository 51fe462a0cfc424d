"""Three brokers on this machine, each of them a controller too: every record is on all three, and one may die, or be
cut off from the others.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from demo.broker import Listener, LocalBroker, Startable, free_ports, new_cluster
from tests.log.kafka.links import Links, name, write_names

SIZE = 3
NUMBERS = range(1, SIZE + 1)
_JAVA = ("-Xmx256m", "-XX:TieredStopAtLevel=1")
"""Three brokers have to start soon: with the first-tier compiler only, the start takes half the time."""
_INSIDE = "INSIDE"
_PROPERTIES = {
    "inter.broker.listener.name": _INSIDE,
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "min.insync.replicas": "2",
    "leader.imbalance.check.interval.seconds": "10",  # leaders also move without a crash
    "log.cleaner.backoff.ms": "400",
}


class LocalCluster(Startable):
    """``brokers`` by their numbers, from 1; a context manager. Clients reach them straight, they reach each other by
    links.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="passerelle-cluster-"))
        free = free_ports(3 * SIZE)
        ports = {number: free[3 * number - 3 : 3 * number] for number in NUMBERS}
        voters = ",".join(f"{number}@{name(number)}:{controller}" for number, (_, controller, _) in ports.items())
        cluster = new_cluster()
        self.brokers = {
            number: LocalBroker(
                listeners=[Listener(_INSIDE)],
                properties={
                    **_PROPERTIES,
                    **_listener_settings(number, ports[number]),
                    "controller.quorum.voters": voters,
                },
                ports=ports[number],
                cluster=cluster,
                java=[*_JAVA, f"-Djdk.net.hosts.file={self._names(number)}"],
            )
            for number in NUMBERS
        }
        self._links = Links({number: inner for number, (_, *inner) in ports.items()})

    @property
    def bootstrap_servers(self) -> str:
        """Bootstrap servers of clients: all three, separated by commas."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers.values())

    def start(self, numbers: Iterable[int] = NUMBERS) -> None:
        """Start these brokers at the same time, and wait until they answer: alone, one would wait for the others."""
        self._at_once(LocalBroker.start, numbers)

    def kill(self, numbers: Iterable[int]) -> None:
        """End these brokers at the same time, as a crash would."""
        self._at_once(LocalBroker.kill, numbers)

    @contextmanager
    def isolated(self, number: int) -> Iterator[None]:
        """While entered, this broker and the others are isolated from each other; clients reach them all."""
        self._links.cut(number)
        try:
            yield
        finally:
            self._links.join(number)

    def close(self) -> None:
        """Kill all that run, and remove their data."""
        self._at_once(LocalBroker.close, self.brokers)
        self._links.close()
        shutil.rmtree(self._folder)

    def _names(self, number: int) -> Path:
        path = self._folder / name(number)
        write_names(path, number, [other for other in NUMBERS if other != number])
        return path

    def _at_once(self, act: Callable[[LocalBroker], None], numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(SIZE) as threads:
            list(threads.map(act, [self.brokers[number] for number in numbers]))


def _listener_settings(number: int, ports: Sequence[int]) -> dict[str, str]:
    """Settings of one broker: its number, and its advertised address."""
    clients, controller, inside = ports
    advertised = (
        f"PLAINTEXT://127.0.0.1:{clients},CONTROLLER://{name(number)}:{controller},{_INSIDE}://{name(number)}:{inside}"
    )
    return {"node.id": str(number), "advertised.listeners": advertised}
