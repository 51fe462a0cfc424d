"""Rules and problems: code, requirement and texts of each rule as data; a problem is one violation of a rule."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from itertools import islice
from string import Formatter
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from schemas.bilingual import Bilingual
from schemas.offer_field import RETIRED, ending_fields, replacing_fields, retired_values
from schemas.packaged import names
from schemas.personal import redact
from schemas.registry import schema
from schemas.texts import LANGUAGES, Language, Texts, day_in_words, fill, load_texts

__all__ = [
    "ACTUAL_CHARACTERS",
    "LANGUAGES",
    "MAX_PROBLEMS",
    "RELEASE",
    "RULES_VERSION",
    "SCHEMA_VERSION",
    "Language",
    "Problem",
    "Rule",
    "Severity",
    "catalogue",
    "displayed",
    "find_rule",
    "first_of",
    "localized",
    "message_of",
    "preferred_language",
    "problem",
    "reading_rules",
]

Severity: TypeAlias = Literal["error", "warning"]
_TEXTS = ("message", "consequence", "fix")
ENDING = "field-deprecated"
"""Before a colon and the path of a field that ends: the code of its rule."""
_SHORTER_START, _LONGER_START = 2_000, 4_000
"""Characters. What is found in a text is at most some 500 long, and each of four passes may change what precedes it."""
ACTUAL_CHARACTERS = 80
"""Maximum length of the offending value in a problem."""
MAX_PROBLEMS = 100
"""Maximum of problems in a verdict: bounds the cost of a verdict on any document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the catalogue. ``name`` has two to five words; the other texts are templates in French and English;
    ``status`` is the HTTP status if the rule
    alone determines the response. ``error_from`` is the first day of receipt on which a warning is an error; texts name
    it as ``{error_from}``.
    """

    code: str
    name: Texts
    requirement: str
    severity: Severity
    message: Texts
    fix: Texts
    consequence: Texts | None = None
    status: int | None = None
    error_from: date | None = None

    def severity_on(self, day: date) -> Severity:
        """The severity for a document received on this day."""
        return self.severity if self.error_from is None or day < self.error_from else "error"


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule by its code, from all files of ``schemas/catalogue``, and one for each field or value that ends."""
    rules: dict[str, Rule] = {}
    for name in names("catalogue", ".json"):
        for code, entry in load_texts(__package__, "catalogue", f"{name}.json").items():
            if code in rules:
                raise ValueError(f"code {code!r} is twice in schemas/catalogue")
            rules[code] = _rule(code, entry)
    offer, endings = schema("offer"), load_texts(__package__, "ending.json")
    successors = {old: new for new, old in replacing_fields(offer).items()}
    for path, day in ending_fields(offer):
        entry = endings["field-replaced" if path in successors else ENDING]
        rules[f"{ENDING}:{path}"] = _ending(f"{ENDING}:{path}", entry, day, field=path, successor=successors.get(path))
    for one in retired_values(offer):
        values = {"field": one.path, "value": one.value, "successor": one.successor}
        rules[one.code] = _ending(one.code, endings[RETIRED], one.error_from, **values)
    return MappingProxyType(rules)


@cache
def reading_rules() -> Mapping[str, Rule]:
    """Every rule of reading a feed by its code; the catalogue addresses publishers, and lacks them."""
    return MappingProxyType(
        {code: _rule(code, entry) for code, entry in load_texts(__package__, "reading.json").items()}
    )


def find_rule(code: str) -> Rule | None:
    """The rule of a code, of the catalogue or of reading; None for that of a later version."""
    return catalogue().get(code) or reading_rules().get(code)


def _rule(code: str, entry: Mapping[str, Any]) -> Rule:
    if "error_from" not in entry:
        return Rule(code=code, **entry)
    day = date.fromisoformat(entry["error_from"])
    written = {language: day_in_words(day, language) for language in LANGUAGES}
    texts = {name: _with(entry[name], "error_from", written) for name in _TEXTS if name in entry}
    return Rule(code=code, **{**entry, **texts, "error_from": day})


def _ending(code: str, entry: Mapping[str, Any], day: str, **values: str | None) -> Rule:
    """The rule of what ends on a day; its texts name these values."""
    texts = {name: entry[name] for name in _TEXTS}
    for name, value in values.items():
        texts = {kind: _with(one, name, dict.fromkeys(LANGUAGES, value or "")) for kind, one in texts.items()}
    return _rule(code, {**entry, **texts, "error_from": day})


def _with(texts: Texts, name: str, values: Texts) -> Texts:
    """The texts with values in place of one placeholder; others stay."""
    return {language: texts[language].replace(f"{{{name}}}", values[language]) for language in LANGUAGES}


