"""Texts of a page's folder: ``texts.json`` holds key → {"fr": …, "en": …}; a text may have the forms one and other."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from markupsafe import Markup, escape

from gateway.pages.base.wording import number
from schemas.closed_list import for_each_value
from schemas.french import elided
from schemas.rulebook import Language

FOLDER = Path(__file__).parents[1]
Text: TypeAlias = str | Mapping[str, str]


class Texts:
    """The texts of one folder in one language: ``t.key``, or ``t("key", n=3)`` with placeholders filled.

    A whole number ``n`` selects the form ``one`` or ``other``: French has the singular for 0 and 1, English for 1.
    Numbers are formatted, strings are escaped, markup is kept. In French *de* and *que* are elided before a value.
    """

    def __init__(self, texts: Mapping[str, Text], language: Language, where: str) -> None:
        self._texts = texts
        self._language = language
        self._where = where

    def __call__(self, key: str, **values: Any) -> Markup:
        """The text, with its placeholders filled. Raises LookupError if there is none."""
        try:
            text = self._texts[key]
        except KeyError:
            raise LookupError(f"{self._where} has no text {key!r}") from None
        if not isinstance(text, str):
            count = abs(values["n"])
            text = text["one" if count == 1 or (count == 0 and self._language == "fr") else "other"]
        if self._language == "fr":
            text = elided(text, {name: _plain(value) for name, value in values.items()})
        return escape(text).format(**{name: self._written(value) for name, value in values.items()})

    def __getattr__(self, key: str) -> Markup:
        if key not in self._texts:
            raise AttributeError(f"{self._where} has no text {key!r}")
        return self(key)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def _written(self, value: Any) -> Any:
        whole = isinstance(value, int | float) and not isinstance(value, bool)
        return number(value, self._language) if whole else value


def _plain(value: object) -> object:
    return value.striptags() if isinstance(value, Markup) else value


@cache
def texts_of(folder: str, language: Language) -> Texts:
    """The texts of a folder below ``gateway/pages``. Raises FileNotFoundError."""
    path = FOLDER / folder / "texts.json"
    entries: Mapping[str, Mapping[Language, Text]] = for_each_value(orjson.loads(path.read_bytes()))
    return Texts({key: entry[language] for key, entry in entries.items()}, language, f"{folder}/texts.json")
