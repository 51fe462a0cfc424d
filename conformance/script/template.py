"""Templates: JSON values with names such as ``${id.a}``, ``${week.1}`` or ``${day+400}``, and the names' values in one
case, for a day and given platforms.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Protocol
from urllib.parse import quote

from conformance.script.towns import town
from conformance.words import LocalisedError, say
from schemas.schoolyear import SchoolYear, holiday_of, monday_of, years

_NAME = re.compile(r"\$\{([^}]+)\}")
_AHEAD_DAYS = 400
_ZONES = ("A", "B", "C")
_OFFSET = re.compile(r"(?P<name>[a-z_]+(?:\.[A-Za-z0-9_]+)*)(?P<offset>[+-][0-9]+)?")
_APPLY_HOST = "offres.conformite.example"
_FROM_ANSWERS = ("kept.", "altered.", "cut.")
_CUT = 4
"""Signs that ``cut`` takes away from the end."""


class Lookup(Protocol):
    """Lookup of a name's value."""

    def __getitem__(self, expression: str, /) -> Any:
        """The value. Raises UnknownNameError."""


def fill(template: Any, names: Lookup) -> Any:
    """The value with every name filled in, also in keys. A text that is a single name becomes that name's value of any
    type; ``{"$repeat": text, "times": n}`` becomes a text. Raises UnknownNameError.
    """
    match template:
        case str():
            return _fill_text(template, names)
        case {"$repeat": str(part), "times": int(times)}:
            return part * times
        case dict():
            return {_fill_key(key, names): fill(value, names) for key, value in template.items()}
        case list():
            return [fill(item, names) for item in template]
    return template


def _fill_text(text: str, names: Lookup) -> Any:
    whole = _NAME.fullmatch(text)
    if whole is not None:
        return names[whole[1]]
    return _fill_key(text, names)


def _fill_key(text: str, names: Lookup) -> str:
    return _NAME.sub(lambda found: str(names[found[1]]), text)


def changed(base: Mapping[str, Any], *, put: Mapping[str, Any], drop: list[str]) -> dict[str, Any]:
    """A copy of a JSON object with values set at the JSON Pointers in ``put``, and those in ``drop`` removed."""
    document = deepcopy(dict(base))
    for pointer, value in put.items():
        parent, name = _parent(document, pointer)
        parent[name] = value
    for pointer in drop:
        parent, name = _parent(document, pointer)
        parent.pop(name, None)
    return document


def _parent(document: dict[str, Any], pointer: str) -> tuple[dict[str, Any], str]:
    *steps, name = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in steps:
        document = document.setdefault(step, {})
    return document, name


