"""Gateway process of the demo, and the accelerated time that it shares with the simulated national site."""

import asyncio
import math
import os
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import aiohttp

from demo.broker import free_ports
from demo.tether import tether, tethered
from gateway import clock

_MODULE = "demo.gateway_main"
_START_SECONDS = 90.0
_READY_TIMEOUT = aiohttp.ClientTimeout(total=2)
_LAST_LINES = 8
_POLL_SECONDS = 0.05


class FastTime:
    """Time at ``speed`` times the real one, after ``fast_for`` real seconds at ``later`` times. Processes with equal
    ``start`` (milliseconds since 1970) and ``origin`` (seconds of the machine's monotonic clock) share the same time.
    """

    def __init__(
        self,
        speed: float,
        *,
        start: int | None = None,
        origin: float | None = None,
        fast_for: float = math.inf,
        later: float = 1.0,
    ) -> None:
        self.speed = speed
        self.fast_for = fast_for
        self.later = later
        self.start = clock.now() if start is None else start
        self.origin = time.monotonic() if origin is None else origin

    def clock(self) -> int:
        """The present instant in milliseconds since 1970."""
        elapsed = time.monotonic() - self.origin
        fast = min(elapsed, self.fast_for)
        return self.start + int((fast * self.speed + (elapsed - fast) * self.later) * 1000)

    async def sleep(self, seconds: float) -> None:
        """Sleep for ``seconds`` of this time."""
        fast = max(0.0, self.origin + self.fast_for - time.monotonic())
        real = seconds / self.speed
        await asyncio.sleep(real if real <= fast else fast + (seconds - fast * self.speed) / self.later)

    def words(self) -> tuple[str, ...]:
        """This time as words of a command line, for ``from_words``."""
        return tuple(map(str, (self.speed, self.start, self.origin, self.fast_for, self.later)))

    @classmethod
    def from_words(cls, speed: str, start: str, origin: str, fast_for: str, later: str) -> "FastTime":
        """The time of another process."""
        return cls(float(speed), start=int(start), origin=float(origin), fast_for=float(fast_for), later=float(later))


class GatewayError(Exception):
    """The gateway ended by itself or did not start; the message holds the end of its log."""


class GatewayProcess:
    """A gateway process with the same ports at every start; ``words`` is its log file."""

    def __init__(self, environ: Mapping[str, str], *, accounts: Path, time: FastTime, words: Path) -> None:
        port, management = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self._management = f"http://127.0.0.1:{management}"
        self._environ = {
            **environ,
            "PASSERELLE_PORT": str(port),
            "PASSERELLE_MANAGEMENT_PORT": str(management),
            "PASSERELLE_PUBLIC_URL": self.url,
        }
        self._command = ("-m", _MODULE, str(accounts), *time.words())
        self._log_file = words
        self._process: asyncio.subprocess.Process | None = None
        self._started = asyncio.Event()
        self._kills = 0

    async def start(self) -> None:
        """Start, and wait for readiness. Raises GatewayError."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("PASSERELLE_")}
        with self._log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *tethered([sys.executable, *self._command]),
                env={**own, **self._environ},
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the demo only, which then ends the gateway
                pass_fds=tether(),
            )
        self._started.set()
        try:
            async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession(timeout=_READY_TIMEOUT) as session:
                while not await self._is_ready(session):  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise GatewayError(f"the gateway was not ready in time. {self._last_lines()}") from None

    async def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for its end."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            self._kills += 1
            self._started.clear()
            process.kill()
            await process.wait()

    async def finished(self) -> None:
        """Wait for an end other than ``kill``. Raises GatewayError."""
        while True:
            await self._started.wait()
            process, kills = self._process, self._kills
            if process is not None:
                code = await process.wait()
                if kills == self._kills:
                    raise GatewayError(f"the gateway ended by itself with code {code}. {self._last_lines()}")

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        if self._process is not None and self._process.returncode is not None:
            raise GatewayError(f"the gateway did not start. {self._last_lines()}")
        try:
            async with session.get(f"{self._management}/readyz") as response:
                return response.status == HTTPStatus.OK
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    def _last_lines(self) -> str:
        lines = self._log_file.read_text(errors="replace").splitlines() if self._log_file.exists() else []
        return "\n".join(["Its last words:", *lines[-_LAST_LINES:]])
