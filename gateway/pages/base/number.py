"""Whole numbers that a visitor writes in an address or a form. Pure."""

_MAX_DIGITS = 20


def whole_number(text: str, *, most: int) -> int | None:
    """The number of a text of decimal digits; None if it is above ``most``, and for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        return None
    return number if (number := int(text)) <= most else None
