"""A gateway whose connector lives in fast time, in a process of its own; and the real command beside it."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from demo.process import FastTime
from tests.faults.process import ROOT, GatewayProcess
from tests.fork_server import fork, outcome


class FastGateway(GatewayProcess):
    """Runs on the test's time, with accounts at the test's simulated site."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *, accounts: Path, time: FastTime) -> None:
        super().__init__("gateway", folder, settings)
        self._arguments = [str(accounts), *time.words()]
        self._kept_open: int | None = None

    async def start(self) -> None:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("PASSERELLE_")}
        silent, self._kept_open = os.pipe()  # the end of its input would end the gateway
        try:
            with self._words.open("ab") as words:
                self._process = await fork(
                    *self._arguments,
                    folder=ROOT,
                    environ={**environment, **self._settings},
                    files=(silent, words.fileno(), words.fileno()),
                    session=True,
                    tethered=True,
                    program="demo.gateway_main",
                )
        finally:
            os.close(silent)

    async def _end(self, number: signal.Signals) -> int:
        code = await super()._end(number)
        if self._kept_open is not None:
            os.close(self._kept_open)
            self._kept_open = None
        return code


async def command(environ: Mapping[str, str], *words: str) -> tuple[int, str]:
    """How ``passerelle`` ended in this environment, and what it printed."""
    return await outcome({"COLUMNS": "200", **environ}, *words)