def value_at(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer, None where there is none; ``name=value`` is the first item with this member."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        match document:
            case dict():
                document = document.get(key)
            case list() if "=" in key:
                name, _, value = key.partition("=")
                document = next((each for each in document if isinstance(each, dict) and each.get(name) == value), None)
            case list() if key.isdigit() and int(key) < len(document):
                document = document[int(key)]
            case _:
                return None
    return document


class UnknownNameError(LocalisedError):
    """A name without a value; the case, or the set-up, does not define it."""


def school_year(day: date) -> SchoolYear:
    """The first school year whose mandatory weeks end on this day or later, at most 400 days ahead. Raises
    UnknownNameError where none is.
    """
    for year in years():
        end = _sunday(year.weeks[-1])
        if day <= end <= day + timedelta(days=_AHEAD_DAYS):
            return year
    raise UnknownNameError(say("no-school-year", day=day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Values of the names of one case. ``platforms`` and ``hosts`` are those of the accounts; ``kept`` holds values of
    earlier answers by name (``altered.x`` and ``cut.x``: with a sign changed, and without its end), ``upper.x`` is a
    name in capitals; ids depend on
    ``seed``: different in each run, equal in its repetition.
    """

    seed: str
    case: str
    day: date
    platforms: Mapping[str, str]
    hosts: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, expression: str) -> Any:
        """The value of ``name`` or ``name±number``. Raises UnknownNameError."""
        found = _OFFSET.fullmatch(expression)
        if found is None:
            raise UnknownNameError(say("no-name", expression=expression))
        offset = int(found["offset"] or 0)
        head, _, rest = found["name"].partition(".")
        match head:
            case "id":
                return self.offer_id("publisher", rest)
            case "local":
                return self._local(rest)
            case "apply":
                return f"https://{_APPLY_HOST}/{self._local(rest)}"
            case _ if f"{head}." in _FROM_ANSWERS:
                return self._of_answers(head, rest, offset)
            case "host" | "upper":
                return self._host(rest) if head == "host" else self[rest].upper()
            case "week" | "day" | "sunday" | "yearend" | "farweek" | "holiday":
                return self._date(head, rest, offset)
            case "inside" | "beside" | "outside":
                return self._town(head, rest)
        if head in self.platforms:
            return self.offer_id(head, rest) if rest else self.platforms[head]
        raise UnknownNameError(say("unknown-name", expression=expression))

    def offer_id(self, account: str, local: str) -> str:
        """The id of an offer of this case under an account's platform."""
        return f"{self.platforms[account]}:{self._local(local)}"

    def keeping(self, kept: Mapping[str, Any]) -> "Names":
        """A copy with more kept values."""
        return replace(self, kept={**self.kept, **kept})

    def _of_answers(self, head: str, rest: str, offset: int) -> Any:
        """A value of an earlier answer, whole or spoilt."""
        value = self._kept(rest, offset)
        return value if head == "kept" else _CHANGES[head](str(value))

    def _host(self, account: str) -> str:
        """The host of an account's platform; ``upper``: in upper case."""
        name, _, form = account.partition(".")
        if name not in self.hosts:
            raise UnknownNameError(say("no-host", account=name))
        return self.hosts[name].upper() if form == "upper" else self.hosts[name]

    def _town(self, where: str, rest: str) -> Mapping[str, str]:
        """Postcode and city of a town by a territory that is kept: ``inside.subscriber.1`` is in the subscriber's."""
        account, _, number = rest.partition(".")
        territory = self._kept(f"territory_of_{account}", 0)
        found = town(where, int(number), territory)
        if found is None:
            raise UnknownNameError(say("no-such-town", territory=territory))
        return found

    def _local(self, name: str) -> str:
        digest = hashlib.blake2b(f"{self.seed}\n{self.case}".encode(), digest_size=5).hexdigest()
        return f"k{digest}-{name}"

    def _date(self, head: str, rest: str, offset: int) -> str:
        """A week, or a day counted from the day of receipt or from the Sunday of the last mandatory week."""
        match head:
            case "week":
                return self._week(int(rest), offset)
            case "day":
                return (self.day + timedelta(days=offset)).isoformat()
            case "sunday":
                return (_sunday(school_year(self.day).weeks[-1]) + timedelta(days=offset)).isoformat()
        return _iso_week(self._monday(head) + timedelta(weeks=offset))

    def _week(self, number: int, offset: int) -> str:
        monday = monday_of(school_year(self.day).weeks[number - 1])
        if monday is None:
            raise UnknownNameError(say("no-such-week"))
        return _iso_week(monday + timedelta(weeks=offset))

    def _monday(self, head: str) -> date:
        """The Monday of the last week of the day's ISO year, of the last week that is near enough, or of the next week
        within the holidays of all zones.
        """
        monday = self.day - timedelta(days=self.day.weekday())
        if head == "yearend":
            return date.fromisocalendar(self.day.isocalendar().year + 1, 1, 1) - timedelta(weeks=1)
        if head == "farweek":
            return monday + timedelta(weeks=(_AHEAD_DAYS - (6 - self.day.weekday())) // 7)
        coming = (monday + timedelta(weeks=number) for number in range(1, _AHEAD_DAYS // 7))
        for each in coming:
            if all(holiday_of(_iso_week(each), zone) for zone in _ZONES):
                return each
        raise UnknownNameError(say("no-school-year", day=self.day))

    def _kept(self, name: str, offset: int) -> Any:
        if name not in self.kept:
            raise UnknownNameError(say("not-kept", name=name))
        value = self.kept[name]
        if offset and not isinstance(value, int):
            raise UnknownNameError(say("kept-no-number", name=name))
        return value + offset if offset else value


@dataclass(frozen=True, slots=True)
class InAddress:
    """Names for use in a URL: kept values may be any text and are percent-encoded."""

    names: Names

    def __getitem__(self, expression: str) -> Any:
        """The value. Raises UnknownNameError."""
        value = self.names[expression]
        return quote(str(value), safe="") if expression.startswith(_FROM_ANSWERS) else value


def _altered(value: str) -> str:
    """The text with one sign in its middle replaced by another."""
    middle = len(value) // 2
    return value[:middle] + ("B" if value[middle : middle + 1] == "A" else "A") + value[middle + 1 :]


_CHANGES: Mapping[str, Callable[[str], str]] = {"altered": _altered, "cut": lambda value: value[:-_CUT]}
"""The changes of a kept value that a case spoils."""


def _iso_week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _sunday(week: str) -> date:
    monday = monday_of(week)
    if monday is None:
        raise UnknownNameError(say("no-such-week"))
    return monday + timedelta(days=6)
