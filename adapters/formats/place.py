"""Places as people write them: a postcode that lost its zero, ``83500 LA SEYNE SUR MER CEDEX``, ``Poitiers (86)``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import schemas
from adapters.formats.error import UnreadableValueError
from adapters.formats.text import one_line, plain
from schemas.communes import communes_of, department_of, known_postcodes, plain_name

_POSTCODE = re.compile(r"(?<![0-9A-Za-z])(?:F-?)?([0-9]{2}) ?([0-9]{3})(?:[.,]0+)?(?![0-9])")
_SHORT = re.compile(r"([0-9]{4})(?:[.,]0+)?")
_LABEL = re.compile(r"(?P<city>[^(),0-9]{2,60}?)\s*(?:\((?P<in>[^()]{2,40})\)|,\s*(?P<behind>[^(),]{2,40}))?")
_IN_BRACKETS = re.compile(r"\s*\([^()]{1,40}\)\s*$")
_EDGES = " ,;-–"
_CEDEX = re.compile(r"\s+cedex\b.*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """A value with something to tell about it: the code of a warning."""

    value: str
    code: str


def read_postcode(text: str) -> str | Told:
    """The postcode in a text; with a zero put before four lonely digits; or the one of the only commune of that name
    in France, or in the department that stands behind it. Raises UnreadableValueError.
    """
    text = one_line(text)
    short = _SHORT.fullmatch(text)
    if short:
        return Told(f"0{short[1]}", "leading-zero-restored")
    found = _POSTCODE.findall(text)
    if found:
        return "".join(found[-1])  # a street's number or a post box may stand before it
    postcodes = _postcodes_of(text)
    if not postcodes:
        raise UnreadableValueError("postcode-unreadable", text)
    return Told(postcodes[0], "postcode-derived")


def read_city(text: str) -> str:
    """The city's name without postcode, department or CEDEX."""
    whole = one_line(text)
    city = _IN_BRACKETS.sub("", whole)
    postcodes = list(_POSTCODE.finditer(city))
    if postcodes:
        last = postcodes[-1]
        city = city[last.end() :].strip(_EDGES) or city[: last.start()].strip(_EDGES)
    return _CEDEX.sub("", city) or whole


def read_commune(text: str) -> str | Told:
    """An INSEE code, with its zero put back."""
    text = one_line(text).upper()
    short = _SHORT.fullmatch(text)
    return Told(f"0{short[1]}", "leading-zero-restored") if short else text


def _postcodes_of(label: str) -> tuple[str, ...]:
    """The postcodes of the one commune that a label such as ``Grenoble (Isère)`` can mean; the lowest first."""
    match = _LABEL.fullmatch(label)
    if match is None:
        return ()
    communes = _communes().get(plain_name(match["city"]), {})
    within = match["in"] or match["behind"]
    if within is not None:
        department = _departments().get(plain(within))
        communes = {code: known for code, known in communes.items() if department_of(code) == department}
    return next(iter(communes.values())) if len(communes) == 1 else ()


@cache
def _departments() -> Mapping[str, str]:
    """The department's code by its plain name and by the code itself."""
    items = schemas.reference("departments")["items"]
    return {key: item["code"] for item in items for key in (plain(item["name"]), plain(item["code"]))}


@cache
def _communes() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By plain name, the communes that bear it, each with its postcodes. Built when a feed without postcodes comes."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for postcode in known_postcodes():
        for commune in communes_of(postcode):
            bearers = found.setdefault(plain_name(commune.name), {})
            bearers[commune.code] = (*bearers.get(commune.code, ()), postcode)
    return found
