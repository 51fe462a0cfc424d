"""The condition ``If-None-Match`` of a request (RFC 9110, 13.1.2)."""

from collections.abc import Iterable


def lists_tag(values: Iterable[str], tag: str) -> bool:
    """Whether the values of ``If-None-Match`` list this entity tag, strong or weak. A tag has no quotation mark within:
    it is found as text.
    """
    text = ",".join(values)
    return text.strip() == "*" or tag.removeprefix("W/") in text
