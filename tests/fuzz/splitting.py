"""The splitters as targets: the same items whatever the blocks, and those that a parser finds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import orjson

from demo.generator import generate
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter
from tests.fuzz.pieces import Outcome, Read, Refused, cut, headed, mutate_body, read
from tests.fuzz.target import Target
from tests.schemas.documents import ON

ITEM_BYTES = 600
ARRAY_BYTES = 4_000
_SPACE = (b" ", b"\n", b"\r\n", b"\t", b"\x0b", b"\x85", b"\x00", b" " * (ITEM_BYTES + 1), b"\n" * 9)
_VALUES = (b"1", b"null", b'""', b'"\\""', b'"[{,]}"', b'"\\\\"', b"{}", b"[]", b'{"a":"]"}', b'"' + b"x" * ITEM_BYTES)
WORDS = (*_SPACE, *_VALUES, b",", b"[", b"]", b"{", b"}", b'"', b"\\", b"\xef\xbb\xbf", b'"\\u005d"', "é€😀".encode())


@contextmanager
def lines_opened() -> Iterator[Target]:
    """The splitter of NDJSON."""
    yield Target(
        run=run_lines,
        seeds=lambda: [headed(body) for body in (b"", *_bodies(b"\n"), b"\n1\n  \n\r\n2\r\n \n", b"x" * ITEM_BYTES)],
        outcomes=frozenset({"none", "items", "line-too-long"}),
        words=WORDS,
        mutate=mutate_body(_put_in),
    )


@contextmanager
def array_opened() -> Iterator[Target]:
    """The splitter of JSON arrays."""
    yield Target(
        run=run_array,
        seeds=lambda: [headed(body) for body in _arrays()],
        outcomes=frozenset({
            "none", "items", "items that are no JSON", "line-too-long", "body-malformed", "body-truncated",
            "body-too-large",
        }),
        words=WORDS,
        mutate=mutate_body(_change_array),
    )  # fmt: skip


def run_lines(raw: bytes) -> str:
    """In pieces as in one, and as ``bytes.split`` would have it."""
    blocks, body = cut(raw)
    outcome = _same(lambda: LineSplitter(item_bytes=ITEM_BYTES), blocks, body)
    lines = body.split(b"\n")
    if any(len(line) > ITEM_BYTES for line in lines):
        assert outcome == Refused("line-too-long"), outcome
    else:
        assert outcome == Read(tuple(line for line in lines if line.strip())), outcome
    return _word(outcome)


def run_array(raw: bytes) -> str:
    """In pieces as in one, and taken if and only if a parser takes it, item by item."""
    blocks, body = cut(raw)
    outcome = _same(lambda: ArraySplitter(item_bytes=ITEM_BYTES, array_bytes=ARRAY_BYTES), blocks, body)
    whole = _parsed(body)
    if not isinstance(outcome, Read):
        too_much = len(body) > ARRAY_BYTES or outcome.code == "line-too-long"
        assert too_much or not isinstance(whole, list), f"an array was refused: {outcome.code}"
        return _word(outcome)
    items = [_parsed(item) for item in outcome.items]
    if _NO_JSON in items:
        assert whole is _NO_JSON, "an item of an array is no JSON"
        return "items that are no JSON"
    assert whole == items, "what is no array was split, or was split elsewhere"
    return _word(outcome)


_NO_JSON = object()


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _NO_JSON


def _same(splitter: Callable[[], ArraySplitter | LineSplitter], blocks: list[bytes], body: bytes) -> Outcome:
    """The outcome, which must not depend on the blocks; of several reasons to refuse, the first one found counts."""
    pieces, whole = read(splitter(), blocks, most=ITEM_BYTES), read(splitter(), [body], most=ITEM_BYTES)
    if isinstance(pieces, Refused) and isinstance(whole, Refused):
        return whole
    assert pieces == whole, f"in pieces {pieces}, in one {whole}"
    return whole


def _word(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return outcome.code
    return "items" if outcome.items else "none"


def _bodies(between: bytes) -> Iterator[bytes]:
    made = [offer.raw for offer in generate(2, "bretagne", 3, ON)]
    yield from (between.join(_VALUES[:9]), between.join(made), made[0][:ITEM_BYTES], between.join([b"1"] * 400))
    yield (between + b" ").join(_VALUES[:4]) + between + b" " * 40


def _arrays() -> Iterator[bytes]:
    yield from (b"", b" [ ] ", b"[1][2]", b"[" + b"1," * ARRAY_BYTES)
    yield from (b"[%b]" % body for body in _bodies(b","))


def _sound_array(random: Random) -> bytes:
    """Some values and blanks between them: random insertions seldom leave an array."""
    values = [random.choice(_VALUES[:9]) for _ in range(random.randint(0, 9))]
    space = random.choice((b"", b" ", b"\r\n\t", b" " * random.randint(0, 90)))
    return space + b"[" + (space + b"," + space).join(values) + space + b"]" + space


def _change_array(body: bytes, random: Random) -> bytes:
    return _sound_array(random) if random.random() < 0.5 else _put_in(body, random)


def _put_in(body: bytes, random: Random) -> bytes:
    """A word put in where structure is."""
    positions = [at for at, sign in enumerate(body) if sign in b'\n,[]{}"'] or [0]
    at = random.choice(positions) + random.randrange(2)
    return body[:at] + random.choice(WORDS) + body[at:]
