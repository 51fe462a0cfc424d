"""The child's half of a sandbox: it answers calls on standard input, within limits that the system enforces."""

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, TypeAlias

import orjson

from gateway.runtime.sandbox import ANSWER, CALL, DONE, FAILED, SPENT

Function: TypeAlias = Callable[[bytes, Mapping[str, Any]], Any]
"""Takes the content and the arguments of a call; its result is written as JSON."""

_MEMORY_BYTES = 512 * 1024 * 1024
_MAX_FILES = 64
_AGAIN_SECONDS = 0.05
_MAX_FRAMES = 6


class _OverrunError(BaseException):
    """The call's processor time is used up. No ``except Exception`` may swallow it."""


def serve(functions: Mapping[str, Function]) -> None:
    """Answer calls until standard input ends. Confines this process first."""
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a device
        os.dup2(nowhere.fileno(), 1)
    _confine()
    calls = sys.stdin.buffer
    while head := _read_head(calls):
        call, content = head
        status, result = _run(functions[call["function"]], content, call["arguments"], call["seconds"])
        body = orjson.dumps(result)
        answers.write(ANSWER.pack(status, len(body)) + body)
        answers.flush()


def _read_head(calls: BinaryIO) -> tuple[Mapping[str, Any], bytes] | None:
    sizes = calls.read(CALL.size)
    if len(sizes) < CALL.size:
        return None
    head_size, content_size = CALL.unpack(sizes)
    return orjson.loads(calls.read(head_size)), calls.read(content_size)


def _confine() -> None:
    """No file written, no core dump, no further process, bounded memory. Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _overrun)
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(limit, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_FILES, _MAX_FILES))
    statm = Path("/proc/self/statm")
    if statm.exists():
        pages = int(statm.read_text().split()[0])
        most = pages * resource.getpagesize() + _MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _overrun(_signal: int, _frame: FrameType | None) -> None:
    raise _OverrunError


def _run(function: Function, content: bytes, arguments: Mapping[str, Any], seconds: float) -> tuple[int, Any]:
    """Run one call. The timer ends Python code; a long call of a C library ends with the process, by RLIMIT_CPU."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN_SECONDS)
            return DONE, function(content, arguments)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except (_OverrunError, MemoryError):
        return SPENT, {}
    except Exception as error:  # noqa: BLE001  # reported without its message, which may quote the content
        frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
        where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
        return FAILED, {"error": type(error).__name__, "where": where}
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
