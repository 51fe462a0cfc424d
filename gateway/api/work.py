"""Work of one request: its processor time, its slices, and its cancellation when no client waits for it."""

import asyncio
import select
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from types import coroutine
from typing import Any, TypeVar

from aiohttp import hdrs, web

from gateway.api.context import PARTNER, client_of
from gateway.api.limit import kind_of
from gateway.api.problem import ProblemError
from gateway.protocol.partner import Partner
from gateway.runtime.loop import in_thread, metered, timed
from gateway.runtime.pace import ReceivePace
from gateway.runtime.processor import (
    SLICE_SECONDS,
    Processor,
    Share,
    ShareUsedError,
)

Result = TypeVar("Result")

_POLL_SECONDS = 0.1
_DRAIN_SECONDS = 1.0
_SMALL_PAGE = 100
"""Largest page, in items, that is read from a view as part of a short request."""
_RETRY_SECONDS = "5"
ANONYMOUS_SECONDS = 0.0005
"""Charged for each request without a partner, beside the time of its handler: about what it costs to accept its
connection, to read and log it, and to send the answer.
"""
_HUNG_UP = sum(getattr(select, name, 0) for name in ("POLLHUP", "POLLERR", "POLLRDHUP"))


class AbandonedError(Exception):
    """Work was cancelled and nothing was queued. ``stopping``: the process stops; else the client has disconnected."""

    def __init__(self, *, stopping: bool) -> None:
        super().__init__(stopping)
        self.stopping = stopping


class Work:
    """The work of one request. ``spent``: its processor time so far, in seconds."""

    __slots__ = ("_began", "_granted", "_length", "_registry", "_request", "_share", "spent")

    def __init__(self, request: web.Request, registry: "WorkRegistry", share: Share) -> None:
        self._request = request
        self._registry = registry
        self._share = share
        self._granted = False
        self._began = 0.0
        self._length = SLICE_SECONDS
        self.spent = 0.0

    async def run(self, answering: Awaitable[Result]) -> Result:
        """Run a handler as a short request, in a slice if its partner has used more than its share. Raises ProblemError
        if too much work of that partner, or of that network address, waits.
        """
        processor = self._registry.processor
        if PARTNER not in self._request:
            processor.charge(self._share, ANONYMOUS_SECONDS)
        try:
            if processor.must_wait(self._share):
                await processor.slice(self._share, whole=True)
        except BaseException as error:
            if isinstance(answering, Coroutine):
                answering.close()
            if isinstance(error, ShareUsedError):
                retry: dict[str, str] = {hdrs.RETRY_AFTER: str(error.seconds)}
                raise ProblemError("processor-share-used", headers=retry) from None
            raise
        processor.begin(self, self._share)
        try:
            return await _metered(_steps(answering), self._charge)
        finally:
            processor.end(self)

    @property
    def ready(self) -> bool:
        """Whether the current slice has time left; False once the work has suspended since the slice was granted."""
        return self._granted and time.perf_counter() - self._began < self._length

    async def next(self) -> None:
        """Wait for the next slice. From its first slice on the request is long work, which delays no other request."""
        self._registry.processor.end(self)
        await self._registry.processor.slice(self._share)
        self._granted = True
        self._length = self._registry.processor.slice_seconds(self._share)
        self._began = time.perf_counter()

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short piece of long work in a thread, after waiting for a slice; its processor time is charged."""
        await self.next()
        with self._slice_aside():
            return await in_thread(timed(lambda: work(*arguments)))

    async def read(self, page: Coroutine[Any, Any, Result], *, items: int) -> Result:
        """Read a page of a view; ``items`` is about its size. A large page is long work: it waits for a slice, which
        lasts until it is read. The thread's time is charged.
        """
        if items <= _SMALL_PAGE:
            with self._charging_threads():
                return await page
        try:
            await self.next()
        except BaseException:
            page.close()
            raise
        with self._slice_aside():
            return await _to_its_end(page)

    @contextmanager
    def _slice_aside(self) -> Iterator[None]:
        """The rest of a slice, in a thread: it lasts for the block, and the thread's time is part of it."""
        with self._registry.processor.aside(self._share), self._charging_threads() as spent:
            try:
                yield
            finally:
                self._registry.processor.ran(sum(spent))

    @contextmanager
    def _charging_threads(self) -> Iterator[list[float]]:
        """Charge the processor time of threads in the block."""
        with metered() as spent:
            try:
                yield spent
            finally:
                self._charge(sum(spent))

    @contextmanager
    def abandonable(self, *, grace: float = 0.0) -> Iterator[None]:
        """Cancel the block when the client disconnects, or ``grace`` seconds after the process begins to stop. Raises
        AbandonedError then.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cancelled")
        block, cancelling = _Block(task, self._request, grace), task.cancelling()
        self._registry.enter(block)
        try:
            yield
        except asyncio.CancelledError:
            if block.ended_by is not None and task.uncancel() <= cancelling:
                raise block.ended_by from None
            raise
        finally:
            self._registry.leave(block)

    async def wait(self, awaited: Awaitable[Result], otherwise: Result) -> Result:
        """The result of a wait, or ``otherwise`` if the process stops meanwhile. Raises ConnectionError when the client
        disconnects.
        """
        self._registry.processor.end(self)
        try:
            with self.abandonable():
                return await awaited
        except AbandonedError as error:
            if error.stopping:
                return otherwise
            raise ConnectionResetError("the client has left") from None

    @property
    def stopping(self) -> bool:
        """Whether the process stops."""
        return self._registry.stopping

    def _charge(self, seconds: float) -> None:
        """Charge a finished step of the request's task; the slice ends with the step."""
        self.spent += seconds
        self._registry.processor.charge(self._share, seconds)
        self._granted = False