def _plain(value: Any) -> Any:
    """A value that JSON writers accept: a ``Bilingual`` one becomes its English text."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return str(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Problem:
    """One violation of a rule. ``pointer`` is an RFC 6901 JSON Pointer into the document as sent; ``actual`` is capped
    and never personal data; ``args`` fill the message templates; ``on`` is the day of receipt, where the severity
    depends on it.
    """

    code: str
    pointer: str = ""
    expected: Any = None
    actual: Any = None
    args: Mapping[str, Any] = field(default_factory=dict)
    on: date | None = None

    @property
    def rule(self) -> Rule:
        """The catalogue's entry."""
        return catalogue()[self.code]

    @property
    def severity(self) -> Severity:
        """``error`` (refused) or ``warning`` (relayed, reported to the publisher)."""
        return self.rule.severity if self.on is None else self.rule.severity_on(self.on)

    def received(self, on: date) -> "Problem":
        """The same problem of a document received on this day, unless it has a day already."""
        return self if self.on is not None or self.rule.error_from is None else replace(self, on=on)

    @property
    def requirement(self) -> str:
        """The id of the normative sentence, such as ``OFR-012``."""
        return self.rule.requirement

    def to_json(self) -> dict[str, Any]:
        """The problem as stored and sent (schema ``problem``), its texts in both languages."""
        rule = self.rule
        values = {"pointer": self.pointer, "expected": self.expected, "actual": self.actual, **self.args}

        body: dict[str, Any] = {
            "code": self.code,
            "requirement": rule.requirement,
            "severity": self.severity,
            "pointer": self.pointer,
            "message": fill(rule.message, values),
        }
        if self.expected is not None:
            body["expected"] = _plain(self.expected)
        if self.actual is not None:
            body["actual"] = _plain(self.actual)
        if rule.consequence is not None:
            body["consequence"] = fill(rule.consequence, values)
        body["fix"] = fill(rule.fix, values)
        return body


def problem(code: str, *, pointer: str = "", expected: Any = None, actual: Any = None, **args: Any) -> Problem:
    """A problem of the catalogue. Caps and redacts ``actual``. Raises KeyError for an unknown code."""
    if code not in catalogue():
        raise KeyError(code)
    return Problem(code, pointer, expected, displayed(actual), {name: displayed(value) for name, value in args.items()})


def first_of(found: Iterable[Problem]) -> list[Problem]:
    """The problems; if there are more than 100, the first 100 and one ``more-problems``."""
    problems = list(islice(found, MAX_PROBLEMS + 1))
    return problems if len(problems) <= MAX_PROBLEMS else [*problems[:MAX_PROBLEMS], problem("more-problems")]


def displayed(value: Any) -> Any:
    """A value in the form that a problem may hold: one line of at most 80 characters, without e-mail addresses, phone
    numbers, invisible characters and nested values.
    """
    if isinstance(value, Bilingual):
        return value
    if isinstance(value, str):
        clean = _start(value)
        text = clean if clean.isprintable() else "".join(map(_printable, clean[:ACTUAL_CHARACTERS]))
        return text if len(text) <= ACTUAL_CHARACTERS else text[: ACTUAL_CHARACTERS - 1] + "…"
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list | tuple):
        return "[…]"
    return value


def _start(text: str) -> str:
    """The text without personal data, at least as far as it is displayed. Of a long one two starts are searched: where
    they agree, nothing that begins behind the shorter one changes what is displayed.
    """
    if len(text) > 2 * _LONGER_START:
        shorter, longer = redact(text[:_SHORTER_START]), redact(text[:_LONGER_START])
        if len(shorter) > ACTUAL_CHARACTERS and longer.startswith(shorter[: ACTUAL_CHARACTERS + 1]):
            return longer
    return redact(text)


def _printable(sign: str) -> str:
    return sign if sign.isprintable() or sign == "\u00a0" else f"\\u{ord(sign):04x}"


_MAX_CHARACTERS = 1_000
"""Of an ``Accept-Language`` value; those of browsers have a tenth of this."""


def preferred_language(accepted: str) -> Language:
    """French, unless this ``Accept-Language`` header value prefers English (RFC 9110, 12.5.4). Only its beginning is
    read: anybody can send 8,000 bytes.
    """
    weights: dict[str, float] = {}
    for part in accepted[:_MAX_CHARACTERS].split(","):
        name, _, parameter = part.partition(";")
        try:
            weight = float(parameter.partition("=")[2]) if parameter.strip() else 1.0
        except ValueError:
            continue
        primary = name.strip().lower().partition("-")[0]
        weights[primary] = max(weight, weights.get(primary, 0.0))
    return "en" if weights.get("en", 0.0) > weights.get("fr", 0.0) else "fr"


def localized(body: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A problem's JSON with its texts in one language."""
    return {name: value[language] if name in _TEXTS else value for name, value in body.items()}


def message_of(body: Mapping[str, Any]) -> Texts:
    """The message of a localized problem in both languages: its rule's template, with the values of the text that was
    sent. That text alone where it has not the template's form.
    """
    sent, rule = str(body["message"]), catalogue().get(str(body["code"]))
    for template in () if rule is None else rule.message.values():
        parts = Formatter().parse(template)
        form = "".join(re.escape(text) + (f"(?P<{name}>.*?)" if name else "") for text, name, _, _ in parts)
        with suppress(re.error):  # a value that the template has twice
            if rule is not None and (found := re.fullmatch(form, sent, re.DOTALL)) is not None:
                return fill(rule.message, found.groupdict())
    return dict.fromkeys(LANGUAGES, sent)


SCHEMA_VERSION: str = schema("offer")["x-version"]
"""Of the JSON Schemas: the second number grows with additions, the first with breaks."""

_MAJOR, _MINOR = SCHEMA_VERSION.split(".")
SCHEMA_RELEASES = tuple(f"{_MAJOR}.{number}" for number in range(int(_MINOR) + 1))
"""The schema's releases whose fields this version knows, this one last."""

RULES_VERSION = "2026.11"
"""Of the rule set, its code lists and calendars: year and month of the last change."""

RELEASE = f"{SCHEMA_VERSION}-{RULES_VERSION}"
"""The basis of a verdict: the versions of schema and rules as one name."""
