"""Pages of a feed: what documents say about further pages, and when what was read is all."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from adapters.formats.inference.draft import draft, read_sample
from adapters.formats.item import FeedComplete
from adapters.formats.reading import FeedPage, look_at, read_pages
from tests.formats.feeds import ON, PLATFORM, flat, items, row

TWO = [row(1), row(2)]
NEXT: Mapping[str, tuple[str, Any, str]] = {
    "Django REST": ("results",
        {"count": 9, "next": "https://x.example/o?page=2", "results": TWO}, "https://x.example/o?page=2"),
    "API Platform 2": ("hydra:member",
        {"hydra:member": TWO, "hydra:totalItems": 9, "hydra:view": {"@id": "/o?page=1", "hydra:next": "/o?page=2"}},
        "/o?page=2"),
    "API Platform 4": ("member",
        {"member": TWO, "totalItems": 9, "view": {"next": "/o?page=2", "last": "/o?page=5"}}, "/o?page=2"),
    "JSON:API": ("data",
        {"data": TWO, "links": {"self": "/o", "next": {"href": "/o?page[offset]=50"}}}, "/o?page[offset]=50"),
    "JSON:API, short": ("data",
        {"data": TWO, "links": {"next": "https://x.example/o?page%5Bnumber%5D=2"}},
        "https://x.example/o?page%5Bnumber%5D=2"),
    "HAL": ("_embedded/jobs", {"_embedded": {"jobs": TWO}, "_links": {"next": {"href": "/o?p=2"}}}, "/o?p=2"),
    "HATEOAS": ("content",
        {"content": TWO, "links": [{"rel": "self", "href": "/o"}, {"rel": "next", "href": "/o?p=2"}]}, "/o?p=2"),
    "OData 4": ("value",
        {"value": TWO, "@odata.nextLink": "https://x.example/o?$skip=2"}, "https://x.example/o?$skip=2"),
    "OData 2": ("d/results",
        {"d": {"results": TWO, "__next": "https://x.example/o?$skip=2"}}, "https://x.example/o?$skip=2"),
    "Graph": ("data",
        {"data": TWO, "paging": {"cursors": {"after": "x"}, "next": "https://x.example/o?after=x"}},
        "https://x.example/o?after=x"),
    "Laravel": ("data",
        {"data": TWO, "current_page": 1, "last_page": 3, "next_page_url": "https://x.example/o?page=2"},
        "https://x.example/o?page=2"),
    "Fractal": ("data",
        {"data": TWO, "meta": {"pagination": {"total": 9, "links": {"next": "/o?page=2"}}}}, "/o?page=2"),
    "meta": ("data", {"data": TWO, "meta": {"next": "offres?page=2"}}, "offres?page=2"),
    "French": ("offres", {"offres": TWO, "pagination": {"suivant": "/offres?page=2"}}, "/offres?page=2"),
}  # fmt: skip

MORE: Mapping[str, tuple[str, Any, str]] = {
    "SmartRecruiters": ("content", {"offset": 0, "limit": 2, "totalFound": 250, "content": TWO}, "total: 250"),
    "Workday": ("jobPostings", {"total": 45, "jobPostings": TWO}, "total: 45"),
    "Opendatasoft": ("results", {"total_count": 123, "results": TWO}, "total: 123"),
    "Opendatasoft 1": ("records", {"nhits": 123, "parameters": {"rows": 2, "start": 0}, "records": TWO}, "total: 123"),
    "Taleez": ("list", {"list": TWO, "listSize": 2, "hasMore": True}, "hasMore: True"),
    "Spring": ("content", {"content": TWO, "last": False, "number": 0, "totalPages": 3}, "last: False"),
    "numbers of pages": ("data", {"data": TWO, "meta": {"current_page": 1, "last_page": 3}}, "pages: 3"),
    "a cursor": ("data", {"data": TWO, "nextCursor": "eyJpZCI6MTAwfQ=="}, "nextCursor: eyJpZCI6MTAwfQ=="),
    "a cursor called next": ("data", {"data": TWO, "next": "eyJpZCI6MTAwfQ=="}, "next: eyJpZCI6MTAwfQ=="),
    "a number": ("data", {"data": TWO, "next_page": 2}, "next_page: 2"),
    "Solr": ("response/docs", {"response": {"numFound": 99, "start": 0, "docs": TWO}}, "total: 99"),
    "Elasticsearch": ("hits/hits",
        {"took": 3, "hits": {"total": {"value": 99, "relation": "eq"}, "hits": TWO}}, "total: 99"),
}  # fmt: skip

ONE: Mapping[str, tuple[str, Any]] = {
    "a list": ("", TWO),
    "the last of one": ("results", {"count": 2, "next": None, "previous": None, "results": TWO}),
    "Greenhouse": ("jobs", {"jobs": TWO, "meta": {"total": 2}}),
    "Spring": ("content", {"content": TWO, "last": True, "totalPages": 1, "totalElements": 2}),
    "other numbers": ("data",
        {"data": TWO, "version": 12, "companies_count": 90, "facets": {"count": 80}, "year": 2027}),
    "another next": ("data", {"data": TWO, "next_update": "2026-12-01", "more_info": "https://x.example/aide"}),
    "empty": ("data", {"data": TWO, "links": {"next": ""}, "nextCursor": None, "hasMore": False}),
    "fewer": ("data", {"data": TWO, "count": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", NEXT)
def test_the_address_of_the_next_page_is_found(name: str) -> None:
    """[FMT-016]"""
    path, document, expected = NEXT[name]
    paging, _ = look_at(FeedPage([orjson.dumps(document)]), flat("json", source={"items": path}))
    assert (expected, 2) == (paging.next, paging.items)


@pytest.mark.parametrize("name", MORE)
def test_a_page_of_several_without_an_address_says_so(name: str) -> None:
    """[FMT-016]"""
    path, document, expected = MORE[name]
    *_, end = items(orjson.dumps(document), flat("json", source={"items": path}))
    assert isinstance(end, FeedComplete)
    assert (False, ["feed-is-one-page"]) == (end.whole, [one.code for one in end.problems])
    assert expected == end.problems[0].expected
    noted = draft(read_sample([orjson.dumps(document)]), on=ON).notes
    assert [True] == [expected in one and expected in one.fr for one in noted if "page" in one]


@pytest.mark.parametrize("name", ONE)
def test_a_feed_of_one_page_is_whole(name: str) -> None:
    """[FMT-016]"""
    path, document = ONE[name]
    *_, end = items(orjson.dumps(document), flat("json", source={"items": path} if path else {}))
    assert isinstance(end, FeedComplete)
    assert (True, ()) == (end.whole, end.problems)
    assert [] == [one for one in draft(read_sample([orjson.dumps(document)]), on=ON).notes if "page" in one]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<f><link rel="self" href="/a"/><link rel="next" href="/a?p=2"/>{}</f>', "next: /a?p=2"),
        ("<f><opensearch:totalResults>99</opensearch:totalResults>{}</f>", "total: 99"),
        ('<f total="50" page="1" pages="3">{}</f>', "pages: 3"),
        ("<f><pagination><next>https://x.example/2</next></pagination>{}</f>", "next: https://x.example/2"),
    ],
)
def test_xml_says_it_too(content: str, expected: str) -> None:
    """[FMT-016]"""
    feed = content.format("<o><id>1</id></o><o><id>2</id></o>").encode()
    paging, _ = look_at(FeedPage([feed]), flat("xml", source={"items": "f/o"}))
    assert (expected, 2) == (paging.evidence, paging.items)


@pytest.mark.parametrize(
    ("pages", "steady", "code"),
    [
        ([{"count": 4, "data": [row(1), row(2)]}, {"count": 4, "data": [row(3), row(4)]}], True, None),
        ([{"count": 2, "data": [row(1), row(2)]}, {"count": 1, "data": [row(3)]}], True, None),
        ([{"data": [row(1), row(2)]}, {"data": []}], True, None),
        ([{"data": [row(1)]}, {"data": [row(2)]}], False, "feed-pages-unsteady"),
        ([{"count": 4, "data": [row(1), row(2)]}, {"count": 4, "data": [row(3)]}], True, "feed-pages-unsteady"),
        ([{"count": 3, "data": [row(1), row(2)]}, {"count": 4, "data": [row(3)]}], True, "feed-pages-unsteady"),
        ([{"data": [row(1), row(2)]}, {"data": [row(2), row(3)]}], True, "feed-pages-unsteady"),
        ([{"data": [row(1)]}, {"data": [row(2)], "next": "/o?page=3"}], True, "feed-is-one-page"),
        ([{"data": [row(1)], "pages": 3}, {"data": [row(2)], "pages": 3}], True, "feed-is-one-page"),
    ],
)
def test_pages_are_whole_only_if_nothing_can_have_been_missed(
    pages: list[Any], *, steady: bool, code: str | None
) -> None:
    """[FMT-016]"""
    mapping = flat("json", source={"items": "data"})
    written = [FeedPage([orjson.dumps(one)]) for one in pages]
    *_, end = read_pages(written, mapping, platform=PLATFORM, on=ON, steady=steady)
    assert isinstance(end, FeedComplete)
    found = [one.code for one in end.problems if one.code.startswith(("feed-is-one", "feed-pages"))]
    assert (code is None, [code] if code else []) == (end.whole, found)
