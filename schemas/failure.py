"""Translates failures of the explaining validator to problems of the catalogue, keyword by keyword."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from schemas.bilingual import Bilingual, json_type
from schemas.codelist import reference
from schemas.communes import plain_name
from schemas.decode import type_name
from schemas.personal import token
from schemas.registry import schema
from schemas.rulebook import Problem, problem

if TYPE_CHECKING:
    from jsonschema import ValidationError

MAX_CHARACTERS = 60
"""Maximum length of a key that is compared."""

NO_NEAR_VALUE = Bilingual("none", "aucune")
"""In place of the nearest allowed value, where none is close."""

_CLOSE = 0.6

ELSEWHERE: Mapping[str, str] = {
    "remote_id": "id",
    "employer_name": "employer.name",
    "employer_description": "employer.description",
    "employer_website": "employer.website",
    "is_public": "employer.public",
    "siret": "employer.siret",
    "naf": "employer.naf",
    "street": "location.street",
    "zipcode": "location.postal_code",
    "postal_code": "location.postal_code",
    "city": "location.city",
    "insee_commune": "location.insee_commune",
    "coordinates": "location.latitude, location.longitude",
    "latitude": "location.latitude",
    "longitude": "location.longitude",
    "sector_uuid": "sector",
    "grades": "levels",
    "period": "weeks, stay_weeks",
    "max_candidates": "seats",
    "permalink": "apply_url",
    "daily_hours": "schedule",
    "lunch_break": "schedule.lunch_break",
    "handicap_accessible": "accessibility",
    "rep": "restrictions.rep",
    "qpv": "restrictions.qpv",
    "schools": "restrictions.schools",
    "open_data": "redistribution.regions",
    "masked_data": "redistribution.mask_employer",
}
"""Paths of fields that are often misplaced, or named as in the national site's API."""


def field_meant(key: str, known: Sequence[str], *, at_top: bool) -> str | None:
    """The field probably meant by an unknown key: a dotted path from the top, or a sibling's name; None if unclear."""
    if len(key) > MAX_CHARACTERS:
        return None
    lower = key.lower().replace("-", "_")
    if at_top and lower in ELSEWHERE:
        return ELSEWHERE[lower]
    return _nearest(lower, tuple(known)) or ELSEWHERE.get(lower)


def value_meant(value: str, allowed: Sequence[str]) -> str | None:
    """The allowed value that is nearest to an invalid one; None if none is close."""
    lower = value[:MAX_CHARACTERS].lower()
    if SYNONYMS.get(lower) in allowed:
        return SYNONYMS[lower]
    named = _sectors_by_name().get(plain_name(lower))
    return named if named in allowed else _nearest(lower, tuple(allowed))


@cache
def _sectors_by_name() -> Mapping[str, str]:
    return {
        plain_name(item[name]): item["code"] for item in reference("sectors")["items"] for name in ("name_en", "name")
    }


@lru_cache(maxsize=1024)
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    """The word that is close enough, if any. Cached: a platform repeats the same mistake in every offer."""
    near = get_close_matches(word, words, n=1, cutoff=_CLOSE)
    return near[0] if near else None


SYNONYMS = {
    "4e": "quatrieme",
    "4eme": "quatrieme",
    "4ème": "quatrieme",
    "3e": "troisieme",
    "3eme": "troisieme",
    "3ème": "troisieme",
    "2de": "seconde",
    "2nde": "seconde",
    "2e": "seconde",
    "pourvu": "filled",
    "pourvue": "filled",
    "annulé": "cancelled",
    "annulée": "cancelled",
    "canceled": "cancelled",
}
"""Common spellings, with the value of this protocol."""

_BY_PATTERN = {
    "offer_id": "id-malformed",
    "slug": "extension-key",
    "week": "week-malformed",
    "day": "date-malformed",
    "time": "time-malformed",
    "siret": "siret-malformed",
    "naf": "naf-malformed",
    "uai": "uai-malformed",
    "rome_code": "rome-malformed",
    "rome_version": "rome-malformed",
    "postal_code": "postal-code-malformed",
    "insee_commune": "insee-malformed",
    "web_address": "url-malformed",
    "foreign_id": "foreign-id-malformed",
    "not_blank": "text-blank",
}
_BY_REFUSED = {
    "markup": "text-markup",
    "control": "text-control",
    "line_feed": "text-line-feed",
    "private_host": "url-private",
}
_NUMERIC_CODES = ("postal_code", "insee_commune", "siret")
_FORMS = frozenset({"maxLength", "pattern", "format", "not"})
_UNKNOWN_FIELDS = 101
_LISTED = 10


