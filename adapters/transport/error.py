"""The error of feeds: missing, incomplete or unusable; with its texts in French and English."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas import redact
from schemas.rulebook import displayed
from schemas.texts import Language, Texts, fill_one, load_texts


class FeedError(Exception):
    """A feed failed and nothing was changed. ``code`` is an entry of ``words.json``; ``values`` fill its text."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def words(self, language: Language) -> str:
        """Return the error and its remedy in one language."""
        values = {name: displayed(value) for name, value in self.values.items()}
        return redact(fill_one(_words()[self.code], values, language))

    def __str__(self) -> str:
        return self.words("en")


@cache
def _words() -> Mapping[str, Texts]:
    return load_texts(__package__, "words.json")
