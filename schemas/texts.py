"""Texts in French and English as packaged data: one loader for all catalogues of them, which checks every text."""

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any, Literal, TypeAlias

from schemas.packaged import read_json
from schemas.spoken import spoken

Language: TypeAlias = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
Texts: TypeAlias = Mapping[Language, str]
"""One text in both languages; names in braces are placeholders for values."""


class TextsError(ValueError):
    """A catalogue has a text that lacks a language or a placeholder. The message names the text."""


def load_texts(package: str, *path: str) -> dict[str, Any]:
    """A packaged JSON file with texts at any depth. Raises TextsError, FileNotFoundError."""
    document: dict[str, Any] = read_json(*path, package=package)
    check_texts(document, f"{package}/{'/'.join(path)}#")
    return document


def check_texts(document: object, pointer: str = "") -> None:
    """Raises TextsError unless every text of a document is in both languages, with the same placeholders."""
    for at, texts in _texts(document, pointer):
        missing = [language for language in LANGUAGES if not isinstance(texts.get(language), str)]
        if missing:
            raise TextsError(f"{at} has no text in {', '.join(missing)}")
        french, english = (_placeholders(texts[language], at) for language in LANGUAGES)
        if french != english:
            raise TextsError(f"{at}: only one of its languages has {', '.join(sorted(french ^ english))}")


def fill(texts: Texts, values: Mapping[str, Any]) -> dict[Language, str]:
    """A text with values in place of its placeholders, each value in the text's language. Raises KeyError."""
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


def _placeholders(text: str, pointer: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise TextsError(f"{pointer}: {error}") from error