@dataclass(frozen=True, slots=True)
class _Failure:
    """One failure: pointer, offending value, value of the keyword, subschema, and the value as it was sent."""

    keyword: str
    pointer: str
    value: Any
    limit: Any
    part: Any
    sent: Any


def pointer_of(error: "ValidationError") -> str:
    """The JSON Pointer of the offending value."""
    return "".join(f"/{token(str(step))}" for step in error.absolute_path)


def malformed_code(error: "ValidationError") -> str | None:
    """The problem's code where a value of a fixed form is malformed; None for any other failure."""
    return _BY_PATTERN.get(_definition_of(error.schema) or "") if error.validator in _FORMS else None


def translate(error: "ValidationError", document: dict[str, Any]) -> Iterator[Problem]:
    """The problems of one failure. ``document`` is the one as sent; a trimmed copy was validated."""
    sent: Any = document
    for step in error.absolute_path:
        sent = sent[step]
    keyword = str(error.validator)
    failure = _Failure(keyword, pointer_of(error), error.instance, error.validator_value, error.schema, sent)
    if "propertyNames" in error.absolute_schema_path:
        key = str(failure.value)
        yield problem("extension-key", pointer=f"{failure.pointer}/{token(key)}", actual=key)
        return
    yield from _TRANSLATIONS.get(keyword, _translate_other)(failure)


def _translate_required(failure: _Failure) -> Iterator[Problem]:
    for name in failure.limit:
        if name not in failure.value:
            yield problem("field-missing", pointer=f"{failure.pointer}/{name}", field=name)


def _translate_unknown(failure: _Failure) -> Iterator[Problem]:
    known = list(failure.part["properties"])
    unknown = [key for key in failure.value if key not in failure.part["properties"]]
    for key in unknown[:_UNKNOWN_FIELDS]:
        meant = field_meant(key, known, at_top=not failure.pointer)
        unknown_pointer = f"{failure.pointer}/{token(key)}"
        if meant is None:
            yield problem("field-unknown", pointer=unknown_pointer, actual=key)
        else:
            yield problem("field-misnamed", pointer=unknown_pointer, expected=meant, actual=key)


def _translate_dependent(failure: _Failure) -> Iterator[Problem]:
    for present, needed in failure.limit.items():
        for name in needed:
            if present in failure.value and name not in failure.value:
                yield problem("coordinates-incomplete", pointer=f"{failure.pointer}/{name}", field=name)


def _translate_type(failure: _Failure) -> Iterator[Problem]:
    number = isinstance(failure.value, int | float) and not isinstance(failure.value, bool)
    code, actual = "wrong-type", type_name(failure.value)
    if number and _definition_of(failure.part) in _NUMERIC_CODES:
        code, actual = "code-as-number", failure.value
    elif number and failure.limit == "integer":
        code, actual = "not-whole", failure.value
    limit = failure.limit
    expected = json_type(limit) if isinstance(limit, str) else [json_type(name) for name in limit]
    yield problem(code, pointer=failure.pointer, expected=expected, actual=actual)


def _translate_length(failure: _Failure) -> Iterator[Problem]:
    owner = _definition_of(failure.part)
    if owner in _BY_PATTERN:
        # A wrong length of a code of fixed form is a malformed code.
        yield problem(_BY_PATTERN[owner], pointer=failure.pointer, actual=failure.value)
        return
    yield problem("too-long", pointer=failure.pointer, expected=failure.limit, actual=len(failure.sent))


def _translate_blank(failure: _Failure) -> Iterator[Problem]:
    yield problem("text-blank", pointer=failure.pointer)


def _translate_few(failure: _Failure) -> Iterator[Problem]:
    yield problem("too-few", pointer=failure.pointer, expected=failure.limit, actual=len(failure.sent))


