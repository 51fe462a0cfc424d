"""The reason of an operator's act, as a form sends it. Pure."""

import unicodedata
from dataclasses import dataclass

from gateway.protocol.journal import clean_reason


@dataclass(frozen=True, slots=True)
class ReasonField:
    """A reason as typed, and as it is kept: None for none. ``wrong``: why it cannot be one (``missing``, or
    ``unusable`` for one that is too long or has control characters). ``redacted``: contact data was removed.
    """

    typed: str
    kept: str | None
    wrong: str | None = None
    redacted: bool = False


def read_reason(text: str, *, required: bool) -> ReasonField:
    """The reason of a text area, whose line breaks browsers send as CR LF (HTML, 4.10.22.4)."""
    typed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    try:
        kept = clean_reason(typed)
    except ValueError:
        return ReasonField(typed, None, wrong="unusable")
    if kept is None and required:
        return ReasonField(typed, None, wrong="missing")
    return ReasonField(typed, kept, redacted=kept is not None and kept != typed)
