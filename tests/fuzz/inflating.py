"""The inflater as a target: the same bytes whatever the blocks, as the standard library finds them, never a cut one."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from gateway.ingest.upload.inflating import Inflater
from tests.fuzz.pieces import Outcome, Read, Refused, cut, headed, mutate_body, read
from tests.fuzz.target import Target

RATIO = 200
_FREE = 1024 * 1024
_MEMBERS = (b"", b"{}\n", b'{"id":"bretagne:1"}\n' * 40, bytes(3_000_000), Random(1).randbytes(700))


@contextmanager
def opened() -> Iterator[Target]:
    """The target."""
    yield Target(
        run=run,
        seeds=lambda: [headed(body, b"\xff\x20\x03") for body in _bodies()],
        outcomes=frozenset({"whole", "body-malformed", "body-truncated", "inflates-too-much"}),
        words=(*map(_packed, _MEMBERS[:3]), b"\x1f\x8b\x08", b"\x00" * 8),
        mutate=mutate_body(_add_or_cut),
    )


def run(raw: bytes) -> str:
    """In pieces as in one, and as ``gzip`` of the standard library would have it."""
    blocks, body = cut(raw)
    pieces, whole = _joined(read(Inflater(ratio=RATIO), blocks)), _joined(read(Inflater(ratio=RATIO), [body]))
    if Refused("inflates-too-much") in (pieces, whole):
        # The ratio counts the bytes so far: so a bomb is stopped before it is complete.
        return "inflates-too-much"
    assert pieces == whole, "the blocks decide what comes out"
    if isinstance(whole, Refused):
        expected = _expected(body)
        assert expected is None or not body or body.endswith(b"\x00"), "a whole stream was refused"
        return whole.code
    assert whole.items == (_expected(body),), "another content than the standard library's"
    assert len(whole.items[0]) <= max(_FREE, RATIO * len(body))
    return "whole"


def _joined(outcome: Outcome) -> Outcome:
    return Read((b"".join(outcome.items),)) if isinstance(outcome, Read) else outcome


def _expected(body: bytes) -> bytes | None:
    """The standard library's result (it skips zeros at the end); None for input that it refuses."""
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return None


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _bodies() -> Iterator[bytes]:
    members = [_packed(content) for content in _MEMBERS]
    yield from (b"", *members, b"".join(members[:3]), b"".join(members), members[2][:-3], members[1] + b"\x00" * 9)
    stored = zlib.compressobj(0, wbits=31)
    yield stored.compress(_MEMBERS[2]) + stored.flush()
    named = bytearray(members[1])
    named[3] = 8  # a name follows the head
    yield bytes(named[:10]) + b"offers.ndjson\x00" + bytes(named[10:])


def _add_or_cut(body: bytes, random: Random) -> bytes:
    match random.randrange(3):
        case 0:
            return body + _packed(random.choice(_MEMBERS[:3]))
        case 1:
            return body[: random.randint(0, len(body))]
        case _:
            return _packed(body[: random.randint(0, 200)]) + body
