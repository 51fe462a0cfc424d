"""Pictures with a palette: the same pixels where there are few colours, the nearest ones where there are many."""

from io import BytesIO

import pytest
from PIL import Image

from tests.pages.png import with_palette

Rows = list[list[tuple[int, int, int]]]


def png(rows: Rows, mode: str = "RGB") -> bytes:
    image = Image.new("RGB", (len(rows[0]), len(rows)))
    image.putdata([pixel for row in rows for pixel in row])
    written = BytesIO()
    image.convert(mode).save(written, "PNG")
    return written.getvalue()


def pixels(picture: bytes) -> list[list[object]]:
    image = Image.open(BytesIO(picture))
    assert "P" == image.mode
    plain = image.convert("RGB")
    return [[plain.getpixel((x, y)) for x in range(plain.width)] for y in range(plain.height)]


ROWS = [[(1, 2, 3), (250, 251, 252)], [(9, 9, 9), (1, 2, 3)]]


def test_few_colours_stay_as_they_are() -> None:
    assert ROWS == pixels(with_palette(png(ROWS)))


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
        with_palette(png(ROWS, "RGBA"))
