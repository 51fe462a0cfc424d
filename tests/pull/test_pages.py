"""Feeds of several pages: followed within bounds; nothing is withdrawn unless all were read and held still."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.formats.item import FeedComplete
from adapters.formats.reading import read_pages
from adapters.pull.pages import PagedFeed, fetch_pages
from adapters.transport.feed import FeedError, FetchLimits
from adapters.transport.https import HttpsPull
from demo.region_site.feed import write_feed
from tests.formats.feeds import ON, load
from tests.pull.pull_harness import PullHarness, offer, profile_of, pull_harness
from tests.transport.server import serving

pytestmark = pytest.mark.slow

SIZE = 4
MAPPING = load("json", {"source": {"items": "offres"}, "id": {"path": "id"}, "fields": {"seats": {"path": "seats"}}})


class Api:
    """An API with pages of four offers. ``move`` is called with the number of each page before it is answered."""

    def __init__(self) -> None:
        self.offers: list[dict[str, Any]] = [offer(number) for number in range(1, 13)]
        self.total = True
        self.named: Callable[[int], str | None] = lambda number: f"/o?page={number}"
        self.move: Callable[[int], None] = lambda _: None
        self.requested: list[tuple[int, str | None]] = []
        self.linked = False

    async def answer(self, request: web.Request) -> web.Response:
        number = int(request.query.get("page", "1"))
        self.requested.append((number, request.headers.get("Authorization")))
        self.move(number)
        rows = self.offers[SIZE * (number - 1) : SIZE * number]
        following = self.named(number + 1) if SIZE * number < len(self.offers) else None
        body: str = write_feed("json", rows).decode().rstrip().removesuffix("}")
        if self.linked:
            headers = {} if following is None else {"Link": f'</>; rel="first", <{following}>; rel="next"'}
            return web.Response(text=body + "}", headers=headers)
        link = "null" if following is None else f'"{following}"'
        total = f', "total": {len(self.offers)}' if self.total else ""
        return web.Response(text=f'{body}, "next": {link}{total}}}')

    def take(self, number: int) -> dict[str, Any]:
        """Take one offer out of its place."""
        [found] = [one for one in self.offers if one["id"] == f"bretagne:{number}"]
        self.offers.remove(found)
        return found


@asynccontextmanager
async def paged(folder: Path) -> AsyncIterator[tuple[PullHarness, Api, str]]:
    api = Api()
    async with pull_harness(folder) as here, serving(api.answer) as url:
        here.profile = profile_of(f"{url}/o")
        yield here, api, url


def codes(run: Any) -> list[str]:
    return [one["code"] for one in run.problems if str(one["code"]).startswith(("feed-is-one", "feed-pages"))]


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("total", [False, True])
async def test_every_page_is_read_and_what_is_absent_from_all_is_withdrawn(
    tmp_path: Path, *, total: bool, linked: bool
) -> None:
    """[FMT-016]"""
    async with paged(tmp_path) as (here, api, _):
        api.total, api.linked = total, linked
        run = await here.run()
        assert ("applied", 12, []) == (run.outcome, run.counts.published, codes(run))
        api.take(7)
        run = await here.run()
        assert ("applied", 11, 1) == (run.outcome, run.counts.unchanged, run.counts.withdrawn)
        assert "7" not in await here.live()
        assert "unchanged" == (await here.run()).outcome


@pytest.mark.parametrize("total", [False, True])
@pytest.mark.parametrize(("missed", "at", "onto"), [(7, 2, 0), (10, 3, 0), (10, 3, 5)])
async def test_an_offer_that_moves_to_a_page_that_was_read_is_not_withdrawn(
    tmp_path: Path, *, total: bool, missed: int, at: int, onto: int
) -> None:
    """[FMT-016]: before its page is read it moves to the first page, or to the second; another offer goes meanwhile."""
    async with paged(tmp_path) as (here, api, _):
        api.total = total
        await here.run()
        moved: list[int] = []

        def move(page: int) -> None:
            if page == at and not moved:
                moved.append(page)
                api.offers.insert(onto, api.take(missed))
                if total:
                    api.take(12)

        api.move = move
        run = await here.run()
        assert (["feed-pages-unsteady"], "partial", 0) == (codes(run), run.outcome, run.counts.withdrawn)
        assert 12 == len(await here.live())
        run = await here.run()
        assert ("applied", 1 if total else 0) == (run.outcome, run.counts.withdrawn)


@pytest.mark.parametrize(
    "named",
    [lambda _: "https://autre.example/o?page=2", lambda _: "http://127.0.0.1:9/o?page=2", lambda n: f"cursor{n}=="],
)
async def test_a_page_that_cannot_be_followed_is_reported_and_withdraws_nothing(
    tmp_path: Path, named: Callable[[int], str]
) -> None:
    """[FMT-016]: another host or port, a cursor."""
    async with paged(tmp_path) as (here, api, _):
        await here.run()
        api.named = named
        run = await here.run()
        assert (["feed-is-one-page"], "partial", 4) == (codes(run), run.outcome, run.counts.unchanged)
        assert 12 == len(await here.live())
        assert {1, 2, 3} == {page for page, _ in api.requested}


async def test_the_first_run_says_that_the_feed_is_one_page_of_several(tmp_path: Path) -> None:
    """[FMT-016]"""
    async with paged(tmp_path) as (here, api, _):
        api.named = lambda _: None
        run = await here.run()
        assert (["feed-is-one-page"], "partial", 4) == (codes(run), run.outcome, run.counts.published)
        assert "12" in next(one["message"]["fr"] for one in run.problems if one["code"] == "feed-is-one-page")


async def test_pages_of_another_origin_get_no_credentials() -> None:
    transport = HttpsPull("https://stages.example/o", authorization="Bearer x")
    own = transport.following("https://stages.example/o", "?page=2")
    moved = transport.following("https://cdn.example/o", "/o?page=2")
    behind = transport.following("https://stages.example/o", "http://stages.example/o?page=2")
    assert own is not None
    assert moved is not None
    assert behind is not None
    assert ["https://stages.example/o?page=2", "https://cdn.example/o?page=2", "https://stages.example/o?page=2"] == [
        own.url, moved.url, behind.url,
    ]  # fmt: skip
    assert [True, False, True] == [one._authorization is not None for one in (own, moved, behind)]
    for elsewhere in ("https://autre.example/o", "https://stages.example:8443/o", "ftp://stages.example/o", "http://[/",
                      "https://x:y@stages.example/o", "file:///etc/passwd", "//169.254.169.254/latest"):  # fmt: skip
        assert transport.following("https://stages.example/o", elsewhere) is None


async def walked(url: str, folder: Path, *, most: int = 1_000, **limits: Any) -> PagedFeed:
    found = await fetch_pages(
        HttpsPull(f"{url}/o", loopback=True),
        {},
        FetchLimits(folder=folder, **limits),
        MAPPING,
        most=most,
    )
    assert isinstance(found, PagedFeed)
    return found


async def test_pages_without_end_are_bounded(tmp_path: Path) -> None:
    """[FMT-016]"""
    requested: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.path_qs)
        return web.json_response({"offres": [{"id": len(requested)}], "next": f"/o?page={len(requested)}"})

    async with serving(answer) as url:
        found = await walked(url, tmp_path, most=7)
        found.feed.close()
        assert 7 == len(found.ends)
        requested.clear()
        with pytest.raises(FeedError) as large:
            await walked(url, tmp_path, most_bytes=400)
        assert ("feed-too-large", True) == (large.value.code, len(requested) < 20)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("status", "pages"), [(404, 2), (200, 5)])
async def test_a_feed_that_names_pages_beyond_its_end_is_read_to_its_end(
    tmp_path: Path, status: int, pages: int
) -> None:
    """[FMT-016]: they do not exist, or are empty; it counts as not read to its end."""

    async def answer(request: web.Request) -> web.Response:
        number = int(request.query.get("page", "1"))
        rows = [{"id": number}] if number < 3 else []
        return web.json_response(
            {"offres": rows, "next": f"/o?page={number + 1}"}, status=status if number > 2 else 200
        )

    async with serving(answer) as url:
        found = await walked(url, tmp_path)
        *_, end = read_pages(found.pages(), MAPPING, platform="bretagne", on=ON)
        found.feed.close()
    assert isinstance(end, FeedComplete)
    assert (pages, 2, False) == (len(found.ends), end.count, end.whole)


async def test_pages_in_a_circle_end(tmp_path: Path) -> None:
    """[FMT-016]"""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"offres": [{"id": request.path_qs}], "next": "/o?page=2"})

    async with serving(answer) as url:
        found = await walked(url, tmp_path)
        found.feed.close()
        assert 2 == len(found.ends)


async def test_all_pages_share_one_time_limit(tmp_path: Path) -> None:
    """[FMT-016]"""
    requested: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.path_qs)
        if len(requested) > 3:
            await asyncio.Event().wait()
        return web.json_response({"offres": [{"id": len(requested)}], "next": f"/o?page={len(requested)}"})

    async with serving(answer) as url:
        with pytest.raises(FeedError) as slow:
            await walked(url, tmp_path, seconds=1.0)
    assert "feed-too-slow" == slow.value.code
    assert [] == list(tmp_path.iterdir())


async def test_a_page_that_fails_changes_nothing(tmp_path: Path) -> None:
    """[FMT-002]"""
    async with paged(tmp_path) as (here, api, _):
        await here.run()

        def fail(page: int) -> None:
            if page == 2:
                raise web.HTTPServiceUnavailable

        api.move = fail
        run = await here.run()
        assert ("failed", "feed-status", 12) == (
            run.outcome,
            run.last_error and run.last_error.code,
            len(await here.live()),
        )
