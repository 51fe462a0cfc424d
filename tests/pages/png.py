"""A screenshot as a PNG with a palette, a third as large: 256 colours, all others as the nearest of them."""

from collections import Counter
from collections.abc import Sequence
from io import BytesIO

from PIL import Image

_COLOURS = 256
_ALIKE = 64
"""Below this squared distance two colours look the same."""


def with_palette(picture: bytes) -> bytes:
    """The same picture with at most 256 colours. Raises ValueError for anything but true colour of 8 bits, as Chromium
    writes it.
    """
    image = Image.open(BytesIO(picture))
    if image.mode != "RGB":
        raise ValueError("the picture is not in true colour of 8 bits")
    data = image.tobytes()
    pixels = list(zip(data[0::3], data[1::3], data[2::3], strict=True))
    colours = [colour for colour, _ in Counter(pixels).most_common()]
    palette = _palette(colours)
    index = {colour: min(range(len(palette)), key=lambda n: _distance(palette[n], colour)) for colour in colours}
    indexed = Image.frombytes("P", image.size, bytes(index[pixel] for pixel in pixels))
    indexed.putpalette([value for colour in palette for value in colour])
    written = BytesIO()
    indexed.save(written, "PNG", optimize=True)
    return written.getvalue()


def _palette(colours: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """At most 256 of these colours, of which the first are the most frequent: first those that look different, so that
    the shades of letters do not displace the colour of a small sign.
    """
    chosen: list[tuple[int, ...]] = []
    for colour in colours:
        if len(chosen) < _COLOURS and all(_distance(colour, one) >= _ALIKE for one in chosen):
            chosen.append(colour)
    others = set(colours) - set(chosen)
    return chosen + [colour for colour in colours if colour in others][: _COLOURS - len(chosen)]


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
