"""Texts of the catalogue and the schemas as HTML: codes between backticks, and the values of a template by name."""

import re
from string import Formatter

from markupsafe import Markup, escape

from gateway.pages.base.wording import spaced
from schemas.bilingual import Bilingual
from schemas.rulebook import Language

_CODE = re.compile(r"`([^`]+)`")
_OPEN, _CLOSE = "\ue000", "\ue001"
"""Around the name of a value, until the text is escaped."""
_VALUE = Bilingual("the value", "la valeur")
_VALUES = {
    "allowed": Bilingual("the permitted values", "les valeurs permises"),
    "column": Bilingual("the column", "la colonne"),
    "commune": Bilingual("the commune", "la commune"),
    "department": Bilingual("the department", "le département"),
    "examples": Bilingual("examples", "des exemples"),
    "expected": Bilingual("the expected value", "la valeur attendue"),
    "field": Bilingual("the field", "le champ"),
    "high": Bilingual("the maximum", "le maximum"),
    "hint": Bilingual("a hint", "une piste"),
    "holiday": Bilingual("holidays", "vacances"),
    "index": Bilingual("the number", "le numéro"),
    "keyword": Bilingual("the keyword", "le mot-clé"),
    "line": Bilingual("the line", "la ligne"),
    "low": Bilingual("the minimum", "le minimum"),
    "near": Bilingual("the nearest values", "les valeurs proches"),
    "number": Bilingual("a number of", "un certain nombre de"),
    "offset": Bilingual("the position", "la position"),
    "other": Bilingual("another one", "un autre"),
    "pages": Bilingual("the number", "le nombre"),
    "parameter": Bilingual("the parameter", "le paramètre"),
    "place": Bilingual("the position", "la position"),
    "postal_code": Bilingual("the postcode", "le code postal"),
    "reason": Bilingual("the reason", "la raison"),
    "rule": Bilingual("the rule", "la règle"),
    "sign": Bilingual("the character", "le caractère"),
    "source": Bilingual("the place in the feed", "l’endroit du flux"),
    "withdrawn": Bilingual("the reason", "la raison"),
    "year": Bilingual("the year", "l’année"),
    "zone": Bilingual("the zone", "la zone"),
}
"""Names of the values of templates."""


def coded(text: str) -> Markup:
    """The text, escaped and with no-break spaces; a part between backticks becomes a ``code`` element."""
    pieces = _CODE.split(text)
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(spaced(piece))
        for number, piece in enumerate(pieces)
    )


def without_values(text: str, language: Language) -> Markup:
    """A template of the catalogue without the values of one problem: each is named instead, as a ``var`` element."""
    pieces = []
    for literal, name, _, _ in Formatter().parse(text):
        pieces += [literal, "" if name is None else f"{_OPEN}{_VALUES.get(name, _VALUE).texts[language]}{_CLOSE}"]
    return coded("".join(pieces)).replace(_OPEN, Markup("<var>")).replace(_CLOSE, Markup("</var>"))
