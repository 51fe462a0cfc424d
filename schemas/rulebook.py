"""Rules and problems: each rule's code, requirement and words as data; a problem is one rule broken at one place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from schemas.packaged import names
from schemas.personal import redact
from schemas.spoken import Spoken
from schemas.texts import LANGUAGES, Language, Texts, fill, load_texts

__all__ = [
    "ACTUAL_CHARACTERS",
    "LANGUAGES",
    "MAX_PROBLEMS",
    "Language",
    "Problem",
    "Rule",
    "Severity",
    "catalogue",
    "first_of",
    "localized",
    "preferred_language",
    "problem",
    "shown",
]

Severity: TypeAlias = Literal["error", "warning"]
ACTUAL_CHARACTERS = 80
"""How much of an offending value a problem shows."""
MAX_PROBLEMS = 100
"""More than anyone reads, and few enough that no document makes its verdict expensive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the catalogue. Texts are templates in French and English; ``status`` is the HTTP status where the
    rule is a call's answer by itself.
    """

    code: str
    requirement: str
    severity: Severity
    message: Texts
    fix: Texts
    consequence: Texts | None = None
    status: int | None = None


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule by its code, from all files of ``schemas/catalogue``."""
    rules: dict[str, Rule] = {}
    for name in names("catalogue", ".json"):
        for code, entry in load_texts(__package__, "catalogue", f"{name}.json").items():
            if code in rules:
                raise ValueError(f"code {code!r} is twice in schemas/catalogue")
            rules[code] = Rule(code=code, **entry)
    return MappingProxyType(rules)


def _plain(value: Any) -> Any:
    """A value as JSON writers know it: the English text of a ``Spoken`` one."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return str(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule broken at one place. ``pointer`` is an RFC 6901 JSON Pointer into the document as sent; ``actual`` is
    capped and never personal data; ``args`` fill the message templates.
    """

    code: str
    pointer: str = ""
    expected: Any = None
    actual: Any = None
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> Rule:
        """The catalogue's entry."""
        return catalogue()[self.code]

    @property
    def severity(self) -> Severity:
        """``error`` (refused) or ``warning`` (relayed, told to the publisher)."""
        return self.rule.severity

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
            "severity": rule.severity,
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
    """A problem of the catalogue. Caps and redacts ``actual``. Raises KeyError for a code that no rule has."""
    if code not in catalogue():
        raise KeyError(code)
    return Problem(code, pointer, expected, shown(actual), {name: shown(value) for name, value in args.items()})


def first_of(found: Iterable[Problem]) -> list[Problem]:
    """The problems, or the first 100 of them and then one ``more-problems``, which says that the list is not whole."""
    problems = list(islice(found, MAX_PROBLEMS + 1))
    return problems if len(problems) <= MAX_PROBLEMS else [*problems[:MAX_PROBLEMS], problem("more-problems")]


def shown(value: Any) -> Any:
    """A value as a problem may show it: one line of at most 80 characters, no e-mail address or phone number, nothing
    invisible, no nested values.
    """
    if isinstance(value, Spoken):
        return value
    if isinstance(value, str):
        clean = redact(value)
        text = clean if clean.isprintable() else "".join(map(_printable, clean[:ACTUAL_CHARACTERS]))
        return text if len(text) <= ACTUAL_CHARACTERS else text[: ACTUAL_CHARACTERS - 1] + "…"
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list | tuple):
        return "[…]"
    return value


def _printable(sign: str) -> str:
    return sign if sign.isprintable() or sign == "\u00a0" else f"\\u{ord(sign):04x}"


_TEXTS = ("message", "consequence", "fix")


def preferred_language(accepted: str) -> Language:
    """French, unless an ``Accept-Language`` of this text prefers English (RFC 9110, 12.5.4)."""
    weights: dict[str, float] = {}
    for part in accepted.split(","):
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
