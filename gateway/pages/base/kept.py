"""Cache of rendered public pages, shared by all visitors; rendering runs off the event loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from aiohttp import web

from gateway.pages.base.respond import Rendered
from gateway.runtime.loop import in_thread

Result = TypeVar("Result")
_MAX_PAGES = 256
"""The site has some thirty public pages."""


class Aside(Protocol):
    """Runs work of a visitor's request off the event loop."""

    def __call__(self, request: web.Request, work: Callable[[], Result], /) -> Coroutine[Any, Any, Result]:
        """The result of the work."""


def in_a_thread(_request: web.Request, work: Callable[[], Result], /) -> Coroutine[Any, Any, Result]:
    """Run work in a thread."""
    return in_thread(work)


class KeptPages:
    """The last rendering of each key, valid while ``made_of`` is equal. Concurrent requests share one rendering; a
    failed one is not kept.
    """

    def __init__(self, aside: Aside) -> None:
        self._aside = aside
        self._pages: OrderedDict[object, tuple[object, asyncio.Task[Rendered]]] = OrderedDict()

    async def get(self, request: web.Request, key: object, made_of: object, render: Callable[[], Rendered]) -> Rendered:
        """The page. A request that is cancelled while it waits does not cancel the rendering."""
        known, task = self._pages.get(key, (None, None))
        if task is None or known != made_of or _has_failed(task):
            task = asyncio.create_task(self._aside(request, lambda: render().complete()))
            self._pages[key] = made_of, task
            if len(self._pages) > _MAX_PAGES:
                self._pages.popitem(last=False)
        self._pages.move_to_end(key)
        return task.result() if task.done() else await asyncio.shield(task)


def _has_failed(task: asyncio.Task[Rendered]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
