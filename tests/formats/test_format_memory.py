"""Memory: flat whatever the size of a feed."""

import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator

import orjson
import pytest

from adapters.formats.item import FeedComplete, FeedUnusable
from adapters.formats.reading import read
from tests.formats.feeds import FORMS, ON, PLATFORM, flat, load, row, written

pytestmark = pytest.mark.slow

MEGABYTE = 1024 * 1024
ITEM = row(0, description="Observer. " * 1500)


def feed(form: str, count: int) -> Iterator[bytes]:
    """A feed of items of 15 kB, generated while it is read."""
    sound = written(form, [ITEM])
    if form == "csv":
        head, _, line = sound.partition(b"\r\n")
        yield head + b"\r\n"
        for number in range(count):
            yield line.replace(b"S-0", b"S-%d" % number, 1)
        return
    head, item, closing = (b"[", sound[1:-1], b"]") if form == "json" else (b"<offers>", sound[9:-11], b"</offers>")
    yield head
    for number in range(count):
        between = b"," if form == "json" and number else b""
        yield between + item.replace(b"S-0", b"S-%d" % number, 1)
    yield closing


def peak(blocks: Iterator[bytes], form: str) -> tuple[int, object]:
    """Peak memory while the feed was read, and the result."""
    tracemalloc.start()
    try:
        [end] = deque(read(blocks, flat(form), platform=PLATFORM, on=ON), maxlen=1)
        return tracemalloc.get_traced_memory()[1], end
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_grow_with_the_feed(form: str) -> None:
    """[FMT-005]: 15 MB hold no more than 1.5 MB do."""
    peak(feed(form, 20), form)  # code lists and patterns that are kept
    small, end = peak(feed(form, 100), form)
    assert FeedComplete(100) == end
    large, end = peak(feed(form, 1000), form)
    assert FeedComplete(1000) == end
    assert 2 * MEGABYTE > large - small
    assert 8 * MEGABYTE > large


def endless(begin: bytes) -> Callable[[], Iterator[bytes]]:
    def blocks() -> Iterator[bytes]:
        yield begin
        for _ in range(600):
            yield b"x" * 65536

    return blocks


@pytest.mark.parametrize(
    ("form", "begin"),
    [
        ("xml", b"<offers><offer><id>1</id><title>"),
        ("xml", b"<offers>"),
        ("xml", b"<offers><offer><id>1 & 2</id>"),
        ("xml", b"<offers><offer "),
        ("xml", b"<!-- "),
        ("json", b'[{"id": "'),
        ("json", b'["'),
        ("json", b'{"'),
        ("json", b"[{"),
        ("csv", b'id;title\n1;"'),
        ("csv", b"id;title\n1;"),
        ("csv", b""),
        ("xml", b""),
        ("json", b""),
    ],
)
def test_memory_does_not_grow_with_endless_input(form: str, begin: bytes) -> None:
    """[FMT-005]: 39 MB of one item, text, tag or cell."""
    held, end = peak(endless(begin)(), form)
    assert isinstance(end, FeedUnusable)
    assert 12 * MEGABYTE > held


def test_the_text_of_a_page_is_not_kept() -> None:
    """[FMT-005]"""
    mapping = load("jobposting")
    tracemalloc.start()
    try:
        [end] = read(endless(b"<html><body>")(), mapping, platform=PLATFORM, on=ON)
        assert 4 * MEGABYTE > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(end, FeedUnusable)
    assert orjson.dumps([problem.to_json() for problem in end.problems])
