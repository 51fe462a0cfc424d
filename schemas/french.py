"""French texts: elision, and the forms in which they are compared."""

import re
import unicodedata
from collections.abc import Mapping

_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_OF = re.compile(r"\b(d|D|qu)e \{(\w+)\}")


def elided(text: str, values: Mapping[str, object]) -> str:
    """A text with placeholders, once *de {name}* and *que {name}* are elided: *d’Anne*, *d’Île-de-France*, but *de
    Bretagne*, *de 8*.
    """
    return _OF.sub(lambda of: f"{of[1]}{'’' if _is_vowel(values[of[2]]) else 'e '}{{{of[2]}}}", text)


def _is_vowel(value: object) -> bool:
    return unicodedata.normalize("NFD", str(value)[:1]).lower()[:1] in {*"aeiou"}


def unaccented(text: str) -> str:
    """A text in small letters without accents, its ligatures as two letters: ``saint-brieuc``, ``oeuvre``."""
    small = text.casefold()
    if small.isascii():
        return small
    return _MARKS.sub("", unicodedata.normalize("NFD", small.replace("œ", "oe").replace("æ", "ae")))


def plain_words(text: str) -> str:
    """The letters and digits of a text without accents, with one space between words: ``saint brieuc``."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in unaccented(text)).split())
