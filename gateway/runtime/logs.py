"""Structured logging: one JSON object per line on standard output.

Records of ``logging`` and of the event loop's exception handler become lines of the same form. Only the Kafka client's
messages are kept, which name brokers and topics; messages of other libraries may quote a request.
"""

import asyncio
import atexit
import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import orjson
import structlog

from gateway import clock
from gateway.protocol.record import utc


class BatchedStdout:
    """Writes lines to standard output, batched per event loop iteration, since a write costs as much as the work
    that it logs; immediately if no loop runs.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        atexit.register(self.flush)

    def msg(self, line: str) -> None:
        """Queue one line, of any level."""
        self._lines.append(line)
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    debug = info = warning = error = critical = msg

    def flush(self) -> None:
        """Write the queued lines."""
        lines, self._lines = self._lines, []
        if lines:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()


_STDOUT = BatchedStdout()
_TRACE = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)

_QUOTED = frozenset({"aiokafka", "kafka"})
_MAX_FRAMES = 6
_AGAIN_SECONDS = 10.0
_KINDS = 100


def configure_logs(level: str) -> None:
    """Configure logging for this process, from this level on, library records included."""
    root = logging.getLogger()
    if not any(isinstance(handler, _LibraryHandler) for handler in root.handlers):
        root.addHandler(_LibraryHandler(logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.ExceptionRenderer(_frames),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _STDOUT,
        cache_logger_on_first_use=False,
    )


def _frames(exc_info: structlog.typing.ExcInfo) -> list[dict[str, Any]]:
    """The types and stack frames of an exception and its causes. Never messages or variables, which may hold bodies,
    tokens or secrets (SEC-003).
    """
    _, error, _ = exc_info
    errors: list[dict[str, Any]] = [
        {
            "type": one["exc_type"],
            "frames": [f"{Path(at['filename']).name}:{at['lineno']} {at['name']}" for at in one["frames"]],
        }
        for one in _TRACE(exc_info)
    ]
    if isinstance(error, OSError) and errors:
        errors[0]["errno"] = error.errno
    return errors


class _LibraryHandler(logging.Handler):
    """Converts a library's record to a line: logger and location; the message only for loggers in ``_QUOTED``."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            "library.logged",
            logger=record.name,
            where=f"{record.module}:{record.lineno}",
            error=None if error is None else error.__name__,
            message=record.getMessage() if record.name.partition(".")[0] in _QUOTED else None,
        )


class LoopFailures:
    """Exception handler of an event loop: logs the error's type and location, never its message. A repeated failure,
    such as accepting without free descriptors, is logged once in ten seconds.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log one failure, unless the same one was logged within the last ten seconds."""
        error = context.get("exception")
        frames = traceback.extract_tb(error.__traceback__) if isinstance(error, BaseException) else ()
        where = " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in list(frames)[-_MAX_FRAMES:])
        key = (type(error).__name__, where)
        now = loop.time()
        if now - self._last.get(key, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return
        if len(self._last) >= _KINDS:
            self._last.clear()
        self._last[key] = now
        number = error.errno if isinstance(error, OSError) else None
        structlog.get_logger().error("loop.failed", error=key[0], where=where, errno=number)


def watch_loop() -> None:
    """Log failures of the running event loop as lines, instead of asyncio's text on standard error."""
    asyncio.get_running_loop().set_exception_handler(LoopFailures())


def _stamp(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the timestamp in the gateway's format; structlog's own processor is slower per line."""
    event["timestamp"] = utc(clock.now())
    return event


def _dumps(event: Any, default: Any) -> str:
    return orjson.dumps(event, default=default).decode()
