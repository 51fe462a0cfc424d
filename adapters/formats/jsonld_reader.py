"""Read JSON-LD items from a JSON document or from the JSON-LD scripts of an HTML page."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from adapters.formats.item import SourceItem
from adapters.formats.json_reader import ItemScan, decode_item, read_documents
from adapters.formats.nearest_path import PathOutline
from adapters.formats.path import Path
from adapters.formats.problem import UnusableFeedError, problem
from schemas.bilingual import Bilingual

_OPENING = re.compile(r"<!--|<script\b([^<>]{0,2000})>", re.IGNORECASE)
_MAX_OPENING = 2010
_LINKED_DATA = re.compile(r"\btype\s*=\s*[\"']?\s*application/ld\+json\b", re.IGNORECASE)
_COMMENT_END = re.compile(r"-->")
_SCRIPT_END = re.compile(r"</script", re.IGNORECASE)
_MAX_END = 8


def read_linked(
    text: Iterable[str], paths: tuple[Path, ...], outline: PathOutline | None = None
) -> Iterator[SourceItem]:
    """The objects at the paths of each JSON-LD document. Raises UnusableFeedError."""
    pieces = iter(text)
    first = next((piece for piece in pieces if piece.strip()), "")
    whole = chain([first], pieces)
    if not first.lstrip().startswith("<"):
        yield from read_documents(whole, paths, outline)
        return
    page = _Page(paths, outline or PathOutline())
    for piece in whole:
        yield from page.feed(piece)
    page.finish()


class _Page:
    """Streaming reader of one page. A malformed script becomes one unreadable item; the others are still read."""

    def __init__(self, paths: tuple[Path, ...], outline: PathOutline) -> None:
        self._paths = paths
        self._outline = outline
        self._buffer = ""
        self._line = 1
        self._end: re.Pattern[str] | None = None
        self._scan: ItemScan | None = None
        self._linked = False

    def feed(self, piece: str) -> Iterator[SourceItem]:
        self._buffer += piece
        waiting = False
        while not waiting:
            if self._end is None:
                waiting = not self._open()
                continue
            match = self._end.search(self._buffer)
            waiting = match is None
            body = self._drop(max(0, len(self._buffer) - _MAX_END) if match is None else match.start())
            yield from self._read(body)
            if match is not None:
                yield from self._close()
                self._end = None

    def finish(self) -> None:
        """End the page. Raises UnusableFeedError if it is cut, or has no JSON-LD or no items."""
        if self._end is not None:
            raise UnusableFeedError("feed-cut", actual="HTML")
        if not self._linked:
            raise _not_linked()
        if not self._outline.reached:
            raise self._outline.missing(self._paths)

    def _open(self) -> bool:
        """Advance to the next script or comment; return False if the buffer has none yet."""
        match = _OPENING.search(self._buffer)
        if match is None:
            start = self._buffer.rfind("<", max(0, len(self._buffer) - _MAX_OPENING))
            self._drop(start if start >= 0 else len(self._buffer))
            return False
        self._drop(match.end())
        self._end = _COMMENT_END if match[1] is None else _SCRIPT_END
        linked = match[1] is not None and _LINKED_DATA.search(match[1]) is not None
        self._scan = ItemScan(self._paths, self._line, outline=self._outline) if linked else None
        self._linked = self._linked or linked
        return True

    def _read(self, body: str) -> Iterator[SourceItem]:
        if self._scan is None:
            return
        try:
            yield from map(decode_item, self._scan.feed(body))
        except UnusableFeedError as error:
            yield self._spoil(error)

    def _close(self) -> Iterator[SourceItem]:
        scan, self._end = self._scan, None
        if scan is None:
            return
        try:
            scan.finish()
        except UnusableFeedError as error:
            yield self._spoil(error)
        self._scan = None

    def _spoil(self, error: UnusableFeedError) -> SourceItem:
        self._scan = None
        self._outline.reached = True
        malformed = problem("item-malformed", actual=error.problem.actual, line=self._line)
        return SourceItem(self._line, {}, malformed)

    def _drop(self, end: int) -> str:
        """Remove and return the buffer up to ``end``."""
        dropped, self._buffer = self._buffer[:end], self._buffer[end:]
        self._line += dropped.count("\n")
        return dropped


def _not_linked() -> UnusableFeedError:
    """The error of a page without JSON-LD."""
    return UnusableFeedError(
        "items-not-found",
        pointer="/mapping/source/items",
        expected="<script type=application/ld+json>",
        actual="–",
        hint=Bilingual("The page has no such script", "La page n’a pas de tel script"),
    )
