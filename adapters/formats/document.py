"""Decode the items of a JSON feed one by one: objects of one document, or one object per line (NDJSON)."""

import re
from collections.abc import Iterable, Iterator

import orjson

from adapters.formats.error import UnusableFeedError
from adapters.formats.line import cut_lines
from adapters.formats.outline import Outline
from adapters.formats.path import Path
from adapters.formats.problem import problem
from adapters.formats.record import DEPTH, ITEM_CHARACTERS, Record
from adapters.formats.scan import CutItem, ItemScan
from schemas.spoken import Spoken

_OUTLINE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_documents(text: Iterable[str], paths: tuple[Path, ...], outline: Outline | None = None) -> Iterator[Record]:
    """Yield the objects at the paths, each a tuple of keys from the root; arrays on a path are iterated.

    An object that another path leads through is an item only if that path finds no item in it. Raises
    UnusableFeedError.
    """
    outline = outline or Outline()
    scan = ItemScan(paths, outline=outline)
    for piece in text:
        yield from map(decode_item, scan.feed(piece))
    scan.finish()
    if not outline.reached:
        raise outline.missing(paths)


def read_lines(text: Iterable[str]) -> Iterator[Record]:
    """Yield the objects of NDJSON. Raises UnusableFeedError if the last line is cut."""
    for line in cut_lines(text):
        if line.text is not None and not line.text.strip():
            continue
        record = decode_item(CutItem(line.number, line.text))
        if record.problem is not None and not line.ended:
            raise UnusableFeedError("feed-cut", actual="NDJSON")
        yield record


def decode_item(item: CutItem) -> Record:
    """Return the decoded item, or an empty record with the problem."""
    if item.text is None:
        return Record(item.line, {}, problem("item-too-large", expected=ITEM_CHARACTERS))
    if _depth(item.text) > DEPTH:
        return Record(item.line, {}, problem("item-too-deep", expected=DEPTH))
    try:
        content = orjson.loads(item.text)
    except orjson.JSONDecodeError as error:
        line = item.line + error.lineno - 1
        reason = Spoken(error.msg, f"JSON mal formé, colonne {error.colno}")
        return Record(item.line, {}, problem("item-malformed", actual=reason, line=line))
    if not isinstance(content, dict):
        return Record(item.line, {}, problem("item-not-object", actual=item.text.strip()))
    return Record(item.line, content)


def _depth(text: str) -> int:
    """Return the nesting depth of a JSON text; 0 if it has too few brackets to exceed the limit."""
    if text.count("{") + text.count("[") <= DEPTH:
        return 0
    depth = deepest = 0
    for token in _OUTLINE.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest
