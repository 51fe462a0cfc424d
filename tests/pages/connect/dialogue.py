"""A visitor's dialogue with the page over HTTP: reads the form out of the HTML, changes controls, sends it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import orjson
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.bootstrap.connect_work import FUNCTIONS
from gateway.bootstrap.pages import add_site
from gateway.pages.base.anonymous import AddressSlots
from gateway.pages.base.page import Page
from gateway.pages.base.visit import Visitors
from gateway.pages.connect import view as connect
from gateway.pages.connect.state import PURPOSE
from gateway.pages.legal import view as legal
from gateway.pages.legal.view import Imprint
from gateway.pages.site import PageSite
from gateway.protocol.seal import Seal
from tests.clock import START, ManualClock

HOME = Page("home", {"fr": "/", "en": "/en/"}, None)
SECRET = b"a secret of this federation, 32 bytes or more"


class DirectWorker:
    """The functions of the sandbox in this process, with their arguments and results as JSON."""

    async def call(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        result = FUNCTIONS[function](content, orjson.loads(orjson.dumps(arguments)))
        return orjson.loads(orjson.dumps(result))

    async def prepare(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Form(HTMLParser):
    """The form with the hidden state: its controls with the values that a browser would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.options: dict[str, list[str]] = {}
        self.visible: list[str] = []
        self._inside = False
        self._select: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = found.get("class") == "study"
        elif not self._inside:
            return
        elif tag == "input" and found["type"] != "file":
            if found["type"] != "checkbox" or "checked" in found:
                self.values.setdefault(found["name"], []).append(found.get("value", ""))
            self.options.setdefault(found["name"], []).append(found.get("value", ""))
        elif tag == "select":
            self._select = found["name"]
            self.options[self._select] = []
        elif tag == "option" and self._select is not None:
            self.options[self._select].append(found["value"])
            if "selected" in found or self._select not in self.values:
                self.values[self._select] = [found["value"]]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        self.visible.append(data)

    @property
    def text(self) -> str:
        """What is displayed, without the values of controls."""
        return " ".join(" ".join(self.visible).split())


class Dialogue:
    """A client of the page in one language. ``html`` and ``form`` are of the last answer that was a page."""

    def __init__(self, client: "TestClient[web.Request, web.Application]", clock: ManualClock, path: str) -> None:
        self.client = client
        self.clock = clock
        self.path = path
        self.status = 0
        self.html = ""
        self.headers: Mapping[str, str] = {}

    @property
    def form(self) -> Form:
        return Form(self.html)

    async def upload(self, content: bytes, **fields: str) -> "Dialogue":
        """Send a sample as a file."""
        data = FormData()
        data.add_field("sample", BytesIO(content), filename="export", content_type="application/octet-stream")
        for name, value in {"do": "open", **fields}.items():
            data.add_field(name, value)
        return await self._send(data)

    async def paste(self, text: str) -> "Dialogue":
        """Send a sample as text; the file field is empty, as a browser sends it."""
        data = FormData()
        data.add_field("sample", b"", filename="", content_type="application/octet-stream")
        data.add_field("text", text)
        data.add_field("do", "open")
        return await self._send(data)

    async def recompute(self, changes: Mapping[str, str | list[str]] | None = None, do: str = "study") -> "Dialogue":
        """Send the form of the last page with some controls changed."""
        values = {
            **self.form.values,
            **{name: [one] if isinstance(one, str) else one for name, one in (changes or {}).items()},
        }
        data = FormData()
        data.add_field("do", do, content_type="text/plain")
        for name, listed in values.items():
            for value in listed:
                data.add_field(name, value, content_type="text/plain")
        return await self._send(data)

    async def download(self, changes: Mapping[str, str | list[str]] | None = None) -> bytes:
        """The file of the profile."""
        before = self.html
        await self.recompute(changes, do="download")
        content, self.html = self.html.encode(), before
        return content

    async def _send(self, data: FormData) -> "Dialogue":
        async with self.client.post(self.path, data=data) as answer:
            self.status, self.html, self.headers = answer.status, await answer.text(), answer.headers
        return self


@asynccontextmanager
async def dialogue(
    path: str = "/brancher", *, secret: bytes = SECRET, kind: type[Seal] = Seal
) -> AsyncIterator[Dialogue]:
    """A gateway's pages without the rest of the gateway."""
    clock = ManualClock(START)
    visitors = Visitors(AddressSlots(), DirectWorker(), lambda _: "198.51.100.7")
    seal = kind(secret, purpose=PURPOSE)
    app = web.Application()
    found = [HOME, *connect.pages(visitors, seal, clock), *legal.pages(Imprint())]
    add_site(app, PageSite(found, public_url="https://site.example"))
    async with TestClient(TestServer(app)) as client:
        yield Dialogue(client, clock, path)