def _translate_many(failure: _Failure) -> Iterator[Problem]:
    yield problem("too-many", pointer=failure.pointer, expected=failure.limit, actual=len(failure.sent))


def _translate_range(failure: _Failure) -> Iterator[Problem]:
    low, high = failure.part["minimum"], failure.part["maximum"]
    yield problem(
        "out-of-range", pointer=failure.pointer, expected=[low, high], actual=failure.value, low=low, high=high
    )


def _translate_enum(failure: _Failure) -> Iterator[Problem]:
    allowed: list[str] = failure.limit
    listed = ", ".join(allowed) if len(allowed) <= _LISTED else f"{allowed[0]} … {allowed[-1]}"
    near = value_meant(str(failure.value), allowed) or NO_NEAR_VALUE
    yield problem(
        "not-in-list", pointer=failure.pointer, expected=allowed, actual=failure.value, allowed=listed, near=near
    )


def _translate_repeated(failure: _Failure) -> Iterator[Problem]:
    seen: set[str] = set()
    for item in failure.value:
        key = repr(item)
        if key in seen:
            yield problem("repeated-item", pointer=failure.pointer, actual=item)
            return
        seen.add(key)


def _translate_form(failure: _Failure) -> Iterator[Problem]:
    """A pattern or format of a named definition does not match."""
    code = _BY_PATTERN.get(_definition_of(failure.part) or "", "invalid")
    expected = _padded(failure.value) if code == "week-malformed" else None
    yield problem(code, pointer=failure.pointer, expected=expected, actual=failure.value, keyword=failure.keyword)


def _translate_refused(failure: _Failure) -> Iterator[Problem]:
    """A forbidden pattern matches: HTML, control characters, private hosts, line feeds."""
    name = failure.limit.get("$ref", "").rpartition("/")[2]
    owner = _definition_of(failure.part) or ""
    if owner in _BY_PATTERN:
        # An id, a key or an address with a line feed is malformed.
        yield problem(_BY_PATTERN[owner], pointer=failure.pointer, actual=failure.value)
    elif name in _BY_REFUSED:
        found = _sign_found(failure.value, name)
        yield problem(_BY_REFUSED[name], pointer=failure.pointer, actual=failure.value, **found)
    else:
        yield from _translate_other(failure)


def _translate_other(failure: _Failure) -> Iterator[Problem]:
    yield problem("invalid", pointer=failure.pointer, actual=failure.value, keyword=failure.keyword)


_TRANSLATIONS: Mapping[str, Callable[[_Failure], Iterator[Problem]]] = {
    "required": _translate_required,
    "additionalProperties": _translate_unknown,
    "dependentRequired": _translate_dependent,
    "type": _translate_type,
    "maxLength": _translate_length,
    "minLength": _translate_blank,
    "minItems": _translate_few,
    "minProperties": _translate_few,
    "maxItems": _translate_many,
    "maxProperties": _translate_many,
    "minimum": _translate_range,
    "maximum": _translate_range,
    "enum": _translate_enum,
    "uniqueItems": _translate_repeated,
    "pattern": _translate_form,
    "format": _translate_form,
    "not": _translate_refused,
}


def _sign_found(text: str, name: str) -> dict[str, Any]:
    """Template values: the forbidden tag or character, and its position (from 1)."""
    match = re.search(_definitions()[name]["pattern"], text)
    if match is None:
        raise AssertionError(f"{name} was found before")
    sign = match.group()
    return {"place": match.start() + 1, "sign": f"U+{ord(sign):04X}" if name == "control" else sign}


@cache
def _definitions() -> Mapping[str, Any]:
    definitions: dict[str, Any] = schema("offer")["$defs"]
    return definitions


def _definition_of(part: Any) -> str | None:
    """The name of the offer schema's definition that equals a subschema."""
    return next((name for name, definition in _definitions().items() if definition == part), None)


def _padded(value: str) -> str | None:
    """The week meant by ``2027-W9`` or ``2027W09``; None for another form."""
    match = re.fullmatch(r"([0-9]{4})-?[Ww]([0-9]{1,2})", value)
    return f"{match[1]}-W{int(match[2]):02}" if match else None
