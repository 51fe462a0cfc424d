"""The one error of feeds: it did not come, or not whole, or cannot be used; with its words in French and English."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas import redact
from schemas.rulebook import shown
from schemas.texts import Language, Texts, fill_one, load_texts


class FeedError(Exception):
    """Nothing was changed; ``code`` names an entry of ``words.json``, ``values`` fill it."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def words(self, language: Language) -> str:
        """What happened and how to mend it, in one language."""
        values = {name: shown(value) for name, value in self.values.items()}
        return redact(fill_one(_words()[self.code], values, language))

    def __str__(self) -> str:
        return self.words("en")


@cache
def _words() -> Mapping[str, Texts]:
    return load_texts(__package__, "words.json")
