"""Local Apache Kafka broker for tests and the demo: one KRaft node on free loopback ports, with a new data folder.

Requires Java 17 or later and Maven. The broker ends with the process that started it. Not for production: one node,
replication factor 1.
"""

import atexit
import base64
import contextlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from demo.jars import fetch_jars
from demo.tether import tether, tethered

JAVA = ("-Xmx512m", "-XX:TieredStopAtLevel=1")
"""C1 compiler only: within minutes of run time, C2 would take as much time as all other work."""
START_SECONDS = 60
STOP_SECONDS = 20
ARCHIVE = "classes.jsa"
"""The JVM's archive of loaded classes, beside the jars: a start with it takes a third less processor time."""
_BLOCK = 8
_PORTS = range(20_000, 32_000, _BLOCK)


class BrokerError(Exception):
    """The local broker could not be started or stopped. The message holds the reason, with the end of its log."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An additional listener. A ``proxied`` one advertises another port, on which no process listens yet."""

    name: str
    protocol: str = "PLAINTEXT"
    proxied: bool = False


class Startable(ABC):
    """A context manager that starts on entry, and is closed at the end or where the start fails."""

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it answers."""

    @abstractmethod
    def close(self) -> None:
        """End at once, and remove its data."""

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


class LocalBroker(Startable):
    """One broker with its data folder; a context manager. ``properties`` are added to ``server.properties``.

    ``ports`` holds the bound port of each listener, ``advertised`` the advertised one. For one of several brokers, pass
    its ports and the cluster's id, and in ``properties`` its node id and all voters.

    ``stop`` is an orderly shutdown, ``kill`` a crash; ``start`` restarts on the same ports with the same data.
    """

    def __init__(
        self,
        *,
        listeners: Sequence[Listener] = (),
        properties: Mapping[str, str] | None = None,
        format_options: Sequence[str] = (),
        ports: Sequence[int] = (),
        cluster: str | None = None,
        java: Sequence[str] = JAVA,
        archives: bool = True,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="passerelle-kafka-"))
        names = ["PLAINTEXT", "CONTROLLER", *(each.name for each in listeners)]
        self.ports = dict(zip(names, ports or free_ports(len(names)), strict=True))
        self.advertised = {**self.ports, **{each.name: free_ports(1)[0] for each in listeners if each.proxied}}
        self._listeners = (Listener("PLAINTEXT"), *listeners)
        self._properties = dict(properties or {})
        self._format_options = tuple(format_options)
        self._cluster = cluster or new_cluster()
        self._java = tuple(java)
        self._archives = archives
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Address of the plaintext listener, ``127.0.0.1:port``."""
        return f"127.0.0.1:{self.ports['PLAINTEXT']}"

    @property
    def log_file(self) -> Path:
        """The broker's own log."""
        return self.folder / "broker.log"

    @property
    def process(self) -> int:
        """The process id. Raises BrokerError when the broker does not run."""
        if self._process is None:
            raise BrokerError("The broker does not run.")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until the broker answers; the first start formats storage. Raises BrokerError, JarsError."""
        if self._process is not None:
            raise BrokerError("The broker runs already.")
        jars = fetch_jars()
        if not (jars / ARCHIVE).exists() and self._archives:
            archive_classes(jars)
        settings = self.folder / "server.properties"
        if not settings.exists():
            settings.write_text("".join(f"{key}={value}\n" for key, value in self._settings().items()))
            self._format(jars, settings)
        with self.log_file.open("ab") as log:
            self._process = _run(jars, log, self._java, "kafka.Kafka", str(settings))
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down (SIGTERM) and wait for the end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Crash (SIGKILL) and wait for the end."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop if running, then start on the same data. Raises BrokerError, JarsError."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Suspend the process: connections stay open, requests time out. Raises BrokerError."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after ``pause``. Raises BrokerError."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _settings(self) -> dict[str, str]:
        inside = [f"{each.name}://127.0.0.1:{self.ports[each.name]}" for each in self._listeners]
        outside = [f"{each.name}://127.0.0.1:{self.advertised[each.name]}" for each in self._listeners]
        protocols = [f"{each.name}:{each.protocol}" for each in self._listeners]
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.ports['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*inside, f"CONTROLLER://127.0.0.1:{self.ports['CONTROLLER']}"]),
            "advertised.listeners": ",".join(outside),
            "listener.security.protocol.map": ",".join([*protocols, "CONTROLLER:PLAINTEXT"]),
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.folder / "log"),
            "auto.create.topics.enable": "false",
            "num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
            "log.cleaner.dedupe.buffer.size": "16777216",
            "broker.session.timeout.ms": "2000",  # a killed broker's registration delays its next start by this much
            "broker.heartbeat.interval.ms": "300",
            "metadata.max.idle.interval.ms": "0",  # no records while nothing happens, a third of an idle broker's work
            "log.index.size.max.bytes": "1048576",
            "num.network.threads": "2",
            "num.io.threads": "4",
            **self._properties,
        }

    def _format(self, jars: Path, settings: Path) -> None:
        with self.log_file.open("ab") as log:
            arguments = ("format", f"--cluster-id={self._cluster}", "-c", str(settings), *self._format_options)
            code = _run(jars, log, self._java, "kafka.tools.StorageTool", *arguments).wait(START_SECONDS)
        if code != 0:
            raise BrokerError(f"Formatting the broker's storage failed:\n{self._last_lines()}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self._process = None
                raise BrokerError(f"The broker ended while starting:\n{self._last_lines()}")
            if _answers(self.ports["PLAINTEXT"]):
                return
            time.sleep(0.05)
        last = self._last_lines()
        self.kill()
        raise BrokerError(f"The broker did not answer within {START_SECONDS} s:\n{last}")

    def _last_lines(self) -> str:
        return self.log_file.read_text(errors="replace")[-3000:]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise BrokerError("The broker does not run.")
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def archive_classes(jars: Path) -> None:
    """Write the archive of the classes that a broker loads, once. Brokers start slower without it or on another JVM.

    Raises BrokerError, JarsError.
    """
    with tempfile.TemporaryDirectory(prefix="passerelle-classes-") as folder:
        fresh = Path(folder) / ARCHIVE
        with LocalBroker(java=(*JAVA, f"-XX:ArchiveClassesAtExit={fresh}"), archives=False) as broker:
            broker.stop()
        with contextlib.suppress(OSError):  # the jars' folder may be read-only, and the next start tries again
            beside = Path(tempfile.mkstemp(dir=jars, prefix=ARCHIVE)[1])
            shutil.copyfile(fresh, beside)
            beside.rename(jars / ARCHIVE)


def new_cluster() -> str:
    """A new cluster id in Kafka's form: a UUID in 22 characters of base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _run(jars: Path, log: IO[bytes], java: Sequence[str], main: str, *arguments: str) -> subprocess.Popen[bytes]:
    archive = jars.resolve() / ARCHIVE
    shared = (f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off") if archive.exists() else ()
    command = ["java", *shared, *java, "-XX:+UseSerialGC", "-Xshare:auto", "-Dorg.apache.logging.log4j.level=WARN"]
    command += ["-cp", f"{jars.resolve()}/*", main, *arguments]
    return subprocess.Popen(  # noqa: S603 (a fixed command)
        tethered(command),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        pass_fds=tether(),
    )


def free_ports(count: int) -> list[int]:
    """Free loopback ports, each the first of a block of eight. They are below the range of ephemeral ports, so that an
    outgoing connection does not take one during a restart. Who asks for one listens later: a process is given each
    once, as long as there are others, and no other process is given it soon.
    """
    found: list[int] = []
    for port in sorted(secrets.SystemRandom().sample(_PORTS, len(_PORTS)), key=_GIVEN.__contains__):
        if len(found) == count:
            break
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in _GIVEN:
                _reserve(port)
            found.append(port)
    _GIVEN.update(found)
    return found


def _reserve(port: int) -> None:
    """Hold the block of this port until a hundred others are given. Raises OSError if another process holds it."""
    holder = socket.socket()
    try:
        holder.bind(("127.0.0.1", port + _BLOCK - 1))
    except OSError:
        holder.close()
        raise
    _RESERVED.append(holder)
    if len(_RESERVED) > _RESERVED_AT_ONCE:
        _RESERVED.popleft().close()


def _release() -> None:
    while _RESERVED:
        _RESERVED.popleft().close()


atexit.register(_release)
_GIVEN: set[int] = set()
_RESERVED = deque[socket.socket]()
_RESERVED_AT_ONCE = 100


_API_VERSIONS = b"\x00\x00\x00\x11\x00\x12\x00\x00\x00\x00\x00\x01\x00\x07starter"
"""A Kafka request of 17 bytes: ApiVersions (key 18), version 0, correlation 1, client id "starter"."""


def _answers(port: int) -> bool:
    """Whether a broker on that port answers ApiVersions."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(_API_VERSIONS)
            link.settimeout(2)
            return len(link.recv(4)) == 4
    except OSError:
        return False