class _Block:
    """A block of work that may be cancelled; ``ended_by`` is the reason once it is."""

    def __init__(self, task: asyncio.Task[Any], request: web.Request, grace: float) -> None:
        self.task = task
        self.request = request
        self.grace = grace
        self.ended_by: AbandonedError | None = None

    def end(self, *, stopping: bool) -> None:
        """Cancel the task, once."""
        if self.ended_by is None:
            self.ended_by = AbandonedError(stopping=stopping)
            self.task.cancel()


class WorkRegistry:
    """All work of one process: its processor, the blocks that may be cancelled, and whether the process stops. What is
    not kept is read at a ``pace``.
    """

    def __init__(self, processor: Processor) -> None:
        self.processor = processor
        self.pace = ReceivePace()
        self.stopping = False
        self._blocks: set[_Block] = set()
        self._polling: asyncio.Task[None] | None = None

    def enter(self, block: _Block) -> None:
        """Watch a block of work until ``leave``."""
        self._blocks.add(block)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll_clients())
        if self.stopping:
            self._stop_later(block)

    @property
    def watched(self) -> int:
        """Number of blocks that may be cancelled at present."""
        return len(self._blocks)

    def leave(self, block: _Block) -> None:
        """Stop watching a block."""
        self._blocks.discard(block)

    def stop(self) -> None:
        """The process stops: cancel every watched block after its grace."""
        self.stopping = True
        for block in self._blocks:
            self._stop_later(block)

    def _stop_later(self, block: _Block) -> None:
        def end() -> None:
            if block in self._blocks:
                block.end(stopping=True)

        loop = asyncio.get_running_loop()
        if block.grace:
            loop.call_later(block.grace, end)
        else:
            loop.call_soon(end)

    async def _poll_clients(self) -> None:
        """Cancel the work of disconnected clients, while any block is watched."""
        while self._blocks:
            for block in tuple(self._blocks):
                if has_disconnected(block.request):
                    block.end(stopping=False)
            await asyncio.sleep(_POLL_SECONDS)


WORK_REGISTRY: web.AppKey[WorkRegistry] = web.AppKey("work_registry", WorkRegistry)
WORK: web.RequestKey[Work] = web.RequestKey("work", Work)
"""Set on every request that reaches its handler."""


def begin_work(request: web.Request, partner: Partner | None, *, refused: bool = False) -> Work:
    """The work of a request, in the share of its partner, or of its network address if it has no partner. Refusals of
    an address have a share of their own, and so have its token requests: behind a proxy that no setting names all
    clients have one address, and partners' token requests must not wait behind requests without a token.
    """
    registry = request.app[WORK_REGISTRY]
    kind = " refused" if refused else kind_of(request)
    name = f"@{client_of(request)}{kind}" if partner is None else partner.platform
    share = registry.processor.share(name, anonymous=partner is None)
    work = request[WORK] = Work(request, registry, share)
    return work


def work_of(request: web.Request) -> Work:
    """This request's work."""
    return request.get(WORK) or begin_work(request, None)


def has_disconnected(request: web.Request) -> bool:
    """Whether the client has closed its side. Polls the socket: under backpressure the server does not read it."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return True
    connection = transport.get_extra_info("socket")
    if connection is None or not _HUNG_UP:
        return False
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), _HUNG_UP)
    return any(event & _HUNG_UP for _, event in poll.poll(0))


def hang_up(request: web.Request) -> None:
    """Close the connection at once; the rest of the request is not read."""
    transport = request.transport
    request.protocol.force_close()  # else the server would continue to read from the closed connection
    if transport is not None:
        transport.abort()


def stopping_problem() -> ProblemError:
    """503: the process stops, and nothing of this request was queued (ERR-013)."""
    retry: dict[str, str] = {hdrs.RETRY_AFTER: _RETRY_SECONDS}
    return ProblemError("gateway-stopping", headers=retry)


async def end_with(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send an answer to a client that is still sending, continue to read for at most a second, at a pace, and close
    the connection: if it were closed at once it would be reset, and the reset can overtake the answer.
    """
    response.force_close()
    pace = request.app[WORK_REGISTRY].pace
    with suppress(ConnectionError, web.RequestPayloadError, TimeoutError):
        await response.prepare(request)
        await response.write_eof()
        async with asyncio.timeout(_DRAIN_SECONDS):
            while await request.content.readany():
                await pace.step()
    if not request.content.is_eof():
        request.protocol.force_close()  # else the server would read on for seconds
    return response


async def _to_its_end(page: Coroutine[Any, Any, Result]) -> Result:
    """The page. A cancelled caller waits as well: the thread computes on, and the next slice must not run beside it."""
    running = asyncio.create_task(page)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait((running,))
        raise


async def _steps(awaitable: Awaitable[Result]) -> Result:
    return await awaitable


@coroutine
def _metered(running: Coroutine[Any, Any, Result], charge: Callable[[float], None]) -> Generator[Any, Any, Result]:
    """Drive a coroutine step by step and charge the time of each step. A thread's own clock would take a system call
    twice a step.
    """
    clock = time.perf_counter
    error: BaseException | None = None
    value: Any = None
    while True:
        began = clock()
        try:
            awaited = running.send(value) if error is None else running.throw(error)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            charge(clock() - began)
        error = value = None
        try:
            value = yield awaited
        except BaseException as thrown:  # noqa: BLE001  # the coroutine handles cancellation too
            error = thrown
