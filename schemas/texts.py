"""Texts in French and English from packaged data: one loader, which checks every text."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from string import Formatter
from typing import Any, Literal, TypeAlias, TypeVar

from schemas.bilingual import spoken
from schemas.closed_list import for_each_value
from schemas.packaged import read_json

Language: TypeAlias = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
Texts: TypeAlias = Mapping[Language, str]
"""One text in both languages; names in braces are placeholders for values. A list of texts counts as one."""
MONTHS: Mapping[Language, tuple[str, ...]] = {
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}

Words = TypeVar("Words")


class TextsError(ValueError):
    """A text of a catalogue misses a language or a placeholder. The message names the text."""


@cache
def load_texts(package: str, *path: str) -> Mapping[str, Any]:
    """A packaged JSON file with texts at any depth. Raises TextsError, FileNotFoundError."""
    document: Mapping[str, Any] = for_each_value(read_json(*path, package=package))
    check_texts(document, f"{package}/{'/'.join(path)}#")
    return document


def load_words(kind: Callable[..., Words], package: str, section: str) -> Mapping[Language, Words]:
    """A section of a package's ``words.json`` by language, as ``kind``, whose parameters are the section's members.
    Raises TextsError, TypeError, KeyError.
    """
    members = load_texts(package, "words.json")[section].items()
    return {language: kind(**{name: _in(value, language) for name, value in members}) for language in LANGUAGES}


def check_texts(document: object, pointer: str = "") -> None:
    """Check that every text of a document is in both languages, with the same placeholders. Raises TextsError."""
    for at, texts in _texts(document, pointer):
        missing = [language for language in LANGUAGES if not isinstance(texts.get(language), str | list)]
        if missing:
            raise TextsError(f"{at} has no text in {', '.join(missing)}")
        french, english = (_placeholders(texts[language], at) for language in LANGUAGES)
        if french != english:
            raise TextsError(f"{at}: only one of its languages has {', '.join(sorted(french ^ english))}")


def day_in_words(day: date, language: Language) -> str:
    """A day as ``1er septembre 2027`` or ``1 September 2027``."""
    first = "er" if language == "fr" and day.day == 1 else ""
    return f"{day.day}{first} {MONTHS[language][day.month - 1]} {day.year}"


def fill(texts: Texts, values: Mapping[str, Any]) -> dict[Language, str]:
    """A text with its placeholders filled, each value in the text's language. Raises KeyError."""
    return {language: fill_one(texts, values, language) for language in LANGUAGES}


def fill_one(texts: Texts, values: Mapping[str, Any], language: Language) -> str:
    """The same in one language."""
    return texts[language].format_map({name: spoken(value, language) for name, value in values.items()})


def _texts(document: object, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(document, Mapping):
        if not document.keys().isdisjoint(LANGUAGES):
            yield pointer, document
        for name, value in document.items():
            yield from _texts(value, f"{pointer}/{name}")
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _texts(value, f"{pointer}/{index}")


def _in(value: Any, language: Language) -> Any:
    if not isinstance(value, Mapping):
        return value
    if language not in value:
        return {name: _in(inner, language) for name, inner in value.items()}
    return tuple(value[language]) if isinstance(value[language], list) else value[language]


def _placeholders(text: str | list[str], pointer: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse("".join(text)) if name is not None}
    except ValueError as error:
        raise TextsError(f"{pointer}: {error}") from error
