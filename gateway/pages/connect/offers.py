"""An offer of the sample as it would be published, as far as it could be read. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from gateway.pages.base.texts import Texts, texts_of
from gateway.pages.base.wording import label_of, name_of, plain_value, span_of_weeks
from gateway.pages.connect.problems import with_labels
from schemas.rulebook import Language
from schemas.schoolyear import monday_of
from schemas.territory import department_in

_EXCERPT = 220
_MAX_SPANS = 3
_WEEK = timedelta(days=7)
_STATES: Mapping[str, str] = {"published": "fine", "waiting": "none", "refused": "blocked"}


def sketch_of(one: Mapping[str, Any], labels: Mapping[str, str], language: Language) -> Mapping[str, Any]:
    """The offer of a study's document. ``pairs``: label, text and whether it still waits for a choice."""
    texts = texts_of("connect", language)
    values = {
        "levels": ", ".join(str(texts(f"level_{level}")) for level in one["levels"]),
        "weeks": write_weeks(one["weeks"], language),
        "sector": name_of("sectors", one["sector"], language),
        "apply_url": (one["apply_url"] or "").removeprefix("https://"),
    }
    return {
        "title": one["title"] or str(texts.no_title),
        "where": _where(one),
        "description": _excerpt(one["description"] or ""),
        "pairs": [
            *((str(texts(f"short_{name}")), *_value(name, text, one["waits"], texts)) for name, text in values.items()),
            *(
                (label_of(name, language) or name, text, False)
                for name, value in one["further"].items()
                if (text := plain_value(name, value, language))
            ),
        ],
        "kind": _STATES[one["state"]],
        "word": str(texts(f"offer_{one['state']}")),
        "errors": [with_labels(error["message"][language], labels, language) for error in one["errors"]],
    }


def _value(name: str, text: str, waits: Collection[str], texts: Texts) -> tuple[str, bool]:
    """A text, and whether it says that the value is missing."""
    if text:
        return text, False
    return (str(texts.to_choose), True) if name in waits else (str(texts.unread), True)


def _where(one: Mapping[str, Any]) -> str:
    """``Clinique des Halles, Vitré (35)``."""
    code = one["postal_code"] or ""
    department = department_in({"location": {"postal_code": code}})
    locality = f"{one['city']} ({department})" if one["city"] and department else one["city"] or code
    return ", ".join(part for part in (one["employer"], locality) if part)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT].rsplit(' ', 1)[0]}…"


def write_weeks(weeks: Sequence[str], language: Language) -> str:
    """``14 au 25 juin 2027 (S24–S25)``; of many periods the first ones and how many more."""
    spans = list(_spans(weeks))
    texts = texts_of("connect", language)
    written = [span_of_weeks(mondays, language) for mondays in spans[:_MAX_SPANS]]
    if len(spans) > _MAX_SPANS:
        written.append(str(texts("more_periods", n=len(spans) - _MAX_SPANS)))
    return "\u202f; ".join(written) if language == "fr" else "; ".join(written)


def _spans(weeks: Sequence[str]) -> Iterator[Sequence[date]]:
    """The Mondays of weeks that follow each other."""
    mondays: list[date] = []
    for monday in sorted(filter(None, map(monday_of, weeks))):
        if mondays and monday != mondays[-1] + _WEEK:
            yield mondays
            mondays = []
        mondays.append(monday)
    if mondays:
        yield mondays
