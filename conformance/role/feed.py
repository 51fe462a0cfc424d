"""The scripted feed: pages and faults served in order, by cursor, and a note of how the subscriber asked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Page: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Feed:
    """What is served. A cursor is ``{epoch}.{index}``: the pages read so far, by resyncs. A fault is met once;
    then the page behind it is served under the same cursor.
    """

    pages: list[Page] = field(default_factory=list)
    epoch: int = 0
    start: int = 0
    met: set[int] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def script(self, pages: list[Page]) -> None:
        """More to serve, behind what there is."""
        self.pages.extend(pages)

    def next(self, cursor: str | None) -> Page:
        """The page or fault for a reader who comes with this cursor; ``{"fault": "forged"}`` for one never given."""
        place = self._place(cursor)
        if place is None:
            fault = "resync" if cursor is not None and cursor.startswith(f"{self.epoch - 1}.") else "forged"
            return self._noted(cursor, {"fault": fault})
        while place < len(self.pages) and place in self.met:
            place += 1
        if place >= len(self.pages):
            return self._noted(cursor, {"changes": [], "cursor": self._cursor(len(self.pages)), "more": False})
        page = self.pages[place]
        if "fault" not in page:
            more = page.get("more", self._pages_left(place + 1))
            return self._noted(cursor, {**page, "cursor": self._cursor(place + 1), "more": more})
        self.met.add(place)
        if page["fault"] == "resync":
            self.epoch, self.start = self.epoch + 1, place + 1
        return self._noted(cursor, page)

    def _place(self, cursor: str | None) -> int | None:
        if cursor is None:
            return self.start
        epoch, _, index = cursor.partition(".")
        known = epoch == str(self.epoch) and index.isdigit() and self.start <= int(index) <= len(self.pages)
        return int(index) if known else None

    def _cursor(self, index: int) -> str:
        return f"{self.epoch}.{index}"

    def _pages_left(self, place: int) -> bool:
        return any(number not in self.met for number in range(place, len(self.pages)))

    def _noted(self, cursor: str | None, page: Page) -> Page:
        self.requests.append({"cursor": cursor or "", "told": page.get("fault", "page")})
        return page
