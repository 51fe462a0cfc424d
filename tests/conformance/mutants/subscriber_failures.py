"""Wrong subscribers: what a failure of the feed does to their copy, their cursor, and their patience."""

import re
from typing import Any

import aiohttp
import orjson

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import SECRET, Subscriber


@wrong("ERR-008", "empties its copy before each reading, so that a failure shows an empty site")
class EmptiesBeforeReading(Subscriber):
    async def sync(self) -> None:
        self.held = {}
        await super().sync()

    async def fail(self, _retry: float) -> bool:
        return False

    def forget(self) -> None:
        self.kept: dict[str, Any] = {}
        super().forget()

    def take(self, page: dict[str, Any]) -> bool:
        self.held = self.held or dict(self.kept)
        more = super().take(page)
        self.kept = dict(self.held)
        return more


@wrong("ERR-008", "shows nothing while the feed is unavailable")
class HidesDuringFailures(Subscriber):
    failing = False

    async def fail(self, retry: float) -> bool:
        self.failing = True
        await super().fail(retry)
        return False

    def take(self, page: dict[str, Any]) -> bool:
        self.failing = False
        return super().take(page)

    def offers(self) -> dict[str, Any]:
        return {} if self.failing else super().offers()


@wrong("SEC-001", "drops its copy at a 401")
class DropsAtExpiry(Subscriber):
    async def renew(self) -> None:
        if self.token:
            self.held = {}
        await super().renew()


@wrong("SEC-001", "reads everything again after a 401")
class BeginsAgainAfterExpiry(Subscriber):
    async def renew(self) -> None:
        if self.token:
            self.cursor = None
        await super().renew()


@wrong("SEC-001", "stops for good at a 401")
class StopsAtUnauthorized(Subscriber):
    stopped = False

    async def read(self) -> bool:
        if self.stopped:
            return False
        return await super().read()

    async def renew(self) -> None:
        self.stopped = bool(self.token)
        if not self.token:
            await super().renew()


@wrong("SEC-001", "skips the page at which its token had expired")
class SkipsAtExpiry(Subscriber):
    async def read(self) -> bool:
        before = self.token
        more = await super().read()
        if before and before != self.token and self.cursor is not None:
            status, page, _ = await self.send("GET", self.next_page())
            if status == 200:
                self.cursor = page["cursor"]
                return bool(page["more"])
        return more


@wrong("SEC-001", "sends its secret in place of a token")
class ReadsWithItsSecret(Subscriber):
    def authorization(self) -> dict[str, str]:
        return {"Authorization": aiohttp.BasicAuth(self.slug, SECRET).encode()}


@wrong("SEC-002", "asks for a token that may only publish")
class AsksForPublishingOnly(Subscriber):
    async def renew(self) -> None:
        self.token = (await self.token_answer(scope="offers:publish"))["access_token"]


@wrong("ERR-008", "does not wait for Retry-After of a 503")
class HurriesAfterUnavailable(Subscriber):
    async def fail(self, _retry: float) -> bool:
        return await super().fail(0.0)


class _Answering(Subscriber):
    """Knows the status of the answer that failed."""

    status = 0

    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        answered = await super().exchange(method, path, data, headers)
        self.status = answered[0]
        return answered


@wrong("ERR-006", "does not wait for Retry-After of a 429")
class HurriesAfterTooMany(_Answering):
    async def fail(self, retry: float) -> bool:
        return await super().fail(0.0 if self.status == 429 else retry)


@wrong("ERR-006", "takes 429 for the end of the feed, and forgets where it was")
class ForgetsAfterTooMany(_Answering):
    async def fail(self, retry: float) -> bool:
        if self.status == 429:
            self.cursor = None
        return await super().fail(retry)


@wrong("ERR-006", "empties its copy at a 429")
class EmptiesAtTooMany(_Answering):
    async def fail(self, retry: float) -> bool:
        if self.status == 429:
            self.held = {}
            return False
        return await super().fail(retry)


@wrong("ERR-008", "reads from the start again after a 503")
class BeginsAgainAfterUnavailable(_Answering):
    async def fail(self, retry: float) -> bool:
        if self.status == 503:
            self.cursor = None
        return await super().fail(retry)


@wrong("ERR-008", "reads no more after a failure")
class ReadsNoMore(Subscriber):
    failed = False

    async def sync(self) -> None:
        if not self.failed:
            await super().sync()

    async def fail(self, _retry: float) -> bool:
        self.failed = True
        return False


@wrong("ERR-012", "takes a page that was cut for the end of its cursor, and begins again")
class TakesCutPagesForEmpty(Subscriber):
    async def fail(self, _retry: float) -> bool:
        return False

    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        status, page, retry = await super().exchange(method, path, data, headers)
        if status == 0 and self.cursor:
            return 410, None, 0.0
        return status, page, retry


class _Streaming(Subscriber):
    """Reads what came of an answer that was cut."""

    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        if not self.token:
            await self.renew()
        async with self.session.request(
            method, self.gateway + path, data=data, headers={**self.authorization(), **headers}
        ) as response:
            content = b""
            try:
                async for piece in response.content.iter_any():
                    content += piece
            except aiohttp.ClientError:
                return response.status, self.mended(content), 0.0
            retry = float(response.headers.get("Retry-After", 0))
            return response.status, orjson.loads(content) if content else None, retry

    def mended(self, content: bytes) -> Any:
        raise NotImplementedError


@wrong("ERR-012", "keeps the cursor of a page that was cut")
class KeepsCursorsOfCutPages(_Streaming):
    def mended(self, content: bytes) -> Any:
        cursor = re.search(rb'"cursor": *"([^"]+)"', content)
        return {"changes": [], "cursor": cursor[1].decode() if cursor else self.cursor, "more": True}


@wrong("ERR-012", "takes a page that was cut for the end of the feed")
class EndsAtCutPages(_Streaming):
    def mended(self, _content: bytes) -> Any:
        return {"changes": [], "cursor": self.cursor, "more": False}

    async def sync(self) -> None:
        await super().sync()
        self.cursor = None


@wrong("ERR-012", "deletes what a page that was cut does not hold")
class SweepsAfterCutPages(_Streaming):
    def mended(self, content: bytes) -> Any:
        self.held = {key: row for key, row in self.held.items() if key.encode() in content}
        return {"changes": [], "cursor": self.cursor, "more": False}
