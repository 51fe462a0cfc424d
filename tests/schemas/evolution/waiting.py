"""A release that does not exist yet: a scratch copy of the package whose schema has a field that waits for its day."""

from pathlib import Path
from typing import Any

from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree

RELEASE = "1.1"
FIELD = "remote"
DEFAULT = False
"""The value of the field for readers where an offer has none."""


def waiting_tree(folder: Path) -> str:
    """The tree: the field is one line of the schema, and its texts are in the reference."""
    return scratch_tree(folder, {"offer": waiting_offer()}, reference=_described)


def waiting_offer() -> dict[str, Any]:
    """The offer's schema of that release."""
    offer = PRESENT["offer"]
    field = {"description": "Whether a day is remote.", "type": "boolean", "default": DEFAULT, "x-harmless": True}
    properties = {**offer["properties"], FIELD: {**field, "x-begins": RELEASE}}
    return {**offer, "x-version": RELEASE, "properties": properties}


def _described(reference: dict[str, Any]) -> dict[str, Any]:
    text = {"fr": "Si une journée est à distance.", "en": "Whether a day is remote."}
    field = {"label": {"fr": "À distance", "en": "Remote"}, "text": text, "requirements": ["OFR-050"]}
    return {**reference, "fields": {**reference["fields"], FIELD: field}}
