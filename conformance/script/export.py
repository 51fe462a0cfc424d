"""Exports: the offers of a file in CSV, JSON-LD or RSS, each as the list of its texts. Pure."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import orjson

from conformance.words import LocalisedError, say

_SEPARATORS = ";,\t"


class UnreadableExportError(LocalisedError):
    """A file that is not what its media type says."""


def entries_of(content: bytes, media_type: str) -> list[list[str]]:
    """The texts of each offer: cells, values of JSON members, or contents of elements. Raises UnreadableExportError."""
    kind = media_type.partition(";")[0].strip().lower()
    try:
        if kind == "text/csv":
            return _rows(content.decode("utf-8-sig"))
        if kind.endswith("json"):
            return [list(_texts(each)) for each in orjson.loads(content)["@graph"]]
        if kind.endswith("xml"):
            return _Items().read(content)
    except (ValueError, KeyError, TypeError, expat.ExpatError, csv.Error) as error:
        raise UnreadableExportError(say("export-unreadable", kind=kind)) from error
    raise UnreadableExportError(say("export-unreadable", kind=kind or "?"))


def _rows(text: str) -> list[list[str]]:
    """The rows below the header, each with as many cells as it; the separator is the one that the header uses most."""
    head = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=head.count)
    names, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = [row for row in rows if row]
    for row in rows:
        if len(row) != len(names):
            raise ValueError(len(row))
    return rows


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for part in value.values():
                yield from _texts(part)
        case list():
            for part in value:
                yield from _texts(part)
        case None:
            return
        case _:
            yield str(value)


class _Items:
    """The texts and attributes of each element ``item``. A document type is refused, and with it every entity."""

    def __init__(self) -> None:
        self._items: list[list[str]] = []
        self._depth = 0
        self._text: list[str] = []

    def read(self, content: bytes) -> list[list[str]]:
        """Raises ValueError for a document type, ExpatError for what is not XML."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.Parse(content, True)  # its only form
        return self._items

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._finish_text()
        if name == "item" and not self._depth:
            self._items.append([])
        if name == "item" or self._depth:
            self._depth += 1
            self._items[-1] += filter(None, attributes.values())

    def _end(self, _name: str) -> None:
        self._finish_text()
        self._depth = max(0, self._depth - 1)

    def _finish_text(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if text and self._depth:
            self._items[-1].append(text)


def _refuse_doctype(*_declared: object) -> None:
    raise ValueError("a document type")
