"""Texts of the catalogue and the schemas as HTML: codes between backticks, an ellipsis for each value of a template."""

import re
from string import Formatter

from markupsafe import Markup, escape

from gateway.pages.base.wording import spaced

_CODE = re.compile(r"`([^`]+)`")
_ANY = "…"


def coded(text: str) -> Markup:
    """The text, escaped and with no-break spaces; a part between backticks becomes a ``code`` element."""
    pieces = _CODE.split(text)
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(spaced(piece))
        for number, piece in enumerate(pieces)
    )


def without_values(text: str) -> Markup:
    """A template of the catalogue without the values of one problem: each is an ellipsis, also at a sentence's end."""
    pieces = (literal + ("" if name is None else _ANY) for literal, name, _, _ in Formatter().parse(text))
    return coded("".join(pieces).replace(f"{_ANY}.", _ANY))
