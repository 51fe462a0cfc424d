"""A gateway whose connector lives in fast time, in a process of its own; and the real command beside it."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.demo.process import FastTime
from gateway.demo.tether import tether, tethered
from tests.faults.process import ROOT, GatewayProcess

_COMMAND = "from gateway.cli import main; main()"


class FastGateway(GatewayProcess):
    """Runs on the test's time, with accounts at the test's simulated site."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *, accounts: Path, time: FastTime) -> None:
        super().__init__("gateway", folder, settings)
        self._arguments = [str(accounts), str(time.speed), str(time.start), str(time.origin)]

    async def start(self) -> None:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("PASSERELLE_")}
        with self._words.open("ab") as words:
            self._process = await asyncio.create_subprocess_exec(
                *tethered([sys.executable, "-m", "gateway.demo.gateway_main", *self._arguments]),
                cwd=ROOT,
                env={**environment, **self._settings},
                stdin=asyncio.subprocess.PIPE,  # closed with this process, which ends the gateway
                stdout=words,
                stderr=words,
                start_new_session=True,
                pass_fds=tether(),
            )


async def command(environ: Mapping[str, str], *words: str, seconds: float = 60.0) -> tuple[int | None, str]:
    """How ``passerelle`` ended in this environment, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _COMMAND, *words),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), seconds)
    return process.returncode, output.decode()
