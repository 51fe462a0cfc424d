"""A gateway that sends mails to a mailbox, and the browser of a person."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.bootstrap.notices import open_sender
from gateway.bootstrap.pages import add_site, page_ports
from gateway.log.memory import MemoryLog
from gateway.notices.sender import ROLE
from gateway.pages.requests.view import TRIAL_SECONDS
from gateway.pages.site import PageSite, all_pages
from gateway.protocol.contact import PARTITION, Contact
from tests.clock import ManualClock
from tests.harness import ALL, URL, Harness, built
from tests.notices.relay import SENDER, Mailbox, serving
from tests.pages.signing import OPERATOR, PERSON, SIGNED, cookie_of

ADDRESS = "essai@example.org"
LIST = "/plateforme/avis"
ORIGIN = {"Origin": URL}


@dataclass
class Gateway:
    """A gateway whose mails go to a mailbox, and the browser of a person of a platform."""

    harness: Harness
    app: web.Application
    client: TestClient[Any, Any]
    box: Mailbox
    relay: Any
    clock: ManualClock

    async def mails(self) -> None:
        """One pass of the sender."""
        sender = open_sender(self.harness.settings, self.harness.federation, self.clock)
        sender.relay = self.relay
        owner = await self.harness.federation.log.own(ROLE, PARTITION)
        await sender.work(owner)
        await owner.close()

    async def send(self, **fields: str) -> ClientResponse:
        page = await (await self.client.get(LIST)).text()
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token is not None
        return await self.client.post(LIST, data={"token": token[1], **fields}, headers=ORIGIN, allow_redirects=False)

    async def add(self, address: str = ADDRESS, name: str = PERSON) -> ClientResponse:
        return await self.send(act="add", address=address, name=name, language="fr")

    def link(self, path: str) -> str:
        """The address of the last mail with this path, without its host."""
        found = re.search(rf"https?://[^\s>]+{re.escape(path)}\?\S+", self.box.text())
        assert found is not None, self.box.text()
        parts = urlsplit(found[0])
        return f"{parts.path}?{parts.query}"

    async def confirm(self) -> None:
        """Agree as the last mail says."""
        await self.mails()
        text = self.link("/avis").partition("c=")[2]
        answer = await self.client.post("/avis", data={"c": text}, headers=ORIGIN)
        assert "vous recevrez les avis" in await answer.text()

    def contact(self) -> Contact:
        """The one contact."""
        [found] = self.harness.federation.contacts.of(SIGNED.platform)
        return found


@asynccontextmanager
async def opened(folder: Path, *, trial_seconds: float = TRIAL_SECONDS) -> AsyncIterator[Gateway]:
    """A gateway on a log in memory that sends mails. ``trial_seconds``: how long its page waits for a dry run."""
    clock = ManualClock()
    async with (
        built(
            folder, log=MemoryLog(clock=clock), clock=clock, partners=[SIGNED, OPERATOR], loopback_feeds=1
        ) as harness,
        serving(box := Mailbox()) as relay,
    ):
        harness.start(*ALL)
        await harness.ready()
        harness.settings = replace(harness.settings, smtp=relay.url, smtp_from=SENDER, public_url=URL)
        app = build_app(harness.context())
        ports = replace(page_ports(harness.settings, harness.federation, URL), trial_seconds=trial_seconds)
        add_site(app, PageSite(all_pages(ports), public_url=URL, door=ports.door))
        headers = {"Cookie": await cookie_of(harness.federation, SIGNED.platform)}
        async with TestClient(TestServer(app), headers=headers) as client:
            yield Gateway(harness, app, client, box, relay, clock)
