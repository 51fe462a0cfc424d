"""Pages of a feed: what a document states about further pages, and whether all pages were read. Pure.

APIs name the next page by an address (``next``, ``hydra:next``, ``_links/next/href``, ``@odata.nextLink``, a header
``Link``), or only say that there is one (``hasMore``, ``total_pages``, a total above the items). The first can be
followed; the second is reported, and such a feed withdraws nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.formats.path import Path, write_path
from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.text import fold

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ADDRESS = re.compile(r"(?:https?://|\.{0,2}[/?])\S+|[^\s:?]+\?\S+=\S*|[\w./-]+\.(?:json|xml)")
"""An absolute address, or a relative one; not a cursor."""
_VALUES = frozenset(("href", "url", "uri", "link", "value"))
_PREFIXES = frozenset(("hydra", "odata", "opensearch", "x", "wp"))
_NEXT = frozenset(("next", "suivant", "suivante"))
_OF_A_PAGE = frozenset(("page", "pages"))
_TOKENS = _OF_A_PAGE | {"cursor", "token", "offset", "start", "skip", "scroll", "index", "position", "id", "key"}
_MORE = frozenset(("more", "suite"))
_ITEMS = frozenset((
    "item", "items", "result", "results", "resultats", "element", "elements", "record", "records", "entries", "hits",
    "found", "jobs", "offers", "offres", "annonces", "rows", "postings", "all",
))  # fmt: skip
_COUNTS = frozenset(("total", "totals", "count", "nb", "num", "nombre", "nhits", "found", "hits"))
_ABOUT = frozenset((
    "meta", "metadata", "pagination", "paging", "pager", "page", "pages", "links", "link", "cursor", "cursors", "view",
    "info", "response", "result", "results", "data", "header", "search", "summary", "next", "channel", "feed", "self",
))  # fmt: skip
"""Names of objects that may describe pages, beside the objects around the items."""
_MAX_EVIDENCE = 120


@dataclass(frozen=True, slots=True)
class Paging:
    """The statements of one document: the address of the ``next`` page, a member that announces more without an address
    (``more``), the total number of items and of pages, and its own number of items.
    """

    items: int = 0
    next: str = ""
    more: str = ""
    total: int | None = None
    pages: int | None = None

    @property
    def evidence(self) -> str:
        """The member that shows that this is one page of several; empty if none does."""
        if self.next:
            return f"next: {self.next}"[:_MAX_EVIDENCE]
        if self.more:
            return self.more
        if self.pages is not None and self.pages > 1:
            return f"pages: {self.pages}"
        return f"total: {self.total}" if self.total is not None and self.total > self.items else ""


def paging_of(objects: Iterable[tuple[Path, Mapping[str, Any]]], items: int, *, above: Iterable[Path] = ()) -> Paging:
    """The statements of the objects outside of the items. ``above``: the paths of the items, which the objects around
    them are on.
    """
    around = {path[:length] for path in above for length in range(len(path) + 1)}
    found: dict[str, list[Any]] = {"next": [], "more": [], "pages": [], "total": []}
    for path, members in objects:
        named = frozenset(name for one in path[-1:] for name in _words(one))
        if path and path not in around and not (named and named <= _ABOUT | _NEXT | _PREFIXES | _COUNTS):
            continue
        if any(str(members.get(name, "")).lower() == "next" for name in ("rel", "relation")):
            found["next"] += [members[one] for one in ("href", "url") if isinstance(members.get(one), str)]
        for name, value in members.items():
            words = _words(name) - _PREFIXES
            kind = _kind(named if words <= _VALUES and named & (_NEXT | _COUNTS) else words, value)
            if kind == "more":
                found[kind].append(f"{write_path((*path, name))}: {value}"[:_MAX_EVIDENCE])
            elif kind:
                found[kind].append(value if kind == "next" else _whole(value))
    following, more = (next(iter(found[kind]), "") for kind in ("next", "more"))
    return Paging(items, following, more, max(found["total"], default=None), max(found["pages"], default=None))


def _kind(words: frozenset[str], value: Any) -> str:
    """The meaning of a member with these words in its name: ``next``, ``more``, ``pages``, ``total``, or nothing."""
    if isinstance(value, bool):
        says_more = words & (_NEXT | _MORE) if value else "last" in words and words <= {"is", "last", "page"}
        return "more" if says_more else ""
    if words & _NEXT:
        if isinstance(value, str) and _ADDRESS.fullmatch(value) and words <= _NEXT | _OF_A_PAGE | _VALUES:
            return "next"
        return "more" if value not in (None, "", 0) and words <= _NEXT | _TOKENS | _VALUES else ""
    if _whole(value) is None:
        return ""
    if words == {"pages"} or (words & _OF_A_PAGE and words & (_COUNTS | {"last"})):
        return "pages"
    return "total" if words & _COUNTS and words <= _COUNTS | _ITEMS else ""


def _words(name: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _WORDS.findall(name))


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()) else None


@dataclass(slots=True)
class Pages:
    """The pages of one feed as they are read. ``steady``: the pages that were fetched again had the same items."""

    steady: bool = True
    read: list[Paging] = field(default_factory=list)
    repeated: bool = False
    """Whether an id occurred twice."""

    @property
    def items(self) -> int:
        """The number of items so far."""
        return sum(one.items for one in self.read)

    def problems(self) -> list[ReadingProblem]:
        """Reasons why offers that are absent from these pages may exist all the same; none if all pages were read."""
        totals = {one.total for one in self.read if one.total is not None and one.total != one.items}
        last = self.read[-1] if self.read else Paging()
        pages = max((one.pages or 0 for one in self.read), default=0)
        beyond = len(self.read) == 1 and max(totals, default=0) > self.items
        if last.next or last.more or pages > len(self.read) or beyond:
            evidence = Paging(self.items, last.next, last.more, max(totals, default=None), pages).evidence
            return [problem("feed-is-one-page", expected=evidence, actual=self.items, pages=len(self.read))]
        moved = self.repeated or not self.steady or bool(totals - {self.items})
        if len(self.read) > 1 and moved:
            return [problem("feed-pages-unsteady", actual=self.items, pages=len(self.read))]
        return []
