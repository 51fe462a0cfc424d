"""Evidence for guesses, and reasons for none, as texts in French and English from ``texts.json``."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from schemas.bilingual import Bilingual
from schemas.personal import redact
from schemas.texts import fill, load_texts

Evidence: TypeAlias = Bilingual

_MAX_CHARACTERS = 60


def texts() -> Mapping[str, Any]:
    """The texts by section and name."""
    return load_texts(__package__, "texts.json")


def say(section: str, text: str, /, **values: Any) -> Bilingual:
    """A text of a section; values are redacted and cut."""
    filled = fill(texts()[section][text], {key: _short(value) for key, value in values.items()})
    return Bilingual(filled["en"], filled["fr"])


def evidence(text: str, /, **values: Any) -> Evidence:
    """A piece of evidence."""
    return say("evidence", text, **values)


def of_kind(kind: str, share: float, count: int) -> Evidence:
    """The evidence of the share of ``count`` values that are of one kind."""
    label = texts()["kinds"][kind]
    return evidence("kind", right=round(share * count), all=count, kind=Bilingual(label["en"], label["fr"]))


def _short(value: Any) -> Any:
    if isinstance(value, Bilingual) or not isinstance(value, str):
        return value
    clean = redact(value)
    return clean if len(clean) <= 4 * _MAX_CHARACTERS else f"{clean[: 4 * _MAX_CHARACTERS]}…"
