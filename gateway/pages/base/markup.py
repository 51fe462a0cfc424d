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
_VALUE = Bilingual("value", "valeur")
_VALUES = {
    "allowed": Bilingual("permitted values", "valeurs permises"),
    "column": Bilingual("column", "colonne"),
    "commune": Bilingual("commune", "commune"),
    "department": Bilingual("department", "département"),
    "examples": Bilingual("examples", "exemples"),
    "expected": Bilingual("expected value", "valeur attendue"),
    "field": Bilingual("field", "champ"),
    "high": Bilingual("maximum", "maximum"),
    "hint": Bilingual("hint", "piste"),
    "holiday": Bilingual("holidays", "vacances"),
    "index": Bilingual("number", "numéro"),
    "keyword": Bilingual("keyword", "mot-clé"),
    "line": Bilingual("line", "ligne"),
    "low": Bilingual("minimum", "minimum"),
    "near": Bilingual("nearest values", "valeurs proches"),
    "number": Bilingual("number", "nombre"),
    "offset": Bilingual("position", "position"),
    "other": Bilingual("other field", "autre champ"),
    "pages": Bilingual("number", "nombre"),
    "parameter": Bilingual("parameter", "paramètre"),
    "place": Bilingual("position", "position"),
    "postal_code": Bilingual("postcode", "code postal"),
    "reason": Bilingual("reason", "raison"),
    "rule": Bilingual("rule", "règle"),
    "sign": Bilingual("character", "caractère"),
    "source": Bilingual("place in the feed", "endroit du flux"),
    "withdrawn": Bilingual("reason", "raison"),
    "year": Bilingual("year", "année"),
    "zone": Bilingual("zone", "zone"),
}
"""Names of the values of templates, without an article: they stand where any value does."""


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
