"""Documents: the bytes of a case's document for a day and given names."""

from base64 import b64decode
from typing import Any

import orjson

from conformance.model.case import Document
from conformance.model.library import base
from conformance.script.template import Lookup, changed, fill


def document_of(subject: Document, names: Lookup) -> bytes:
    """The bytes to judge, padded to the case's size."""
    raw = _written(subject.template, names)
    return raw if subject.size is None else raw.ljust(subject.size)


def sound_offer(
    names: Lookup, *, put: dict[str, Any], drop: list[str] | None = None, offer: str = "a"
) -> dict[str, Any]:
    """The valid offer under these names, with changes; ``offer`` is its name within the case."""
    template = {**base(), "id": f"${{id.{offer}}}", "apply_url": f"${{apply.{offer}}}"}
    return changed(fill(template, names), put=fill(put, names), drop=drop or [])


def _written(template: Any, names: Lookup) -> bytes:
    match template:
        case {"text": text}:
            return str(fill(text, names)).encode()
        case {"base64": text}:
            return b64decode(text)
        case {"document": document}:
            return orjson.dumps(fill(document, names))
    offer = changed(fill(base(), names), put=fill(template.get("put", {}), names), drop=template.get("drop", []))
    return orjson.dumps(offer)
