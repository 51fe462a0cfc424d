"""Parser of ``Accept`` and the headers like it: names with weights (RFC 9110, 12.4.2)."""

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


def _weight(parameter: str) -> float:
    found = _WEIGHT.fullmatch(parameter)
    return float(found[1]) if found else 0.0
