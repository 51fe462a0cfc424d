"""A screenshot as a PNG with a palette, a third as large: 256 colours, all others as the nearest of them."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256
_DEPTH = 8
_TRUE_COLOUR, _INDEXED = 2, 3
_ALIKE = 64
"""Below this squared distance two colours look the same."""


def with_palette(picture: bytes) -> bytes:
    """The same picture with at most 256 colours. Raises ValueError for anything but true colour of 8 bits, as Chromium
    writes it.
    """
    parts = list(_parts(picture))
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", parts[0][1])
    if (depth, colour) != (_DEPTH, _TRUE_COLOUR):
        raise ValueError("the picture is not in true colour of 8 bits")
    data = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    rows = [[row[i : i + 3] for i in range(0, len(row), 3)] for row in _rows(data, 3 * width, height)]
    counted = Counter(pixel for row in rows for pixel in row)
    palette = _palette([pixel for pixel, _ in counted.most_common()])
    index = {pixel: number for number, pixel in enumerate(palette)}
    for pixel in counted.keys() - index.keys():
        index[pixel] = min(range(len(palette)), key=lambda number: _distance(palette[number], pixel))
    lines = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, _DEPTH, _INDEXED, 0, 0, 0)
    return _SIGNATURE + b"".join(
        _part(name, body)
        for name, body in (
            (b"IHDR", head),
            (b"PLTE", b"".join(palette)),
            (b"IDAT", zlib.compress(lines, 9)),
            (b"IEND", b""),
        )
    )


def _palette(colours: Sequence[bytes]) -> list[bytes]:
    """At most 256 of these colours, of which the first are the most frequent: first those that look different, so that
    the shades of letters do not displace the colour of a small sign.
    """
    chosen: list[bytes] = []
    for colour in colours:
        if len(chosen) < _COLOURS and all(_distance(colour, one) >= _ALIKE for one in chosen):
            chosen.append(colour)
    others = set(colours) - set(chosen)
    return chosen + [colour for colour in colours if colour in others][: _COLOURS - len(chosen)]


def _parts(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += 12 + length


def _part(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(data: bytes, stride: int, height: int) -> Iterator[bytes]:
    """The rows without their filters (PNG specification, clause 9)."""
    above = bytes(stride)
    for number in range(height):
        kind, *row = data[number * (stride + 1) : (number + 1) * (stride + 1)]
        for at in range(stride):
            left, upper, corner = (row[at - 3], above[at], above[at - 3]) if at >= 3 else (0, above[at], 0)
            added = (0, left, upper, (left + upper) // 2, _nearest(left, upper, corner))[kind] if kind else 0
            row[at] = (row[at] + added) & 255
        above = bytes(row)
        yield above


def _nearest(left: int, upper: int, corner: int) -> int:
    guess = left + upper - corner
    return min((left, upper, corner), key=lambda one: abs(guess - one))


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
