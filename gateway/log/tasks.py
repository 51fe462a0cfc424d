"""The long-running parts of a process as tasks: restarted while the log is unavailable; any other end is an error."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import structlog

from gateway.log.retry import retry_log_errors
from gateway.runtime.loop import stop

_log = structlog.get_logger()


def start_tasks(
    running: Mapping[str, Callable[[], Awaitable[None]]], stack: AsyncExitStack
) -> dict[str, asyncio.Future[None]]:
    """Start a task per part. Parts are restarted while the log is unavailable, and cancelled with the stack."""
    tasks: dict[str, asyncio.Future[None]] = {
        name: asyncio.ensure_future(retry_log_errors(name, run)) for name, run in running.items()
    }
    stack.push_async_callback(stop, tasks.values())
    return tasks


async def raise_first_end(tasks: Mapping[str, asyncio.Future[None]]) -> None:
    """Wait for the first part that stops, and raise its error: no part may end by itself (RuntimeError)."""
    done, _ = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    ended = [name for name, task in tasks.items() if task in done]
    for name in ended:
        error = None if tasks[name].cancelled() else tasks[name].exception()
        _log.error("gateway.part_stopped", part=name, error=type(error).__name__)
    await tasks[ended[0]]
    raise RuntimeError(f"{ended[0]} ended by itself")
