"""Walk through all pages of the site's index or search; detects changes during the walk."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.national.site.answer import RightMissing, SiteAnswer, outcome_of, unrecognized
from adapters.national.site.reading import Listed, SearchPage, Unreadable, read_page
from adapters.national.site.site import OutcomeUnknownError, SiteUnavailableError
from adapters.national.site.timing import Timing, backoff

Ask: TypeAlias = Callable[[int], Awaitable[SiteAnswer]]
See: TypeAlias = Callable[[Listed], None]

_TRIES = 5
_MAX_PAGES = 20_000
"""Maximum of pages, of 30 offers, that a walk reads."""


class RightMissingError(Exception):
    """The account has no right to read this; the site's operators grant it."""


@dataclass(slots=True)
class Walk:
    """Result of a walk, from the first page on. ``unreadable`` counts unreadable items, ``nameless`` those of unknown
    remote id. ``doubled`` holds remote ids of several offers. ``ended``: the last page held no new item.
    """

    pages: int = 0
    total: int = 0
    numbers: set[int] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    unreadable: int = 0
    nameless: int = 0
    moved: bool = False
    ended: bool = False

    def add(self, page: SearchPage) -> None:
        """Add the next page."""
        self.moved = self.moved or (self.pages > 0 and page.total != self.total)
        self.pages, self.total = self.pages + 1, page.total
        self.unreadable += len(page.unreadable)
        self.nameless += sum(not item.named for item in page.unreadable)
        items: list[Listed | Unreadable] = [*page.listed, *page.unreadable]
        fresh = [item for item in items if item.number is None or item.number not in self.numbers]
        self.moved = self.moved or len(fresh) < len(items)
        for item in fresh:
            if item.number is not None:
                self.numbers.add(item.number)
            if item.remote_id is not None:
                (self.doubled if item.remote_id in self.names else self.names).add(item.remote_id)
        self.ended = not fresh or self.pages == _MAX_PAGES

    @property
    def all_counted(self) -> bool:
        """Whether an unlisted number is absent at the site: every offer was listed once, by its number."""
        return not self.moved and len(self.numbers) == self.total

    @property
    def complete(self) -> bool:
        """Whether an unlisted remote id is absent at the site too: no remote id was unreadable."""
        return self.all_counted and self.nameless == 0


@dataclass(frozen=True, slots=True)
class Walker:
    """Reads pages, with retries."""

    ask: Ask
    timing: Timing

    async def page(self, number: int, *, tries: int = _TRIES) -> SearchPage:
        """One page. Raises SiteUnavailableError after ``tries`` failures, LoginRefusedError, RightMissingError."""
        error = SiteUnavailableError(f"page {number} could not be read")
        for failures in range(tries):
            if failures:
                await self.timing.sleep(backoff(failures - 1, self.timing.chance) / 1000)
            try:
                answer = await self.ask(number)
            except (SiteUnavailableError, OutcomeUnknownError) as failure:
                error = SiteUnavailableError(f"page {number} could not be read: {failure}", step=failure.step)
                continue
            page = read_page(answer)
            if page is not None:
                return page
            if isinstance(outcome_of(answer), RightMissing):
                raise RightMissingError
            strange = unrecognized(answer)
            error = SiteUnavailableError(f"page {number} could not be read: {strange.description}", step=strange.step)
        raise error

    async def pages(self, walk: Walk) -> AsyncGenerator[SearchPage, None]:
        """The pages from the first to the last; each is added to ``walk``."""
        while True:
            page = await self.page(walk.pages + 1)
            walk.add(page)
            yield page
            if walk.ended or walk.pages >= page.pages:
                return

    async def all(
        self, see: See = lambda _: None, *, until: Callable[[Walk], bool] = lambda _: False, most: int | None = None
    ) -> Walk:
        """Walk from the first page to the last, to the page ``most``, or until ``until`` is true."""
        walk = Walk()
        async with aclosing(self.pages(walk)) as pages:
            async for page in pages:
                for listed in page.listed:
                    see(listed)
                if walk.pages == most or until(walk):
                    break
        return walk
