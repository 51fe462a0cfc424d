"""The pages about the offer in French and English: its fields, the code lists, the problem codes.

Types, bounds and lists come from the schemas, problems from the catalogue. The meaning of each field and value, an
example and all other words come from ``reference.json``. A field or value without its text raises KeyError.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from schemas.closed_list import CLOSED_LISTS, closed_list
from schemas.codelist import reference
from schemas.offer_field import DAYS, Field, fields_of, resolved
from schemas.packaged import names, read_json
from schemas.registry import schema
from schemas.requirements import sentences
from schemas.rulebook import Rule, catalogue
from schemas.texts import Language, day_in_words, load_texts

ANY_DAY = "{day}"
"""Path of the seven days, which have the same fields, in their common row."""
_FAMILIES = ("OFR", "IDN", "NAT")
"""Requirements about an offer's content, whose sentences name its fields."""
_REQUIRED = "OFR-004"
_CATALOGUES = ("offer", "protocol", "http")
_LONG_LIST = 5
"""A longer list is on the page of codes."""
_EXACT = frozenset(
    {"siret", "naf", "postal_code", "insee_commune", "week", "day", "time", "uai", "rome_code", "sector"}
)
"""Formats that say the length themselves."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field in words: type and bounds, meaning, an example in JSON or an empty text, requirements about it."""

    path: str
    required: bool
    form: str
    text: str
    example: str
    requirements: Sequence[str]


@dataclass(frozen=True, slots=True)
class CodeList:
    """A code list in words; the first cell of a row is the code. ``used``: where the codes occur; ``source`` of a list
    that others publish. Cells are plain but for codes in backticks.
    """

    name: str
    title: str
    used: str
    source: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def offer_fields() -> Iterator[Field]:
    """Every field of the offer in the schema's order, each object before its members; the days are one row."""
    for field in fields_of(schema("offer")):
        if field.path.partition(".")[2].partition(".")[0] not in DAYS[1:]:
            yield replace(field, path=field.path.replace(f".{DAYS[0]}", f".{ANY_DAY}"))


def field_rows(language: Language) -> Iterator[FieldRow]:
    """Every field of the offer in words."""
    texts, named = load_texts(__package__, "reference.json"), _named()
    for field in offer_fields():
        entry = texts["fields"][field.path]
        known = {*named.get(field.path, ()), *entry.get("requirements", ())}
        example = _example(field.path, texts["example"])
        form = _form(field.part, language, texts)
        yield FieldRow(field.path, field.required, form, entry["text"][language], example, sorted(known))


def offer_page(language: Language) -> str:
    """The table of fields."""
    required = load_texts(__package__, "reference.json")["required"]
    rows = (
        (
            f"`{row.path}`",
            required["yes" if row.required else "no"][language],
            row.form,
            row.text,
            f"`{row.example}`" if row.example else "",
            ", ".join(row.requirements),
        )
        for row in field_rows(language)
    )
    return _words("offer", language) + "\n" + _table(_heads("offer", language), rows)


def code_lists(language: Language) -> Iterator[CodeList]:
    """All code lists but NAF, communes and calendars."""
    texts = load_texts(__package__, "reference.json")
    for name in CLOSED_LISTS:
        listed = texts["codes"][name]
        rows = [(f"`{code}`", listed["values"][code][language]) for code in closed_list(name)]
        title, used = listed["title"][language], listed["used"][language]
        yield CodeList(name, title, used, "", _heads("codes", language), rows)
    for name in ("sectors", "regions", "departments", "academies"):
        title, source = texts["lists"][name][language], _source(name, texts, language)
        yield CodeList(name, title, "", source, _heads(name, language), list(_listed(name, language)))


def _source(name: str, texts: Mapping[str, Any], language: Language) -> str:
    """The source of a list, in the reader's language; the JSON of the list has it in English."""
    known = {"source": texts["sources"][name][language], "version": reference(name)["version"]}
    return str(texts["source"][language].format_map(known))


