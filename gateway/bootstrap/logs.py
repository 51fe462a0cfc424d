"""How the gateway's processes write what happens: one JSON object per line on standard output."""

import asyncio
import atexit
import sys
from typing import Any

import orjson
import structlog

from gateway import clock
from gateway.protocol.record import utc


class Lines:
    """Writes lines to standard output: those of one turn of the event loop together, since each write costs as much as
    what it tells of; at once where no loop runs.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        atexit.register(self.flush)

    def msg(self, line: str) -> None:
        """One line, of any level."""
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    debug = info = warning = error = critical = msg

    def flush(self) -> None:
        """Write what waits."""
        lines, self._waiting = self._waiting, []
        if lines:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()


_LINES = Lines()
_FRAMES = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Where a failure came about, never what the variables held: bodies, tokens and secrets are among it (SEC-003)."""


def configure_logs(level: str) -> None:
    """One JSON object per line on standard output, from this level on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.ExceptionRenderer(_FRAMES),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _LINES,
        cache_logger_on_first_use=False,
    )


def _stamp(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """When, as everywhere: structlog's own stamp formats the whole instant anew for each line."""
    event["timestamp"] = utc(clock.now())
    return event


def _dumps(event: Any, default: Any) -> str:
    return orjson.dumps(event, default=default).decode()
