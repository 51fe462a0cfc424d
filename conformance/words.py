"""Texts for partners in French and English, by code (``words.json``)."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from schemas.rulebook import catalogue
from schemas.texts import LANGUAGES, Texts, load_texts

__all__ = ["LocalisedError", "Texts", "both", "code_in_words", "joined", "plain", "say", "words"]


class LocalisedError(Exception):
    """Base of the errors that partners read: ``text`` in both languages; ``str()`` gives the English one."""

    def __init__(self, text: Texts) -> None:
        super().__init__(text["en"])
        self.text = text


@cache
def words() -> Mapping[str, Texts]:
    """All texts by code: templates with values as names in braces."""
    return load_texts(__package__, "words.json")


def say(code: str, /, **values: object) -> Texts:
    """The text of a code with its values filled in. A value in both languages is filled in language by language. Raises
    KeyError for an unknown code, or a missing value.
    """
    template = words()[code]
    return {
        language: template[language].format_map(
            {name: value[language] if isinstance(value, Mapping) else value for name, value in values.items()}
        )
        for language in LANGUAGES
    }


def plain(text: object) -> Texts:
    """A text that is the same in every language: a value, an id, an address."""
    return dict.fromkeys(LANGUAGES, str(text))


def code_in_words(code: str) -> Texts:
    """A problem's code. The French text begins with the message of the catalogue, up to its first pause; the English
    text is the code, which is English itself. A code that the catalogue lacks is its own text.
    """
    rule = catalogue().get(code)
    if rule is None:
        return plain(code)
    message = _PAUSE.split(_PLACEHOLDER.sub("…", rule.message["fr"]), maxsplit=1)[0]
    return {"fr": say("coded", text=message, code=code)["fr"], "en": code}


_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_PAUSE = re.compile(r"\s[:;]\s(?![^(]*\))|\.$")


def joined(parts: Iterable[Texts], between: str = "") -> Texts:
    """Texts concatenated language by language."""
    listed = tuple(parts)
    return {language: between.join(part[language] for part in listed) for language in LANGUAGES}


def both(text: Texts) -> str:
    """French and English in one text, for output without a known language."""
    return text["fr"] if text["fr"] == text["en"] else f"{text['fr']} / {text['en']}"
