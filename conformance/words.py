"""The kit's own words: every text that a partner reads, in French and English, by its code (``words.json``)."""

from collections.abc import Iterable, Mapping
from functools import cache

from schemas.texts import LANGUAGES, Texts, load_texts

__all__ = ["Texts", "ToldError", "both", "joined", "plain", "say", "words"]


class ToldError(Exception):
    """An error that a partner reads. As an exception, for those who work on the kit, it says its English text."""

    def __init__(self, text: Texts) -> None:
        super().__init__(text["en"])
        self.text = text


@cache
def words() -> Mapping[str, Texts]:
    """All of them: templates, in which names in braces stand for values."""
    return load_texts(__package__, "words.json")


def say(code: str, /, **values: object) -> Texts:
    """The text of that code. A value that is itself a text in both languages is put in language by language. Raises
    KeyError for a code, or a name in its template, that is not there.
    """
    template = words()[code]
    return {
        language: template[language].format_map(
            {name: value[language] if isinstance(value, Mapping) else value for name, value in values.items()}
        )
        for language in LANGUAGES
    }


def plain(text: object) -> Texts:
    """What is the same in every language: a value, an id, an address."""
    return dict.fromkeys(LANGUAGES, str(text))


def joined(parts: Iterable[Texts], between: str = "") -> Texts:
    """Texts one after the other."""
    listed = tuple(parts)
    return {language: between.join(part[language] for part in listed) for language in LANGUAGES}


def both(text: Texts) -> str:
    """French and English in one, where nothing says which is asked for."""
    return text["fr"] if text["fr"] == text["en"] else f"{text['fr']} / {text['en']}"
