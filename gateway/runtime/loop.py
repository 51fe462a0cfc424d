"""The event loop of a process: how it runs, its helper threads, and waiting for a pipe."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

if sys.platform != "win32":
    import uvloop

Result = TypeVar("Result")

_SWITCH_SECONDS, _HURRIED_SECONDS = 0.005, 0.0002
"""Each thread that waits for the interpreter wakes once in this time: 1 ms costs a busy process a sixth of its time.
0.2 ms costs more, and is set only while another partner waits.
"""
_COLLECTED_AT = (2_000, 10, 1_000)
"""Thresholds of the three generations. A collection stops every thread for about a microsecond per object. A thousand
for the youngest would cost an upload 4 % of its processor time, 2,000 cost 2 %; a full collection stays rare.
"""
_YIELDED = 5
"""Niceness steps: about a third of the default scheduling weight."""
_ASIDE = ThreadPoolExecutor(2, thread_name_prefix="aside")
"""Two threads only: each computing thread delays the event loop by up to the interpreter's switch interval."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to completion, on uvloop if available."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    if sys.platform == "win32":
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def bound_collections() -> None:
    """Exclude loaded objects from garbage collection, and bound each collection's pause to a few milliseconds."""
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AT)


def yield_processor() -> None:
    """Lower the scheduling priority of all threads of this process, and of threads that they start later (Linux)."""
    if sys.platform != "linux":
        return
    for thread in Path("/proc/self/task").iterdir():
        number = int(thread.name)
        with suppress(ProcessLookupError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, number, os.getpriority(os.PRIO_PROCESS, number) + _YIELDED)


def hurry(on: bool) -> None:  # noqa: FBT001  # its only parameter
    """Set the thread switch interval to 0.2 ms, or back to 5 ms."""
    sys.setswitchinterval(_HURRIED_SECONDS if on else _SWITCH_SECONDS)


async def stop(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Signal:
    """Wakes all who wait, any number of times."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def give(self) -> None:
        """Wake those who wait now."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next one."""
        await self._next.wait()

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds, which is checked now and after each signal; False when time is up first."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await self._next.wait()
        except TimeoutError:
            return holds()
        return True


async def readable(descriptor: int) -> None:
    """Wait until a pipe has data, or its other end is closed."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


class Wait(Protocol):
    """Waits for a result; returns ``otherwise`` if the process stops meanwhile. Raises ConnectionError when the client
    disconnects.
    """

    async def __call__(self, awaited: Awaitable[Result], otherwise: Result) -> Result:
        """The result."""


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work in one of two threads, separate from those that answer queries.

    A cancelled caller still waits until the work has ended, since the thread uses objects that the caller then frees.
    """
    running = asyncio.get_running_loop().run_in_executor(_ASIDE, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


_SPENT: ContextVar[list[float] | None] = ContextVar("spent", default=None)


@contextmanager
def metered() -> Iterator[list[float]]:
    """The processor time, in seconds, of each ``timed`` call of this task in the block."""
    spent: list[float] = []
    token = _SPENT.set(spent)
    try:
        yield spent
    finally:
        _SPENT.reset(token)


def timed(work: Callable[[], Result]) -> Callable[[], Result]:
    """The same call, for a thread, which is timed if its task is metered."""
    spent = _SPENT.get()
    if spent is None:
        return work

    def measured() -> Result:
        began = time.thread_time()
        try:
            return work()
        finally:
            spent.append(time.thread_time() - began)

    return measured


def aside(work: Callable[[], object]) -> None:
    """Run blocking work in one of these threads without waiting for it."""
    _ASIDE.submit(work)


Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class OneThread:
    """Calls run one at a time, in submission order, in a thread that ends with the object. A call whose caller is
    cancelled still runs in its order.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def call(
        self, call: Callable[Arguments, Answer], *args: Arguments.args, **keywords: Arguments.kwargs
    ) -> Answer:
        """Run the call in the thread and return its result. Exceptions of the call propagate."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def run() -> None:
            try:
                result = call(*args, **keywords)
            except BaseException as error:  # noqa: BLE001  # raised to the caller
                _tell(loop, settle, answer, None, error)
            else:
                _tell(loop, settle, answer, result, None)

        self._executor.submit(run)
        return await answer


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    with suppress(RuntimeError):  # the loop was closed: no caller waits
        loop.call_soon_threadsafe(call, *arguments)


def settle(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Complete a future with a result or an error, unless its caller was cancelled."""
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
