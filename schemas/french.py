"""French elision: *de* and *que* lose their vowel before a value that begins with one."""

import re
import unicodedata
from collections.abc import Mapping

_OF = re.compile(r"\b(d|D|qu)e \{(\w+)\}")


def elided(text: str, values: Mapping[str, object]) -> str:
    """A text with placeholders, once *de {name}* and *que {name}* are elided: *d’Anne*, *d’Île-de-France*, but *de
    Bretagne*, *de 8*.
    """
    return _OF.sub(lambda of: f"{of[1]}{'’' if _is_vowel(values[of[2]]) else 'e '}{{{of[2]}}}", text)


def _is_vowel(value: object) -> bool:
    return unicodedata.normalize("NFD", str(value)[:1]).lower()[:1] in {*"aeiou"}
