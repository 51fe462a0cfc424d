"""The page "check an offer" over HTTP in this process, with a worker of the test's choice in place of the sandbox."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.api.context import PROXIES, client_of
from gateway.bootstrap.page_work import FUNCTIONS
from gateway.bootstrap.pages import add_site, page_ports
from gateway.pages.base.anonymous import AddressSlots
from gateway.pages.base.reading import Forms
from gateway.pages.base.visit import SandboxCalls, Visitors
from gateway.pages.site import PageSite, all_pages
from gateway.runtime.proxies import Proxies
from gateway.settings import proxy_networks
from tests.clock import ManualClock
from tests.harness import ALL, URL, built
from tests.memory_log import MemoryLog

Client: TypeAlias = "TestClient[web.Request, web.Application]"


class Direct:
    """Runs the functions of the sandbox's child in this process."""

    async def call(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        return orjson.loads(orjson.dumps(FUNCTIONS[function](content, arguments)))

    async def prepare(self) -> None:
        pass

    async def close(self) -> None:
        pass


@asynccontextmanager
async def served(
    folder: Path,
    *,
    worker: SandboxCalls | None = None,
    slots: AddressSlots | None = None,
    forms: Forms | None = None,
    proxies: str | None = None,
) -> AsyncIterator[Client]:
    """A client of a gateway with pages."""
    clock = ManualClock()
    async with built(folder, log=MemoryLog(clock=clock), clock=clock) as harness:
        harness.start(*ALL)
        await harness.ready()
        app = build_app(harness.context())
        app[PROXIES] = Proxies(proxy_networks(proxies))
        visitors = Visitors(slots or AddressSlots(), worker or Direct(), client_of, forms)
        ports = replace(page_ports(harness.settings, harness.federation, URL), visitors=visitors)
        add_site(app, PageSite(all_pages(ports), public_url=URL, door=ports.door))
        async with TestClient(TestServer(app)) as client:
            yield client


def form(**fields: str | bytes) -> FormData:
    """The page's form as a browser sends it; bytes are an uploaded file."""
    data = FormData(default_to_multipart=True)
    for name, value in {"text": "", "format": "auto", **fields}.items():
        if isinstance(value, bytes):
            data.add_field(name, BytesIO(value), filename=f"{name}.json", content_type="application/octet-stream")
        else:
            data.add_field(name, value)
    return data
