"""The filters of a reader as texts: the values that each of them takes. Pure."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import date
from functools import cache

import schemas
from gateway.protocol.identity import is_slug
from gateway.protocol.visibility import Filter
from schemas.bilingual import Bilingual
from schemas.closed_list import closed_list

LISTED = ("region", "department", "level", "week", "sector", "platform")
"""Filters with several values."""
FILTERS = (*LISTED, "bbox", "territory")
BOX = Bilingual("west,south,east,north (WGS 84)", "ouest,sud,est,nord (WGS 84)")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_EXAMPLES = 8


def read_criteria(texts: Mapping[str, Sequence[str]], waiting: Container[str] = ()) -> tuple[Filter, Mapping[str, str]]:
    """The filter of these texts by name, several values with commas, and what was expected where one is none. The
    territory of the one who reads is not looked at. ``waiting`` as for ``vocabulary``.
    """
    chosen = {name: frozenset(one for text in texts.get(name, ()) for one in text.split(",")) for name in LISTED}
    wrong = {}
    for name, values in chosen.items():
        is_value, expected = vocabulary(name, waiting)
        if not all(map(is_value, values)):
            wrong[name] = expected
    wrong |= {name: ", ".join(FILTERS) for name in texts if name not in FILTERS}
    wrong |= {"territory": "all"} if set(texts.get("territory", ())) - {"all"} else {}
    box = None
    try:
        for text in texts.get("bbox", ()):
            box = read_box(text)
    except ValueError:
        wrong["bbox"] = BOX
    return Filter(**{name: frozenset() if name in wrong else chosen[name] for name in LISTED}, bbox=box), wrong


def vocabulary(name: str, waiting: Container[str] = ()) -> tuple[Callable[[str], bool], str]:
    """The check of the values of a filter with several, and the text that describes the valid ones. ``waiting``: the
    marks of what has not begun.
    """
    match name:
        case "level":
            levels = [level for level in closed_list("levels") if f"levels:{level}" not in waiting]
            return levels.__contains__, ", ".join(levels)
        case "week":
            return _is_week, "2027-W24"
        case "platform":
            return is_slug, "bretagne"
        case _:
            begun = [code for code in _codes(f"{name}s") if f"{name}:{code}" not in waiting]
            return begun.__contains__, f"{', '.join(begun[:_EXAMPLES])}… (/v1/reference/{name}s)"


def read_box(text: str) -> tuple[float, float, float, float]:
    """West, south, east and north in degrees. Raises ValueError."""
    west, south, east, north = map(read_number, text.split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError(text)
    return west, south, east, north


def read_number(text: str) -> float:
    """A number in JSON syntax. Raises ValueError, also for syntax that only Python accepts (`` 5``, ``1_0``)."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return float(text)


@cache
def _codes(name: str) -> Mapping[str, None]:
    return dict.fromkeys(item["code"] for item in schemas.reference(name)["items"])


def _is_week(text: str) -> bool:
    found = _WEEK.fullmatch(text)
    if found is None:
        return False
    try:
        date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        return False
    return True
