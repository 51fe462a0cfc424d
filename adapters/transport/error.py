"""The one error of feeds: it did not come, or not whole, or cannot be used; with its words in French and English."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from schemas import redact
from schemas.rulebook import Language, shown
from schemas.spoken import spoken


class FeedError(Exception):
    """Nothing was changed; ``code`` names an entry of ``words.json``, ``values`` fill it."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def words(self, language: Language) -> str:
        """What happened and how to mend it, in one language."""
        said = {name: spoken(shown(value), language) for name, value in self.values.items()}
        return redact(_words()[self.code][language].format_map(said))

    def __str__(self) -> str:
        return self.words("en")


@cache
def _words() -> Mapping[str, Mapping[Language, str]]:
    text = files(__package__).joinpath("words.json").read_text(encoding="utf-8")
    words: Mapping[str, Mapping[Language, str]] = json.loads(text)
    return words
