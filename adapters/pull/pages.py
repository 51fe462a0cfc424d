"""Pages of a feed: follow them within the limits of one fetch, and check that they did not change meanwhile.

Pages are on the origin of the page before them, at most ``MAX_PAGES``, and share the seconds and bytes of one fetch.
An offer that moves to an earlier page meanwhile is missed: the first page is therefore fetched again at the end, or all
pages if no total is stated.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from adapters.formats.mapping import FeedMapping, JsonLines, Rows
from adapters.formats.paging import Paging
from adapters.formats.problem import UnusableFeedError
from adapters.formats.reading import FeedPage, look_at
from adapters.transport.feed import Feed, FeedError, FetchLimits, Transport, Unchanged, Validators
from adapters.transport.https import HttpsPull
from adapters.transport.landing import too_large

MAX_PAGES = 1_000
_MAX_EMPTY = 3
"""Consecutive pages without items after which no further one is followed."""


@dataclass(frozen=True, slots=True)
class PagedFeed:
    """A feed of one or more pages. ``ends``: the offset after each page; ``steady``: the pages that were fetched again
    had the same items. Close ``feed`` after use.
    """

    feed: Feed
    ends: Sequence[int]
    stated: Sequence[Mapping[str, str]]
    steady: bool = True

    def pages(self) -> Iterator[FeedPage]:
        """The pages, one after the other."""
        begin = 0
        for end, stated in zip(self.ends, self.stated, strict=True):
            yield FeedPage(self.feed.part(begin, end), stated)
            begin = end


@dataclass(frozen=True, slots=True)
class _FetchedPage:
    """A fetched page: its transport, its paging, and a digest of its ids."""

    transport: HttpsPull
    paging: Paging
    ids: str


async def fetch_pages(
    transport: Transport, known: Validators, limits: FetchLimits, mapping: FeedMapping, *, most: int = MAX_PAGES
) -> PagedFeed | Unchanged:
    """The feed with its pages, at most ``most``, or ``Unchanged``. Raises FeedError and leaves no file."""
    time = asyncio.get_running_loop().time
    began = time()
    first = await transport.fetch(known, limits)
    if isinstance(first, Unchanged):
        return first
    single = PagedFeed(first, (first.size,), (first.stated,))
    try:
        seen = await _look(transport, first, mapping)
        if seen is None or not seen.paging.next or _following(seen, first) is None:
            return single
        walk = _Walk(limits, mapping, left=lambda: limits.seconds - (time() - began))
        return await walk.follow(first, seen, most)
    except BaseException:
        first.close()
        raise


def _following(seen: _FetchedPage, page: Feed) -> HttpsPull | None:
    return seen.transport.following(page.url or "", seen.paging.next)


async def _look(transport: Transport, feed: Feed, mapping: FeedMapping) -> _FetchedPage | None:
    """The paging of a fetched page; None for a feed without pages, or one that its reader will refuse."""
    if not isinstance(transport, HttpsPull) or (isinstance(mapping.source, JsonLines | Rows) and not feed.stated):
        return None
    try:
        paging, ids = await asyncio.to_thread(look_at, FeedPage(feed.blocks(), feed.stated), mapping)
    except UnusableFeedError:
        return None
    return _FetchedPage(transport, paging, ids)


class _Walk:
    """Follows the pages of one feed into one file. ``left``: the seconds that are left."""

    def __init__(self, limits: FetchLimits, mapping: FeedMapping, *, left: Callable[[], float]) -> None:
        self._limits = limits
        self._mapping = mapping
        self._left = left
        self._size = 0
        self._digest = hashlib.sha256()
        self._ends: list[int] = []
        self._stated: list[Mapping[str, str]] = []
        self._seen: list[_FetchedPage] = []

    async def follow(self, first: Feed, seen: _FetchedPage, most: int) -> PagedFeed:
        """All pages from the first on, at most ``most``; it is closed. Raises FeedError."""
        try:
            file = TemporaryFile(dir=self._limits.folder)  # noqa: SIM115  # the feed outlives this method
        except OSError:
            raise FeedError("spool-full") from None
        try:
            await self._keep(first, seen, file)
            named: str | None = first.url
            addresses = {seen.transport.url}
            while seen.paging.next and len(self._ends) < most:
                transport = seen.transport.following(named or "", seen.paging.next)
                if transport is None or transport.url in addresses:
                    break
                addresses.add(transport.url)
                try:
                    page = await self._fetch(transport, held=self._size)
                except FeedError as error:
                    if error.code == "feed-missing":  # the previous page named a wrong address
                        break
                    raise
                named = page.url
                found = await _look(transport, page, self._mapping)
                seen = found or _FetchedPage(transport, Paging(), "")
                await self._keep(page, seen, file)
                if not any(one.paging.items for one in self._seen[-_MAX_EMPTY:]):
                    break
            steady = await self._is_steady()
        except BaseException:
            file.close()
            raise
        feed = Feed(file=file, size=self._size, digest=self._digest.hexdigest(), gzipped=False, validators={})
        return PagedFeed(feed, self._ends, self._stated, steady)

    async def _fetch(self, transport: HttpsPull, *, held: int = 0) -> Feed:
        """A page, within what is left of the seconds, and of the bytes after those ``held``."""
        left = self._left()
        if left <= 0:
            raise FeedError("feed-too-slow", seconds=round(self._limits.seconds))
        rest = replace(self._limits, seconds=left, most_bytes=max(1, self._limits.most_bytes - held))
        try:
            page = await transport.fetch({}, rest)
        except FeedError as error:
            raise too_large(self._limits) if error.code == "feed-too-large" else error from None
        if isinstance(page, Unchanged):
            raise FeedError("feed-cut")
        return page

    async def _keep(self, page: Feed, seen: _FetchedPage, file: IO[bytes]) -> None:
        """Append a page to the file, and close its own."""
        try:
            await asyncio.to_thread(partial(_copy, page, file))
        except OSError:
            raise FeedError("spool-full") from None
        finally:
            page.close()
        self._size += page.size
        self._digest.update(page.digest.encode())
        self._ends.append(self._size)
        self._stated.append(page.stated)
        self._seen.append(seen)

    async def _is_steady(self) -> bool:
        """Whether pages have the same items as before: the first one, or all where no page states a total."""
        total = any(one.paging.total not in (None, one.paging.items) for one in self._seen)
        for seen in self._seen[:1] if total else self._seen:
            try:
                page = await self._fetch(seen.transport)
            except FeedError:
                return False
            try:
                again = await _look(seen.transport, page, self._mapping)
            finally:
                page.close()
            if again is None or again.ids != seen.ids:
                return False
        return True


def _copy(page: Feed, file: IO[bytes]) -> None:
    for block in page.blocks():
        file.write(block)
    file.flush()
