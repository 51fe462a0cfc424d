"""The requirements of the protocol page, in the page's order: the sentence of each in French and English.

``python -m conformance.build_requirements docs/protocol.md`` writes ``requirements.json``; a test compares both.
"""

from collections.abc import Mapping
from functools import cache

from schemas.texts import Texts, load_texts


@cache
def sentences() -> Mapping[str, Texts]:
    """The protocol's sentences by id; the English ones are normative. Cached: do not modify."""
    return load_texts(__package__, "requirements.json")
