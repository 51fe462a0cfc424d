"""The reason of an operator's act, as a form sends it. Pure."""

from dataclasses import dataclass

from gateway.protocol.journal import clean_reason, plain_reason


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
    """The reason in a text area."""
    typed = plain_reason(text)
    try:
        kept = clean_reason(typed)
    except ValueError:
        return ReasonField(typed, None, wrong="unusable")
    if kept is None and required:
        return ReasonField(typed, None, wrong="missing")
    return ReasonField(typed, kept, redacted=kept is not None and kept != typed)
