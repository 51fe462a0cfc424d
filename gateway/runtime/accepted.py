"""What a client accepts, by the weights of a header such as ``Accept`` (RFC 9110, 12.4.2), and what it has already."""

import re
from collections.abc import Iterable, Mapping

_MAX_CHARACTERS = 1_000
"""Clients send a tenth of this; anybody can send a hundred such headers of 8,000 bytes each."""
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def weights_of(values: Iterable[str]) -> Mapping[str, float]:
    """The weight of each name in the values of a header: 1 where none is given, 0 where it is malformed. Only their
    beginning is read.
    """
    found: dict[str, float] = {}
    for part in ",".join(values)[:_MAX_CHARACTERS].lower().split(","):
        name, *parameters = (text.strip() for text in part.split(";"))
        found[name] = min((_weight(text) for text in parameters if text.startswith("q=")), default=1.0)
    return found


def lists_tag(values: Iterable[str], tag: str) -> bool:
    """Whether the values of ``If-None-Match`` list this entity tag, strong or weak (RFC 9110, 13.1.2). A tag has no
    quotation mark within, so it is found as text.
    """
    text = ",".join(values)
    return text.strip() == "*" or tag.removeprefix("W/") in text


def _weight(parameter: str) -> float:
    found = _WEIGHT.fullmatch(parameter)
    return float(found[1]) if found else 0.0
