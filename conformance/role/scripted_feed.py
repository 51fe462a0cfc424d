"""Scripted changes feed: pages and faults in order, cursors as a gateway issues them, and a record of the requests."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Page: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """Position of a cursor: the number of resyncs, of pages read, and of changes read of the next page, and the
    filter that it belongs to.
    """

    epoch: int
    index: int
    criteria: str
    offset: int = 0


@dataclass(slots=True)
class ScriptedFeed:
    """Pages to serve. A fault is served once; then the page after it is served under the same cursor. ``requests``
    records, for each, the position of its cursor (``0.2``: epoch and index; empty without one) and the answer. A
    request before ``waits_until`` is early.
    """

    pages: list[Page] = field(default_factory=list)
    epoch: int = 0
    start: int = 0
    met: set[int] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)
    early: int = 0
    waits_until: float = 0.0
    _issued: dict[str, FeedPosition] = field(default_factory=dict)

    def next(self, cursor: str | None, criteria: str, *, limit: int, now: float) -> Page:
        """The page or fault for a cursor and filter at a time in seconds; a refused request gets
        ``{"fault": "refused", "code": …}``.
        """
        self._count_early(now)
        position = FeedPosition(self.epoch, self.start, criteria) if cursor is None else self._issued.get(cursor)
        at = "" if cursor is None or position is None else f"{position.epoch}.{position.index}"
        if position is None:
            return self._noted("?", {"fault": "refused", "code": "cursor-forged"})
        if position.epoch != self.epoch:
            return self._noted(at, {"fault": "resync"})
        if position.criteria != criteria:
            return self._noted(at, {"fault": "refused", "code": _OTHER_FILTER})
        return self._noted(at, self._page_at(position, limit))

    def note_refused(self, code: str, *, now: float) -> None:
        """Record a request that is refused for its parameters."""
        self._count_early(now)
        self._noted("?", {"code": code})

    def _count_early(self, now: float) -> None:
        self.early += now < self.waits_until
        self.waits_until = 0.0

    @property
    def refused(self) -> list[str]:
        """The codes with which requests were refused."""
        return [each["answer"] for each in self.requests if each["page"] == "?" or each["answer"] == _OTHER_FILTER]

    def _page_at(self, position: FeedPosition, limit: int) -> Page:
        """The page or fault at a position; of a page with more changes than the limit the next part."""
        index, criteria = position.index, position.criteria
        while index < len(self.pages) and index in self.met:
            index += 1
        if index >= len(self.pages):
            cursor = self._issue(FeedPosition(self.epoch, len(self.pages), criteria))
            return {"cursor": cursor, "changes": [], "more": False}
        page = self.pages[index]
        if "fault" not in page:
            return self._part(page, replace(position, index=index), limit)
        self.met.add(index)
        if page["fault"] == "resync":
            self.epoch, self.start = self.epoch + 1, index + 1
        if page["fault"] == "cut":
            following = next((at for at in range(index, len(self.pages)) if "fault" not in self.pages[at]), None)
            if following is not None:
                return {
                    **self._part(self.pages[following], FeedPosition(self.epoch, following, criteria), limit),
                    **page,
                }
        return page

    def _part(self, page: Page, position: FeedPosition, limit: int) -> Page:
        """At most ``limit`` changes of a page, with their cursor, which comes first: what is cut off later holds it."""
        changes = page["changes"][position.offset :]
        if len(changes) > limit:
            following = replace(position, offset=position.offset + limit)
            return {"cursor": self._issue(following), **page, "changes": changes[:limit], "more": True}
        index = position.index + 1
        more = page.get("more", any(number not in self.met for number in range(index, len(self.pages))))
        cursor = self._issue(FeedPosition(self.epoch, index, position.criteria))
        return {"cursor": cursor, **page, "changes": changes, "more": more}

    def _issue(self, position: FeedPosition) -> str:
        """A cursor: opaque, in letters of both cases, longer than a column of 255 signs, with signs that mean something
        in an address, and others at both ends.
        """
        seeds = (f"{id(self)} {position} {number}".encode() for number in range(_CURSOR_PARTS))
        cursor = f"-{_SIGNS.join(_letters(hashlib.sha256(seed).digest()) for seed in seeds)}=="
        self._issued[cursor] = position
        return cursor

    def _noted(self, at: str, page: Page) -> Page:
        self.requests.append({"page": at, "answer": page.get("code", page.get("fault", "page"))})
        return page


_OTHER_FILTER = "cursor-filter"
_CURSOR_PARTS, _SIGNS = 9, ".+/%2B~"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _letters(digest: bytes) -> str:
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)
