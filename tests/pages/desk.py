"""An operator on the pages over HTTP, and what is on the log afterwards."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import unescape
from typing import Any

from aiohttp import ClientResponse

from gateway.protocol.journal import JournalEntry, read_entry
from gateway.protocol.topic import JOURNAL
from tests.harness import SECONDS, URL, records_of
from tests.pages.feeds import FAILING, profile_of
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness

HTML = {"Accept": "text/html"}
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
PAGES = ("/exploitation", "/exploitation/refus", "/exploitation/offre")


class Desk:
    """The pages with a session of ``OPERATOR``. ``site`` answers with a session of a platform by default."""

    def __init__(self, site: PageHarness, cookie: str) -> None:
        self.site = site
        self.federation = site.harness.federation
        self.headers: Mapping[str, str] = {**HTML, "Cookie": cookie}

    async def get(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        answer = await self.site.client.get(path, headers=self.headers)
        assert status == answer.status, path
        return unescape(await answer.text())

    async def send(self, path: str, fields: Mapping[str, Any], **headers: str) -> ClientResponse:
        """Send a form as a page of the gateway does, or with other headers."""
        data = {"token": await self.token(), **{name: str(value) for name, value in fields.items()}}
        sent = {**self.headers, "Origin": URL, **headers}
        return await self.site.client.post(path, data=data, headers=sent, allow_redirects=False)

    async def post(self, path: str, status: int = 303, **fields: Any) -> str:
        """Send a form; the text of its answer, or of the page that it leads to."""
        answer = await self.send(path, fields)
        assert status == answer.status, unescape(await answer.text())
        return await self.get(answer.headers["Location"]) if status == 303 else unescape(await answer.text())

    async def token(self) -> str:
        """A token of this session."""
        found: list[str] = _TOKEN.findall(await self.get(PAGES[0]))
        return found[0]

    async def entries(self) -> Sequence[JournalEntry]:
        """The journal."""
        return [read_entry(record.value or b"") for record in await records_of(self.federation.log, JOURNAL)]

    async def settled(self) -> None:
        """Wait until every view has what is on the log."""
        for topic, view in self.federation.views.items():
            assert await view.reached(await self.federation.log.ends(topic), SECONDS)


async def desk_of(site: PageHarness) -> Desk:
    """An operator, and a federation with one feed, which no process pulls here."""
    partners = site.harness.federation.partners
    await partners.save(replace(SIGNED, platform=FAILING, name=FAILING, profile=profile_of(FAILING).document))
    return Desk(site, await cookie_of(site.harness.federation, OPERATOR.platform))


async def publish(site: PageHarness, documents: Sequence[Mapping[str, Any]]) -> None:
    """Publish offers as their platform."""
    platform = str(documents[0]["id"]).partition(":")[0]
    headers = {"Authorization": f"Bearer {platform}", "Prefer": "wait=20"}
    answer = await site.client.post("/v1/offers/batch", json=documents, headers=headers)
    assert 200 == answer.status, await answer.text()
