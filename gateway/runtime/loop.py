"""The event loop that commands run on, threads beside it, and waiting on it for what another process says."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

if sys.platform != "win32":
    import uvloop

Result = TypeVar("Result")

_SWITCH_SECONDS = 0.001
_HURRIED_SECONDS = 0.0002
"""Costs a busy process a tenth of its time and more: only while it must."""
_COLLECTED_AT = (2_000, 10, 1_000)
"""Thresholds of the three generations. A collection stops every thread for about a microsecond per object. A thousand
for the youngest would cost an upload 4 % of its processor time, 2,000 cost 2 %; a full collection stays rare.
"""
_YIELDED = 5
"""Steps of niceness: about a third of the weight of a process that keeps its own."""
_ASIDE = ThreadPoolExecutor(2, thread_name_prefix="aside")
"""Few: each thread that computes delays the event loop by up to the interpreter's switch interval."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, on uvloop where there is one. A thread that computes gives way after a millisecond."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    if sys.platform == "win32":
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def bound_collections() -> None:
    """Leave what is loaded out of garbage collections, and keep the pause of each to a few milliseconds."""
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AT)


def yield_processor() -> None:
    """Let the system run other processes before all threads of this one, and before those that they start (Linux)."""
    if sys.platform != "linux":
        return
    for thread in Path("/proc/self/task").iterdir():
        number = int(thread.name)
        with suppress(ProcessLookupError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, number, os.getpriority(os.PRIO_PROCESS, number) + _YIELDED)


def hurry(on: bool) -> None:  # noqa: FBT001  # its only parameter
    """A thread that computes gives way after 0.2 ms while this is on."""
    sys.setswitchinterval(_HURRIED_SECONDS if on else _SWITCH_SECONDS)


async def readable(descriptor: int) -> None:
    """Wait until there is something to read from a pipe, or its other end is closed."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, told.set)
    try:
        await told.wait()
    finally:
        loop.remove_reader(descriptor)


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run it in one of two threads, kept apart from those that answer queries. A caller that is cancelled waits for the
    end of it all the same: the thread uses what the caller is about to free.
    """
    running = asyncio.get_running_loop().run_in_executor(_ASIDE, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def aside(work: Callable[[], object]) -> None:
    """Run it in one of these threads without waiting for it."""
    _ASIDE.submit(work)