def codes_page(language: Language) -> str:
    """All code lists but NAF and communes."""
    texts, pieces = load_texts(__package__, "reference.json"), [_words("codes", language)]
    for listed in code_lists(language):
        pieces.append(f"\n## {listed.title}\n")
        if listed.used:
            pieces.append(f"{listed.used}\n\n")
        pieces.append(_table(listed.heads, listed.rows))
        if listed.source:
            pieces.append(f"\n{listed.source}\n")
    pieces += [f"\n## {texts['lists']['weeks'][language]}\n"]
    years = (read_json("calendar", f"{name}.json") for name in names("calendar", ".json"))
    weeks = [
        (
            year["school_year"],
            ", ".join(f"`{week}`" for week in year["mandatory_weeks"]["weeks"]),
            texts["marks"][year["mandatory_weeks"]["mark"]][language],
        )
        for year in years
    ]
    pieces.append(_table(_heads("weeks", language), weeks))
    return "".join(pieces)


def problems_page(language: Language) -> str:
    """All problem codes with their requirement, severity, HTTP status, message and remedy."""
    texts, pieces = load_texts(__package__, "reference.json"), [_words("problems", language)]
    for name in _CATALOGUES:
        pieces.append(f"\n## {texts['catalogues'][name][language]}\n")
        rows = [
            (
                f"`{code}`",
                _severity(rule, texts, language),
                str(rule.status or ""),
                rule.message[language],
                rule.fix[language],
                rule.requirement,
            )
            for code in load_texts(__package__, "catalogue", f"{name}.json")
            for rule in (catalogue()[code],)
        ]
        pieces.append(_table(_heads("problems", language), rows))
    return "".join(pieces)


def _severity(rule: Rule, texts: Mapping[str, Any], language: Language) -> str:
    severity: str = texts["severities"][rule.severity][language]
    if rule.error_from is not None:
        severity += texts["error_from"][language].format(day=day_in_words(rule.error_from, language))
    return severity


def _form(part: Mapping[str, Any], language: Language, texts: Mapping[str, Any]) -> str:
    """Type and bounds in words."""
    if len(part.get("enum", ())) in range(1, _LONG_LIST):
        return ", ".join(f"`{value}`" for value in part["enum"])
    name, bounds = part.get("$def"), texts["bounds"]
    words = [texts["formats"][name][language] if name in texts["formats"] else texts["types"][part["type"]][language]]
    if part["type"] == "array":
        words[0] += f" ({_form(resolved(part['items'], schema('offer')), language, texts)})"
        words.append(bounds["items"][language].format(part["minItems"], part["maxItems"]))
    if "minimum" in part:
        ends = (_number(part[key], language) for key in ("minimum", "maximum"))
        words.append(bounds["range"][language].format(*ends))
    words += [
        bounds[key][language].format(_number(part[key], language))
        for key in ("maxLength", "maxProperties")
        if key in part and name not in _EXACT
    ]
    return ", ".join(words)


def _number(value: float, language: Language) -> str:
    if value == (1 << 53) - 1:
        return "2^53 − 1"
    return f"{value:,}".replace(",", "\u202f" if language == "fr" else ",").replace("-", "−")


def _example(path: str, whole: Any) -> str:
    value = whole
    for step in path.split("."):
        value = value[DAYS[0] if step == ANY_DAY else step]
    return "" if isinstance(value, dict) and path != "extensions" else orjson.dumps(value).decode()


def _named() -> Mapping[str, set[str]]:
    """The requirements whose sentence names a field in backticks."""
    found: dict[str, set[str]] = {}
    for requirement, sentence in sentences().items():
        if requirement.startswith(_FAMILIES) and requirement != _REQUIRED:
            for name in re.findall(r"`([a-z_.]+)`", sentence["en"]):
                found.setdefault(name, set()).add(requirement)
    return found


def _listed(name: str, language: Language) -> Iterator[tuple[str, ...]]:
    for item in reference(name)["items"]:
        named = item["name_en"] if name == "sectors" and language == "en" else item["name"]
        more = {"departments": ("region", "academie"), "academies": ("zone",)}.get(name, ())
        yield (f"`{item['code']}`", named, *(f"`{item[key]}`" if item[key] else "" for key in more))


def _words(page: str, language: Language) -> str:
    head: str = load_texts(__package__, "reference.json")["pages"][page][language]
    return head.format()


def _heads(page: str, language: Language) -> Sequence[str]:
    heads: Sequence[str] = load_texts(__package__, "reference.json")["heads"][page][language]
    return heads


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head, *body = (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in (heads, *rows))
    return "".join((head, f"|{'---|' * len(heads)}\n", *body))
