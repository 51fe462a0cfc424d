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
PAGES = ("/exploitation", "/exploitation/refus", "/exploitation/offre")


class Desk:
    """The pages with a session of ``OPERATOR``, whose cookie is kept as a browser does. ``site`` answers with a session
    of a platform by default. ``location``: where the last answer leads.
    """

    def __init__(self, site: PageHarness, cookie: str) -> None:
        self.site = site
        self.federation = site.harness.federation
        self.headers = {**HTML, "Origin": URL, "Cookie": cookie}
        self.location = ""

    async def get(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        return await self._text(await self.site.client.get(path, headers=self.headers), status)

    async def send(self, path: str, fields: Mapping[str, Any], **headers: str) -> ClientResponse:
        """Send a form as a page of the gateway does, or with other headers or another token."""
        data = pairs({"token": await self.token(), **fields})
        return await self.site.client.post(path, data=data, headers={**self.headers, **headers}, allow_redirects=False)

    async def submit(self, path: str, fields: Mapping[str, Any], status: int = 200) -> str:
        """Send a form; the text of its answer."""
        return await self._text(await self.send(path, fields), status)

    async def post(self, path: str, status: int = 303, **fields: Any) -> str:
        """Send a form; the text of its answer, or of the page that it leads to."""
        text = await self.submit(path, fields, status)
        return await self.get(self.location) if status == 303 else text

    async def token(self) -> str:
        """A token of this session."""
        return token_in(await self.get(PAGES[0]))

    async def _text(self, answer: ClientResponse, status: int) -> str:
        text = unescape(await answer.text())
        assert status == answer.status, text
        self.location = answer.headers.get("Location", "")
        if "Set-Cookie" in answer.headers:
            self.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        return text

    async def acts(self) -> list[tuple[str, str, str | None, str | None, str | None]]:
        """The journal, oldest first: act, about, name, client, why."""
        await self.federation.acts.names.catch_up()
        names = self.federation.acts.names.state
        return [
            (one.act, one.about, None if one.person is None else names[one.person].name, one.client, one.why)
            for one in await self.entries()
        ]

    async def entries(self) -> Sequence[JournalEntry]:
        """The journal."""
        return [read_entry(record.value or b"") for record in await records_of(self.federation.log, JOURNAL)]

    async def settled(self) -> None:
        """Wait until every view has what is on the log."""
        for topic, view in self.federation.views.items():
            assert await view.reached(await self.federation.log.ends(topic), SECONDS)


def pairs(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The fields of a form; a list is one field for each of its values."""
    return [
        (name, str(one)) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])
    ]


def token_in(text: str) -> str:
    """The token of a page's form."""
    found: list[str] = re.findall(r'name="token" value="([^"]+)"', text)
    return found[0]


async def operator_of(site: PageHarness) -> Desk:
    """An operator, in a session of its own."""
    return Desk(site, await cookie_of(site.harness.federation, OPERATOR.platform))


async def desk_of(site: PageHarness) -> Desk:
    """An operator, and a federation with one feed, which no process pulls here."""
    partners = site.harness.federation.partners
    await partners.save(replace(SIGNED, platform=FAILING, name=FAILING, profile=profile_of(FAILING).document))
    return await operator_of(site)


async def publish(site: PageHarness, documents: Sequence[Mapping[str, Any]]) -> None:
    """Publish offers as their platform."""
    platform = str(documents[0]["id"]).partition(":")[0]
    headers = {"Authorization": f"Bearer {platform}", "Prefer": "wait=20"}
    answer = await site.client.post("/v1/offers/batch", json=documents, headers=headers)
    assert 200 == answer.status, await answer.text()
