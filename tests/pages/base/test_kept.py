"""Public pages are rendered away from the event loop, once for every visitor, whatever is added to their addresses."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from gateway.api.app import build_app
from gateway.bootstrap.pages import add_site, page_ports
from gateway.pages.base.kept import KeptPages, in_a_thread
from gateway.pages.base.respond import Rendered
from gateway.pages.site import PageSite, all_pages
from tests.clock import ManualClock
from tests.harness import ALL, URL, built
from tests.memory_log import MemoryLog
from tests.pages.site import is_fixed

Result = TypeVar("Result")
QUERIES = ("", "?x=1", "?x=2", "?example=", "?example=x", "?page=2&x=%41", "?lang=en")


class Counted:
    """Runs work in a thread, and counts it."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, request: web.Request, work: Callable[[], Result], /) -> Coroutine[Any, Any, Result]:
        self.times += 1
        return in_a_thread(request, work)


async def test_a_public_page_is_rendered_once_whatever_its_query(tmp_path: Path) -> None:
    clock, aside = ManualClock(), Counted()
    async with built(tmp_path, log=MemoryLog(clock=clock), clock=clock) as harness:
        harness.start(*ALL)
        await harness.ready()
        app, ports = build_app(harness.context()), page_ports(harness.settings, harness.federation, URL)
        site = PageSite(all_pages(ports), public_url=URL, door=ports.door, aside=aside)
        add_site(app, site)
        async with TestClient(TestServer(app)) as client:
            public = [page for page in site.pages if not page.private and is_fixed(page)]
            addresses = [path for page in public for path in map(page.path, page.paths)]
            for address in addresses:
                texts = set()
                for query in QUERIES:
                    async with client.get(f"{address}{query}") as answer:
                        assert 200 == answer.status
                        texts.add(await answer.text())
                assert 1 == len(texts), address
            assert len(addresses) == aside.times
            for name in ("right", "mistakes"):
                async with client.get(f"/verifier?x=1&example={name}") as answer:
                    assert f"/en/check?example={name}" in await answer.text()
            assert len(addresses) + 2 == aside.times
        await ports.visitors.close()


async def test_a_page_made_of_something_else_is_rendered_again() -> None:
    pages, aside = KeptPages(in_a_thread), []

    def render() -> Rendered:
        aside.append(1)
        return Rendered("a")

    request = make_mocked_request("GET", "/")
    await asyncio.gather(*(pages.get(request, "page", [1], render) for _ in range(5)))
    assert 1 == len(aside)
    await pages.get(request, "page", [2], render)
    assert 2 == len(aside)


async def test_a_failed_rendering_is_not_kept() -> None:
    pages = KeptPages(in_a_thread)

    def fail() -> Rendered:
        raise ZeroDivisionError

    request = make_mocked_request("GET", "/")
    with pytest.raises(ZeroDivisionError):
        await pages.get(request, "page", 1, fail)
    assert b"a" == (await pages.get(request, "page", 1, lambda: Rendered("a"))).body
