"""Wrong subscribers: pages, cursors, filters, and the start from the beginning after a 410."""

from typing import Any
from urllib.parse import urlencode

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Subscriber
from tests.conformance.partner_kinds import FilteringSubscriber, GenerationSubscriber


@wrong("FEED-003", "stops at a page without changes, though more are left")
class StopsAtEmptyPages(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        return super().take(page) and bool(page["changes"])


@wrong("FEED-003", "stops at a page with fewer changes than it asked for, though more are left")
class StopsAtShortPages(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        return super().take(page) and len(page["changes"]) >= 100


@wrong("FEED-003", "takes a page of removals for an empty one, and drops its cursor")
class DropsCursorsOfRemovals(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        before = self.cursor
        more = super().take(page)
        if all(change["op"] == "removal" for change in page["changes"]):
            self.cursor = before
        return more


@wrong("FEED-003", "keeps the cursor of the last page of a reading only in memory, and the first one for the next")
class KeepsTheFirstCursor(Subscriber):
    async def sync(self) -> None:
        before = self.cursor
        await super().sync()
        self.cursor = before


@wrong("FEED-004", "makes up the next cursor by counting")
class CountsCursors(Subscriber):
    pages = 0

    def forget(self) -> None:
        super().forget()
        self.pages = 0

    def take(self, page: dict[str, Any]) -> bool:
        self.pages += 1
        return super().take({**page, "cursor": str(self.pages)})


@wrong("FEED-004", "begins with the cursor undefined")
class SendsUndefined(Subscriber):
    def next_page(self) -> str:
        return f"/v1/changes?cursor={self.cursor or 'undefined'}"


@wrong("FEED-004", "begins with the cursor 0")
class SendsZero(Subscriber):
    def next_page(self) -> str:
        return f"/v1/changes?cursor={self.cursor or 0}"


@wrong("FEED-005", "sends its filters with the first page only")
class DropsFilters(FilteringSubscriber):
    def next_page(self) -> str:
        return f"/v1/changes?{urlencode({'cursor': self.cursor} if self.cursor else self.filters)}"


@wrong("FEED-005", "reads each level in turn with one cursor")
class SharesCursors(Subscriber):
    def next_page(self) -> str:
        self.level = "seconde" if getattr(self, "level", "") == "troisieme" else "troisieme"
        return f"/v1/changes?{urlencode({'level': self.level, **({'cursor': self.cursor} if self.cursor else {})})}"


@wrong("FEED-001", "reads the first hundred changes of a page only")
class ReadsAHundred(FilteringSubscriber):
    def take(self, page: dict[str, Any]) -> bool:
        return super().take({**page, "changes": page["changes"][:100]})


@wrong("FEED-001", "leaves out the last change of a page")
class LeavesOutTheLast(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        changes = page["changes"]
        return super().take({**page, "changes": changes[:-1] if len(changes) > 1 else changes})


@wrong("FEED-003", "ignores a page that is not fresh")
class IgnoresOldPages(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        if str(page.get("fresh", "")) < "2026-06":
            return False
        return super().take(page)


@wrong("FEED-009", "asks again with the refused cursor after 410")
class KeepsItsCursor(Subscriber):
    tries = 0

    def resync(self) -> None:
        self.tries += 1
        if self.tries > 3:
            raise KeyError("too many answers of 410")


@wrong("FEED-009", "takes 410 for the end of the feed")
class StopsAtResync(Subscriber):
    async def read(self) -> bool:
        before = self.cursor
        more = await super().read()
        if before is not None and self.cursor is None:
            self.cursor = before
            return False
        return more


@wrong("FEED-009", "drops its offers after 410, and keeps their sequences")
class KeepsSequences(Subscriber):
    def resync(self) -> None:
        self.cursor = None
        self.held = {}


@wrong("FEED-009", "sweeps after the first page of the new reading")
class SweepsTooEarly(GenerationSubscriber):
    def take(self, page: dict[str, Any]) -> bool:
        more = super().take({**page, "more": False})
        self.again = set()
        return more or bool(page["more"])


@wrong("FEED-009", "sweeps every offer that a page of the new reading does not show")
class SweepsEachPage(GenerationSubscriber):
    reading = False

    def resync(self) -> None:
        super().resync()
        self.reading = True

    def take(self, page: dict[str, Any]) -> bool:
        more = super().take(page)
        if self.reading:
            listed = {change["id"] for change in page["changes"]}
            self.held = {key: row for key, row in self.held.items() if key in listed}
            self.reading = more
        return more


@wrong("FEED-009", "never sweeps after 410")
class NeverSweeps(GenerationSubscriber):
    def take(self, page: dict[str, Any]) -> bool:
        self.unseen = set()
        return super().take(page)


@wrong("FEED-009", "drops its offers after 410, and does not read again before the next time")
class DropsAndWaits(Subscriber):
    async def read(self) -> bool:
        had = self.cursor is not None
        more = await super().read()
        return more and not (had and self.cursor is None)


@wrong("FEED-010", "begins at the end of the feed, and takes only what changes afterwards")
class BeginsAtTheEnd(Subscriber):
    async def sync(self) -> None:
        if self.cursor is None:
            await super().sync()
            self.held = {}
        else:
            await super().sync()


@wrong("FEED-003", "empties its copy before each reading from the start of its own accord")
class ReadsAllEachTime(Subscriber):
    async def sync(self) -> None:
        self.forget()
        await super().sync()
