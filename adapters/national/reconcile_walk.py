"""A walk through all pages of the site's index or search: what it lists, and whether nothing moved meanwhile."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.national.answer import RightMissing, understand
from adapters.national.outbox_patience import Timing, backoff
from adapters.national.reading import Listed, Page, read_page
from adapters.national.site import Answer, OutcomeUnknownError, SiteUnavailableError

Ask: TypeAlias = Callable[[int], Awaitable[Answer]]
See: TypeAlias = Callable[[Listed], None]

_TRIES = 5


class RightMissingError(Exception):
    """The account may not read this; the site's operators give the right."""


@dataclass(slots=True)
class Walk:
    """What was walked. ``complete``: every offer was seen once, as many as the site says, from first page to last."""

    pages: int = 0
    total: int = 0
    numbers: set[int] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    unreadable: int = 0
    moved: bool = False

    @property
    def complete(self) -> bool:
        """Whether what was not seen is not there. What is there and cannot be read would be taken for gone."""
        return not self.moved and self.unreadable == 0 and len(self.numbers) == self.total


@dataclass(frozen=True, slots=True)
class Walker:
    """Asks for pages, again where the site fails."""

    ask: Ask
    timing: Timing

    async def page(self, number: int) -> Page:
        """One page. Raises SiteUnavailableError after five failures, RightMissingError."""
        for tries in range(_TRIES):
            try:
                answer = await self.ask(number)
            except (SiteUnavailableError, OutcomeUnknownError):
                await self.timing.sleep(backoff(tries, self.timing.chance) / 1000)
                continue
            page = read_page(answer)
            if page is not None:
                return page
            if isinstance(understand(answer), RightMissing):
                raise RightMissingError
            await self.timing.sleep(backoff(tries, self.timing.chance) / 1000)
        raise SiteUnavailableError(f"page {number} could not be read, {_TRIES} times on end")

    async def pages(self, walk: Walk) -> AsyncGenerator[Page, None]:
        """The pages from the first to the last; ``walk`` keeps count of what they list."""
        while True:
            page = await self.page(walk.pages + 1)
            walk.moved = walk.moved or (walk.pages > 0 and page.total != walk.total)
            walk.pages, walk.total = walk.pages + 1, page.total
            walk.unreadable += len(page.unreadable)
            walk.numbers.update(listed.number for listed in page.listed)
            walk.names.update(listed.remote_id for listed in page.listed if listed.remote_id is not None)
            walk.names.update(one.remote_id for one in page.unreadable if one.remote_id is not None)
            yield page
            if walk.pages >= page.pages:
                return

    async def all(
        self, see: See = lambda _: None, *, until: Callable[[], bool] = lambda: False, most: int | None = None
    ) -> Walk:
        """Walk from the first page to the last, to the page ``most``, or until what was looked for is seen."""
        walk = Walk()
        async with aclosing(self.pages(walk)) as pages:
            async for page in pages:
                for listed in page.listed:
                    see(listed)
                if walk.pages == most or until():
                    break
        return walk
