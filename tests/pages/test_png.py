"""Pictures with a palette: the same pixels where there are few colours, the nearest ones where there are many."""

import struct
import zlib

import pytest

from tests.pages.png import with_palette


def png(rows: list[list[tuple[int, int, int]]], *, filters: list[int] | None = None, colour: int = 2) -> bytes:
    """A picture in true colour; its rows written with filter 0, or with 1 (the difference from the left pixel)."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    lines = b""
    for kind, row in zip(filters or [0] * len(rows), rows, strict=True):
        flat = [value for pixel in row for value in pixel]
        if kind == 1:
            flat = [(value - (flat[at - 3] if at >= 3 else 0)) & 255 for at, value in enumerate(flat)]
        lines += bytes([kind, *flat])
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(lines)) + part(b"IEND", b"")


def pixels(picture: bytes) -> list[list[tuple[int, ...]]]:
    at, parts = 8, {}
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        parts[picture[at + 4 : at + 8]] = picture[at + 8 : at + 8 + length]
        at += 12 + length
    width, height = struct.unpack_from(">II", parts[b"IHDR"])
    lines, palette = zlib.decompress(parts[b"IDAT"]), parts[b"PLTE"]
    rows = [lines[number * (width + 1) + 1 : (number + 1) * (width + 1)] for number in range(height)]
    return [[tuple(palette[3 * one : 3 * one + 3]) for one in row] for row in rows]


ROWS = [[(1, 2, 3), (250, 251, 252)], [(9, 9, 9), (1, 2, 3)]]


@pytest.mark.parametrize("filters", [[0, 0], [1, 0], [1, 1]])
def test_few_colours_stay_as_they_are(filters: list[int]) -> None:
    assert ROWS == pixels(with_palette(png(ROWS, filters=filters)))


def test_a_rare_colour_becomes_its_nearest() -> None:
    common = [(number, 0, 0) for number in range(256)]
    rows = [common, common, [(255, 3, 0), *common[1:]]]
    assert (255, 0, 0) == pixels(with_palette(png(rows)))[2][0]


def test_a_rare_colour_that_differs_from_all_others_stays() -> None:
    shades = [(number, number, number) for number in range(256)]
    rows = [[*shades, *((number, number, number + 1) for number in range(255))]] * 3
    assert (148, 96, 0) == pixels(with_palette(png([*rows, [(148, 96, 0), *rows[0][1:]]])))[3][0]


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="true colour"):
        with_palette(png(ROWS, colour=6))
