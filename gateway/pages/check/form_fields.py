"""The form of one offer: its fields, from the schema of offers, and the document that they make. Pure.

A text that is no number stays a text in the document: the verdict says what is wrong with it.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal, TypeAlias

from gateway.pages.base.markup import coded
from gateway.pages.base.upload import Form
from gateway.pages.base.wording import label_of, meaning_of, names_of, span_of_weeks, yes_no
from schemas.closed_list import CLOSED_LISTS, words
from schemas.communes import plain_name
from schemas.offer_field import DAYS, Field, fields_of
from schemas.registry import schema
from schemas.rulebook import Language
from schemas.schoolyear import june_year, monday_of, week_of, years_ahead

Widget: TypeAlias = Literal["line", "text", "day", "select", "boxes"]

REVISION = 1
SAMPLE_ID = "plateforme:1"
"""The id of an offer that has none yet."""
_LEFT_OUT = frozenset({"revision", "source_id", "national_remote_id", "extensions", "schedule", "rome"})
"""Fields that a platform fills by itself, and those of more than one value each."""
_NUMBERS = {"integer": re.compile(r"[0-9]{1,9}"), "number": re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,12})?")}
_SEPARATORS = re.compile(r"[\s,;]+")
_MAX_LINE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field: its dotted path, its label and meaning, how it is filled in; ``choices`` by value, of which the first
    ``some`` are displayed at once.
    """

    path: str
    label: str
    meaning: str
    widget: Widget
    required: bool
    most: int
    choices: Mapping[str, str]
    some: int


def form_fields(language: Language, on: date, waiting: Container[str]) -> Sequence[FormField]:
    """The fields of the form on a day, those that every offer needs first. ``waiting``: the marks of what has not
    begun, which the form lacks.
    """
    found = [_field(one, language, on, waiting) for one in _filled() if one.path not in waiting]
    return sorted(found, key=lambda one: not one.required)


def values_in(form: Form) -> Mapping[str, Sequence[str]]:
    """The values of a form by path, as they were typed; fields without one are left out."""
    found: dict[str, list[str]] = {}
    known = {one.path for one in _filled()}
    for part in form.parts:
        text = part.content.decode(errors="replace").replace("\r\n", "\n").replace("\0", "\ufffd").strip()
        if part.name in known and text:
            found.setdefault(part.name, []).append(text)
    return found


def document_of(values: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The offer that these values make. An optional object without a value is left out."""
    whole = schema("offer")
    objects = [one.path for one in fields_of(whole) if one.part["type"] == "object" and one.path in whole["required"]]
    document: dict[str, Any] = {"revision": REVISION, **{path: {} for path in objects}}
    for one in _filled():
        if one.path in values:
            above, _, name = one.path.rpartition(".")
            home = document.setdefault(above, {}) if above else document
            home[name] = _value(one, values[one.path])
    return document


def path_of(pointer: str) -> str:
    """The path of the field that a pointer into the document is about, or of the one that it is a part of."""
    known = {one.path for one in _filled()}
    steps = pointer.strip("/").split("/")
    while steps and ".".join(steps) not in known:
        steps.pop()
    return ".".join(steps)


@cache
def _filled() -> Sequence[Field]:
    """The fields of an offer that the form has: each is one value, or a list of texts."""
    found = (one for one in fields_of(schema("offer")) if one.part["type"] != "object")
    return tuple(
        one
        for one in found
        if one.path.partition(".")[0] not in _LEFT_OUT and not any(day in one.path.split(".") for day in DAYS)
    )


def _field(one: Field, language: Language, on: date, waiting: Container[str]) -> FormField:
    known, some = _choices(one, language, on)
    choices = {value: name for value, name in known.items() if f"{one.path}:{value}" not in waiting}
    is_list = one.part["type"] == "array"
    most = one.part.get("maxLength", _MAX_LINE)
    widget: Widget = "line"
    if choices:
        widget = "boxes" if is_list else "select"
    elif one.kind == "day":
        widget = "day"
    elif most > _MAX_LINE and one.kind == "text":
        widget = "text"
    return FormField(
        path=one.path,
        label=label_of(one.path, language) or one.path,
        meaning=coded(meaning_of(one.path, language)),
        widget=widget,
        required=one.required,
        most=most,
        choices=choices,
        some=some,
    )


def _choices(one: Field, language: Language, on: date) -> tuple[Mapping[str, str], int]:
    """The values to choose from, and how many of them at once; none for a text."""
    if one.path == "weeks":
        return weeks_ahead(language, on)
    if one.path == "sector":
        return dict(sorted(names_of("sectors", language).items(), key=lambda named: plain_name(named[1]))), 0
    if one.part["type"] == "boolean":
        return yes_no(language), 0
    if one.path in CLOSED_LISTS:
        choices = {value: text[language] for value, text in words(one.path).items()}
        return choices, len(choices)
    return {}, 0


def weeks_ahead(language: Language, on: date) -> tuple[Mapping[str, str], int]:
    """The weeks ahead until the end of the school year; the mandatory ones of seconde first."""
    year = next(iter(years_ahead(june_year(on))), None)
    if year is None:
        return {}, 0
    mandatory = [week for week in year.weeks if (monday_of(week) or on) > on]
    day, ahead = on - timedelta(days=on.weekday()) + timedelta(weeks=1), []
    while day <= year.last:
        ahead.append(week_of(day))
        day += timedelta(weeks=1)
    codes = list(dict.fromkeys([*mandatory, *ahead]))
    return {code: span_of_weeks([monday_of(code) or on], language) for code in codes}, len(mandatory)


def _value(one: Field, typed: Sequence[str]) -> Any:
    kind = one.part["type"]
    if kind == "array":
        return [part for text in typed for part in _SEPARATORS.split(text) if part]
    text = typed[0]
    if kind == "boolean" and text in {"yes", "no"}:
        return text == "yes"
    if kind in _NUMBERS and _NUMBERS[kind].fullmatch(text.replace(",", ".")):
        return int(text) if kind == "integer" else float(text.replace(",", "."))
    return text
