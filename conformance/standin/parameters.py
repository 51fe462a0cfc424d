"""Query parameters, read by their schemas in the contract: unknown, missing and wrong ones are refused together."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeAlias

import schemas
from conformance.standin.contract import operations
from conformance.standin.exchange import PartnerRequest, RefusedError, Stored, refused
from schemas.registry import definition_validator

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INSTANT = re.compile(
    r"20[0-9]{2}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile("20[0-9]{2}(?:-[0-9]{2}){2}")
TRUE = frozenset({"true", "1"})
"""The texts of a parameter that is true."""
_DIGITS = 16
_CLOSE = 0.5

Read: TypeAlias = Callable[[str], Any]
"""Reads one text. Raises ValueError."""
Values: TypeAlias = Mapping[str, Any]
"""The values by name: None, or an empty set for a list, where a parameter is not given."""


def read_parameters(ask: PartnerRequest, *, today: date | None = None) -> Values:
    """The values of the operation's parameters; ``today`` is the last day where ``to`` is not given. Raises
    RefusedError.
    """
    known = operations()[ask.operation].query
    given = ask.parameters
    wrong = [_unknown(name, known) for name in dict.fromkeys(given) if name not in known]
    values: dict[str, Any] = {}
    for name, schema in known.items():
        texts = given.getall(name, [])
        if schema.get("type") == "array" and name != "bbox":
            read, values[name] = _item(name, schema["items"]), frozenset(_split(texts))
            wrong += [_invalid(name, schema, text) for text in _split(texts) if not _is_readable(read, text)]
            continue
        try:
            values[name] = _one(name, schema, texts)
        except ValueError:
            wrong.append(_invalid(name, schema, ",".join(texts)))
    last = values.get("to") or today
    if values.get("from") and last and values["from"] > last:
        wrong.append(_invalid("from", {}, given.getall("from")[0]))
    if values.get("batch") and given.getall("snapshot", []):
        # A receipt belongs to at most one upload: both filters together can match nothing.
        wrong.append(_invalid("snapshot", {}, given.getall("snapshot")[0]))
    if wrong:
        raise _together(wrong)
    return values


def missing(name: str, expected: str) -> RefusedError:
    """The refusal of a request without a mandatory parameter."""
    return refused("parameter-missing", parameter=name, expected=expected)


_Wrong: TypeAlias = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""Code, values of its texts, members of the document."""


def _together(wrong: list[_Wrong]) -> RefusedError:
    code, args, members = wrong[0]
    problems: list[Stored] = [schemas.problem(each, **more).to_json() for each, more, _ in wrong] if wrong[1:] else []
    return refused(code, problems=problems, members=members, **args)


def _unknown(name: str, known: Mapping[str, Any]) -> _Wrong:
    near = get_close_matches(name, sorted(known), n=1, cutoff=_CLOSE)
    expected = ", ".join(dict.fromkeys([*near, *sorted(known)])) or "–"
    return "parameter-unknown", {"actual": name, "expected": expected}, {"nearest": near[0]} if near else {}


def _invalid(name: str, schema: Mapping[str, Any], actual: str) -> _Wrong:
    items = schema.get("items", schema)
    allowed = items.get("enum") or ([items["const"]] if "const" in items else None)
    bounds = f"{schema.get('minimum', '')}..{schema.get('maximum', '')}"
    expected = ", ".join(allowed) if allowed else bounds if "minimum" in schema else schema.get("type", "…")
    return "parameter-invalid", {"parameter": name, "actual": actual, "expected": expected}, {}


def _split(texts: list[str]) -> list[str]:
    """The values of a parameter that may be repeated, its values also separated by commas."""
    return [value for text in texts for value in text.split(",")]


def _is_readable(read: Read, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _one(name: str, schema: Mapping[str, Any], texts: list[str]) -> Any:
    """A parameter that is given at most once. Raises ValueError."""
    if not texts:
        return None
    (text,) = texts
    return _item(name, schema)(text)


def _item(name: str, schema: Mapping[str, Any]) -> Read:
    """How a value is read: by its closed list, by its name where the contract says less, by its type."""
    allowed = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if allowed:
        return _matching(allowed.__contains__)
    if name in _BY_NAME:
        return _BY_NAME[name]
    match schema.get("type"):
        case "boolean":
            return lambda text: _matching((*TRUE, "false", "0").__contains__)(text) in TRUE
        case "integer":
            return lambda text: _integer(text, schema["minimum"], schema["maximum"])
        case "number":
            return lambda text: _number(text, schema["minimum"], schema["maximum"])
    form, least = re.compile(schema.get("pattern", "").replace("$", r"\Z")), schema.get("minLength", 1)
    most = schema.get("maxLength")
    return _matching(
        lambda text: len(text) >= least and (most is None or len(text) <= most) and form.search(text) is not None
    )


def _matching(holds: Callable[[str], bool]) -> Read:
    def read(text: str) -> str:
        if not holds(text):
            raise ValueError(text)
        return text

    return read


@cache
def _codes(name: str) -> frozenset[str]:
    return frozenset(item["code"] for item in schemas.reference(name)["items"])


def _integer(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and least <= int(text) <= most):
        raise ValueError(text)
    return int(text)


def _number(text: str, least: float = float("-inf"), most: float = float("inf")) -> float:
    if _NUMBER.fullmatch(text) is None or not least <= float(text) <= most:
        raise ValueError(text)
    return float(text)


def _week(text: str) -> str:
    year, _, week = text.partition("-W")
    if not (len(year) == 4 and len(week) == 2 and year.isascii() and week.isascii() and (year + week).isdigit()):
        raise ValueError(text)
    date.fromisocalendar(int(year), int(week), 1)
    return text


def _day(text: str) -> date:
    if _DAY.fullmatch(text) is None:
        raise ValueError(text)
    return date.fromisoformat(text)


def _box(text: str) -> tuple[float, float, float, float]:
    west, south, east, north = map(_number, text.split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError(text)
    return west, south, east, north


def _instant(text: str) -> int:
    """Milliseconds since 1970."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(text)
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


_BY_NAME: Mapping[str, Read] = {
    "region": _matching(lambda text: text in _codes("regions")),
    "department": _matching(lambda text: text in _codes("departments")),
    "sector": _matching(lambda text: text in _codes("sectors")),
    "platform": _matching(lambda text: definition_validator("slug").is_valid(text)),
    "id": _matching(lambda text: definition_validator("offer_id").is_valid(text)),
    "week": _week,
    "bbox": _box,
    "since": _instant,
    "from": _day,
    "to": _day,
    "mark": _matching(bool),
}
"""Parameters of which the contract says less than a gateway asks. The form of a mark is judged with its meaning."""
