"""A release that does not exist yet: a scratch copy of the package whose schema has a field that waits for its day, and
on demand a value of a list.
"""

from pathlib import Path
from typing import Any

from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree

RELEASE = "1.1"
FIELD = "remote"
VALUE = "premiere"
"""The value, of ``levels``."""
DEFAULT = False
"""The value of the field for readers where an offer has none."""


def waiting_tree(folder: Path, *, value: bool = False) -> str:
    """The tree: field and value are one line of the schema each, and their texts are in the reference."""
    return scratch_tree(folder, {"offer": waiting_offer(value=value)}, reference=described)


def waiting_offer(*, value: bool = False) -> dict[str, Any]:
    """The offer's schema of that release."""
    offer = PRESENT["offer"]
    if value:
        level = offer["$defs"]["level"]
        listed = {**level, "enum": [*level["enum"], VALUE], "x-begins": {VALUE: RELEASE}}
        offer = {**offer, "$defs": {**offer["$defs"], "level": listed}}
    field = {"description": "Whether a day is remote.", "type": "boolean", "default": DEFAULT, "x-harmless": True}
    properties = {**offer["properties"], FIELD: {**field, "x-begins": RELEASE}}
    return {**offer, "x-version": RELEASE, "properties": properties}


def described(reference: dict[str, Any]) -> dict[str, Any]:
    """The reference with their texts."""
    text = {"fr": "Si une journée est à distance.", "en": "Whether a day is remote."}
    field = {"label": {"fr": "À distance", "en": "Remote"}, "text": text, "requirements": ["OFR-050"]}
    named = {"fr": "première", "en": "première"}
    words = {**reference["words"], "levels": {**reference["words"]["levels"], VALUE: named}}
    return {**reference, "words": words, "fields": {**reference["fields"], FIELD: field}}
