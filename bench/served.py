"""A whole gateway under load: its own processes (``passerelle serve``), and a client of each of three partners."""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import orjson

from demo.broker import LocalBroker
from demo.client import Client
from demo.tether import tether, tethered
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner, Scope
from gateway.protocol.topic import COMMON
from gateway.settings import Settings

CONNECTIONS = 32
_PARTNERS: Mapping[str, Sequence[Scope]] = {
    "bretagne": ("offers:publish", "offers:read"),
    "normandie": ("offers:publish",),
    "national": ("offers:read",),
}


@dataclass(frozen=True)
class Served:
    """A gateway in a process of its own, and a client of each of three partners."""

    settings: Settings
    url: str
    process: int
    publisher: Client
    reader: Client
    other: Client
    """A second publisher."""

    def processes(self) -> list[int]:
        """Its own process and its workers."""
        tasks = Path(f"/proc/{self.process}/task").iterdir()
        return [self.process, *(int(pid) for task in tasks for pid in (task / "children").read_text().split())]

    def memory(self) -> int:
        """The resident memory of all its processes now, in bytes."""
        return sum(map(_resident, self.processes()))

    def processor(self) -> tuple[float, float]:
        """The processor time so far, in seconds: its own process's, and its workers' together."""
        own, *workers = map(_processor, self.processes())
        return own, sum(workers)


@dataclass(frozen=True)
class Environment:
    """A fresh log with three partners, the secret of each, and the broker of the log, if any."""

    settings: Settings
    texts: dict[str, str]
    broker: LocalBroker | None

    def stored(self) -> dict[str, int]:
        """Bytes on disk: the log's, the views', and those of the relay's tables."""
        data = self.settings.data
        folders = {"views": data / "views", "relay": data / "relay"}
        log = sum(map(_size, data.glob("log.sqlite*"))) if self.broker is None else self._on_broker()
        return {"log": log, **{name: sum(map(_size, folder.rglob("*"))) for name, folder in folders.items()}}

    def _on_broker(self) -> int:
        folders = (self.broker.folder / "log").glob(f"{self.settings.kafka_prefix}.*") if self.broker else ()
        return sum(_size(segment) for folder in folders for segment in folder.glob("*.log"))

    def broker_processor(self) -> float:
        """The broker's processor time so far in seconds; 0 where there is none."""
        return _processor(self.broker.process) if self.broker else 0.0


@asynccontextmanager
async def prepared(*, kafka: bool, workers: int) -> AsyncIterator[Environment]:
    """A fresh log; its broker and its folder are removed when the block ends."""
    broker = None
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-bench-")))
        settings = Settings(
            data=folder / "data", port=0, management_port=0, workers=workers, requests_per_minute=100_000_000
        )
        if kafka:
            broker = stack.enter_context(LocalBroker())
            KeyRing.open(folder / "signing.pem")
            settings = replace(
                settings,
                kafka=broker.bootstrap_servers,
                secret=secrets.token_urlsafe(32),
                signing_key=folder / "signing.pem",
            )
        texts = {}
        async with open_log(settings) as log:
            await log.create_topics(COMMON)
            partners = Partners(log)
            for slug, scopes in _PARTNERS.items():
                secret = mint_secret(now=clock.now(), entropy=os.urandom)
                texts[slug] = secret.text
                await partners.save(Partner(platform=slug, name=slug, scopes=frozenset(scopes), secrets=(secret.kept,)))
            await partners.close()
        yield Environment(settings, texts, broker)


@asynccontextmanager
async def served(environment: Environment) -> AsyncIterator[Served]:
    """The gateway, ready; stopped when the block ends."""
    settings, texts = environment.settings, environment.texts
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-c", "from gateway.cli import main; main()", "serve")
        process = await asyncio.create_subprocess_exec(
            *tethered(command),
            env={**os.environ, **settings.to_environ()},
            stdout=asyncio.subprocess.PIPE,
            pass_fds=tether(),
        )
        stack.push_async_callback(_stop, process)
        started = await _started(process)
        drain = asyncio.create_task(_drain(process))
        stack.callback(drain.cancel)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS * 2)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        clients = {
            slug: Client(session, started["url"], client_id=slug, client_secret=text) for slug, text in texts.items()
        }
        while True:
            async with session.get(f"{started['management']}/readyz") as answer:
                if answer.status == 200:
                    break
            await asyncio.sleep(0.02)
        mine = (clients["bretagne"], clients["national"], clients["normandie"])
        yield Served(settings, started["url"], process.pid, *mine)


async def _started(process: asyncio.subprocess.Process) -> dict[str, str]:
    if process.stdout is None:
        raise RuntimeError("the gateway's output is not read")
    while line := await process.stdout.readline():
        event = orjson.loads(line)
        if event.get("event") == "gateway.started":
            return dict(event)
    raise RuntimeError("the gateway did not start")


async def _drain(process: asyncio.subprocess.Process) -> None:
    while process.stdout is not None and await process.stdout.read(1 << 20):
        pass


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _size(file: Path) -> int:
    return file.stat().st_blocks * 512 if file.is_file() else 0


def _resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024


def _processor(process: int) -> float:
    values = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")
