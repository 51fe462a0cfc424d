"""One gateway in a process of its own: started, watched, killed, paused, resumed. One of this checkout is a fork of an
interpreter that has its libraries.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from demo.broker import free_ports
from demo.tether import tether, tethered
from tests.fork_server import Forked, fork

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 30.0
QUEUE_BYTES = 4 << 20
"""The queue of a gateway whose ``queue`` is small: on a busy machine clients cannot fill the usual one of 64 MiB within
the eight seconds after which a write leaves it.
"""
_SERVE = "from gateway.cli import main; main()"
_AHEAD = """
import os, time
from gateway import clock
ahead = os.open({!r}, os.O_RDONLY)
clock.now = lambda: time.time_ns() // 1_000_000 + int(os.pread(ahead, 20, 0))
"""
_SMALL_QUEUE = f"from gateway.log.sqlite import jobs; jobs._QUEUE_BYTES = {QUEUE_BYTES}"


class GatewayDiedError(Exception):
    """A gateway ended by itself; the message holds its last output."""


class GatewayProcess:
    """A replica with a data folder and ports of its own, the same ones at each start. ``root`` is the checkout that it
    runs: this one, or one of another version. ``user``: the user id that it runs under; only root may name another.
    ``public``: its address is its public URL. ``small_queue``: its embedded log queues at most QUEUE_BYTES.
    ``interpreter``: it is no fork, but an interpreter of its own, which reads its variables. ``clock``: a file with the
    milliseconds by which its clock is ahead; it is an interpreter of its own, too.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        settings: Mapping[str, str],
        *,
        root: Path = ROOT,
        user: int | None = None,
        small_queue: bool = False,
        interpreter: bool = False,
        public: bool = False,
        clock: Path | None = None,
    ) -> None:
        self.name = name
        self._root = root
        self._user = user
        self._forked = root == ROOT and user is None and not interpreter and clock is None
        self._before = (_SMALL_QUEUE if small_queue else "") + ("" if clock is None else _AHEAD.format(str(clock)))
        self.folder = folder
        port, management = free_ports(2)
        self.port, self.management_port = port, management
        self.url = f"http://127.0.0.1:{port}"
        self._management = f"http://127.0.0.1:{management}"
        self._settings = {
            **settings,
            "PASSERELLE_DATA": str(folder),
            "PASSERELLE_PORT": str(port),
            "PASSERELLE_MANAGEMENT_PORT": str(management),
            **({"PASSERELLE_PUBLIC_URL": self.url} if public else {}),
        }
        self._words = folder.parent / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._process: Forked | asyncio.subprocess.Process | None = None
        self.paused = False

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def died(self) -> bool:
        """Whether it ended by itself."""
        return self._process is not None and self._process.returncode is not None

    async def start(self) -> None:
        """Start it; does not wait."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("PASSERELLE_")}
        environ = {**environment, **self._settings, "PYTHONUNBUFFERED": "1"}
        with self._words.open("ab") as words, Path(os.devnull).open() as nothing:  # noqa: ASYNC230 - a device
            files = nothing.fileno(), words.fileno(), words.fileno()
            if self._forked:
                self._process = await fork(
                    "serve",
                    folder=ROOT,
                    environ=environ,
                    files=files,
                    session=True,
                    tethered=True,
                    before=self._before,
                )
            else:
                self._process = await asyncio.create_subprocess_exec(
                    *tethered([sys.executable, "-c", f"{self._before}\n{_SERVE}", "serve"]),
                    cwd=self._root,
                    env=environ,
                    stdin=nothing,
                    stdout=words,
                    stderr=words,
                    start_new_session=True,
                    pass_fds=tether(),
                    user=self._user,
                    group=self._user,
                    extra_groups=None if self._user is None else [],
                )
        self.paused = False

    async def ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until it is ready. Raises GatewayDiedError, TimeoutError with the missing condition."""
        missing = "it does not answer"
        try:
            async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
                while True:
                    if self.died:
                        raise GatewayDiedError(self.last_words())
                    try:
                        async with session.get(f"{self._management}/readyz", timeout=_SOON) as response:
                            if response.status == 200:
                                return
                            missing = str((await response.json())["missing"])
                    except (aiohttp.ClientError, OSError, TimeoutError):
                        pass
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{self.name} was not ready within {seconds:.0f} s: {missing}") from None

    async def kill(self) -> None:
        """Kill it, and wait until it has ended."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Stop it cleanly. Returns the exit code."""
        return await self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Suspend it: its connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Resume it."""
        self._signal(signal.SIGCONT)
        self.paused = False

    async def ended(self, *, seconds: float) -> int:
        """Wait until it ends by itself. Returns the exit code."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    def last_words(self) -> str:
        """The last lines that it wrote."""
        text = self._words.read_text(errors="replace") if self._words.exists() else ""
        return f"{self.name}: " + "\n".join(text.splitlines()[-60:])

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise TimeoutError(f"{self.name} did not stop within {STOP_SECONDS:.0f} s") from None


_SOON = aiohttp.ClientTimeout(total=2)
