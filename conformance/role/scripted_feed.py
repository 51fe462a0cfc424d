"""Scripted feed: pages and faults served in order by cursor, and a journal of the requests. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Page: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class ScriptedFeed:
    """Pages to serve. A cursor is ``{epoch}.{index}``: number of resyncs, number of pages read. A fault is served once;
    then the page after it is served under the same cursor.
    """

    pages: list[Page] = field(default_factory=list)
    epoch: int = 0
    start: int = 0
    met: set[int] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def script(self, pages: list[Page]) -> None:
        """Append pages and faults."""
        self.pages.extend(pages)

    def next(self, cursor: str | None) -> Page:
        """The page or fault for this cursor, noted in ``requests``; an unknown cursor gets ``{"fault": "forged"}``."""
        index = self._index_of(cursor)
        if index is None:
            fault = "resync" if cursor is not None and cursor.startswith(f"{self.epoch - 1}.") else "forged"
            return self._noted(cursor, {"fault": fault})
        while index < len(self.pages) and index in self.met:
            index += 1
        if index >= len(self.pages):
            return self._noted(cursor, {"changes": [], "cursor": self._cursor(len(self.pages)), "more": False})
        page = self.pages[index]
        if "fault" not in page:
            more = page.get("more", self._pages_left(index + 1))
            return self._noted(cursor, {**page, "cursor": self._cursor(index + 1), "more": more})
        self.met.add(index)
        if page["fault"] == "resync":
            self.epoch, self.start = self.epoch + 1, index + 1
        return self._noted(cursor, page)

    def _index_of(self, cursor: str | None) -> int | None:
        if cursor is None:
            return self.start
        epoch, _, index = cursor.partition(".")
        known = epoch == str(self.epoch) and index.isdigit() and self.start <= int(index) <= len(self.pages)
        return int(index) if known else None

    def _cursor(self, index: int) -> str:
        return f"{self.epoch}.{index}"

    def _pages_left(self, index: int) -> bool:
        return any(number not in self.met for number in range(index, len(self.pages)))

    def _noted(self, cursor: str | None, page: Page) -> Page:
        self.requests.append({"cursor": cursor or "", "told": page.get("fault", "page")})
        return page
