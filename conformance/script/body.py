"""Bytes of documents to judge and of the bodies of calls, from their templates."""

import gzip
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from conformance.model.case import CallBody, CaseDocument
from conformance.model.library import base
from conformance.script.template import Lookup, changed, fill

_BOMB_BYTES = 60_000_000


def document_of(subject: CaseDocument, names: Lookup) -> bytes:
    """The bytes to judge, padded to the case's size."""
    raw = _document(subject.template, names)
    return raw if subject.size is None else raw.ljust(subject.size)


def _document(template: Any, names: Lookup) -> bytes:
    match template:
        case {"text": text}:
            return str(fill(text, names)).encode()
        case {"base64": text}:
            return b64decode(text)
        case {"document": document}:
            return orjson.dumps(fill(document, names))
    offer = changed(fill(base(), names), put=fill(template.get("put", {}), names), drop=template.get("drop", []))
    return orjson.dumps(offer)


def valid_offer(names: Lookup, change: Mapping[str, Any]) -> dict[str, Any]:
    """The valid offer under these names, with changes; ``is`` is its name within the case."""
    template = {**base(), "id": f"${{id.{change['is']}}}", "apply_url": f"${{apply.{change['is']}}}"}
    return changed(fill(template, names), put=fill(change.get("put", {}), names), drop=change.get("drop", []))


def write_body(body: CallBody, names: Lookup) -> tuple[bytes, Mapping[str, str]]:
    """The bytes, with Content-Type and Content-Encoding."""
    content = _content(body, names).ljust(body.size or 0)
    headers = {"Content-Type": body.media_type}
    match body.gzip:
        case None:
            return content, headers
        case "whole":
            content = gzip.compress(content)
        case "cut":
            content = gzip.compress(content)[:-12]
        case "members":
            lines = content.splitlines(keepends=True)
            content = b"".join(map(gzip.compress, (b"".join(lines[:1]), b"".join(lines[1:]))))
        case "bomb":
            content = gzip.compress(content + b" " * _BOMB_BYTES)
    return content, {**headers, "Content-Encoding": "gzip"}


def _content(body: CallBody, names: Lookup) -> bytes:
    match body.form:
        case "offer":
            return orjson.dumps(valid_offer(names, body.content))
        case "json":
            return orjson.dumps(_item(body.content, names))
        case "text":
            parts = body.content if isinstance(body.content, list) else [body.content]
            return "".join(str(fill(part, names)) for part in parts).encode()
        case "base64":
            return b64decode(body.content)
        case "form":
            return urlencode(fill(body.content, names)).encode()
        case _:  # lines
            return b"".join(_line(item, names) + b"\n" for item in _unfold(body.content))


def _unfold(items: Iterable[Any]) -> Iterator[Any]:
    """The lines, those with ``many`` as so many offers: named ``is`` and their number, from 0."""
    for item in items:
        match item:
            case {"many": int(many), "is": str(name), **change}:
                yield from ({"is": f"{name}{number}", **change} for number in range(many))
            case _:
                yield item


def _line(item: Any, names: Lookup) -> bytes:
    """A line of NDJSON; a text is written verbatim."""
    return str(fill(item, names)).encode() if isinstance(item, str) else orjson.dumps(_item(item, names))


def _item(item: Any, names: Lookup) -> Any:
    """An offer where ``is`` names one, also within a list; else the JSON value."""
    match item:
        case {"is": str()}:
            return valid_offer(names, item)
        case list():
            return [_item(part, names) for part in item]
    return fill(item, names)
