"""The pages that a gateway has, as the composition root registers them, and a gateway that answers in this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.bootstrap.pages import add_pages, page_ports
from gateway.pages.base.page import Page
from gateway.pages.site import PageSite, all_pages
from gateway.settings import Settings
from tests.clock import ManualClock
from tests.harness import ALL, URL, Harness, built
from tests.memory_log import MemoryLog
from tests.pages.signing import OPERATOR, SIGNED, cookie_of


def with_mails(settings: Settings) -> Settings:
    """With a relay, which is away: the gateway has the pages of notices."""
    return replace(settings, smtp="smtp://127.0.0.1:9", smtp_from="avis@passerelle.example")


def registered_pages(folder: Path) -> Sequence[Page]:
    """Every page. Runs an event loop in a thread: Playwright has one in the caller's."""

    async def read() -> Sequence[Page]:
        clock = ManualClock()
        async with built(folder, log=MemoryLog(clock=clock), clock=clock) as harness:
            return all_pages(page_ports(with_mails(harness.settings), harness.federation, URL))

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(read())).result()


def is_fixed(page: Page) -> bool:
    """Whether a page has a path that always leads to it."""
    return "{part}" not in page.paths["fr"] or bool(page.example)


class PageHarness:
    """A gateway with pages in the test's own process: its application, its site, and a client that follows nothing and
    has a session of ``SIGNED``.
    """

    def __init__(
        self, harness: Harness, app: web.Application, client: "TestClient[web.Request, web.Application]"
    ) -> None:
        self.harness = harness
        self.app = app
        self.client = client
        ports = page_ports(harness.settings, harness.federation, URL)
        self.door = ports.door
        self.site = PageSite(all_pages(ports), public_url=URL, door=ports.door)
        self._operator: dict[str, str] = {}

    @property
    def fixed(self) -> Sequence[Page]:
        """The pages with an address that always leads to them."""
        return [page for page in self.site.pages if is_fixed(page)]

    async def headers_for(self, page: Page) -> dict[str, str]:
        """The headers of a request that the page lets in: its role's session, where the client has another one."""
        if page.role != "operator":
            return {}
        if not self._operator:
            self._operator["Cookie"] = await cookie_of(self.harness.federation, OPERATOR.platform)
        return self._operator


@asynccontextmanager
async def opened(folder: Path, *, url: str = URL, contact: str | None = None) -> AsyncIterator[PageHarness]:
    """A gateway on a log in memory, whose views are caught up. ``contact``: of the legal notice."""
    clock = ManualClock()
    async with built(folder, log=MemoryLog(clock=clock), clock=clock, partners=[SIGNED, OPERATOR]) as harness:
        harness.start(*ALL)
        await harness.ready()
        harness.settings = replace(with_mails(harness.settings), legal_contact=contact)
        app = build_app(harness.context())
        add_pages(app, harness.settings, harness.federation, url)
        headers = {"Cookie": await cookie_of(harness.federation, SIGNED.platform)}
        async with TestClient(TestServer(app), headers=headers) as client:
            yield PageHarness(harness, app, client)
