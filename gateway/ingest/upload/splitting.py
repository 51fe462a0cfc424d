"""A body's bytes as raw items: NDJSON is split by lines, a JSON array by its structure. Only the count
that closes a snapshot is decoded.
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from gateway.errors import UploadRefusedError

_JSON_SPACE = b" \t\n\r"
_COUNT_LINE_BYTES = 200


class Splitter(Protocol):
    """Takes blocks of a body, returns the raw items that they complete."""

    def feed(self, block: bytes) -> Sequence[bytes]:
        """The items that end in this block. Raises UploadRefusedError."""

    def finish(self) -> Sequence[bytes]:
        """The last item, at the end of the body. Raises UploadRefusedError when the body ends too early."""


class LineSplitter:
    """NDJSON: one item on each line that is not blank; the last one need not end in a line feed.

    ``item_bytes`` caps the memory for a line that does not end. A longer blank line is returned as an item too, for the
    caller to refuse: the result must not depend on where blocks end.
    """

    def __init__(self, *, item_bytes: int) -> None:
        self._item_bytes = item_bytes
        self._rest = b""
        self._given = 0

    def feed(self, block: bytes) -> Sequence[bytes]:
        """The lines that end in this block."""
        lines = block.split(b"\n")
        lines[0] = self._rest + lines[0]
        self._rest = lines.pop()
        items = [line for line in lines if line.strip() or len(line) > self._item_bytes]
        self._given += len(items)
        if len(self._rest) > self._item_bytes:
            raise UploadRefusedError("line-too-long", index=self._given, expected=self._item_bytes)
        return items

    def finish(self) -> Sequence[bytes]:
        """The line that the end of the body completes."""
        rest, self._rest = self._rest, b""
        return [rest] if rest.strip() else []


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
"""Whole strings (so that their content is skipped), a quote whose end has not arrived yet, structure."""


class ArraySplitter:
    """A JSON array: the raw text between its own commas.

    Only the array's outline is judged here; the decoder of an item judges whether it is JSON. ``item_bytes`` caps one
    item, ``array_bytes`` the whole.
    """

    def __init__(self, *, item_bytes: int, array_bytes: int) -> None:
        self._item_bytes = item_bytes
        self._array_bytes = array_bytes
        self._read = 0
        self._given = 0
        self._rest = b""
        self._at = 0
        self._depth = 0
        self._ended = False

    def feed(self, block: bytes) -> Sequence[bytes]:
        """The items that end in this block."""
        self._read += len(block)
        if self._read > self._array_bytes:
            raise UploadRefusedError("body-too-large", expected=self._array_bytes)
        buffer = self._rest + block
        if self._depth == 0 and not self._ended:
            buffer = self._open(buffer)
        items, kept = self._cut(buffer) if self._depth else ([], buffer)
        if self._ended:
            if kept.strip(_JSON_SPACE):
                raise _malformed()
            kept = b""
        self._rest = kept
        self._given += len(items)
        if len(kept) > self._item_bytes:
            raise UploadRefusedError("line-too-long", index=self._given, expected=self._item_bytes)
        return items

    def finish(self) -> Sequence[bytes]:
        """Nothing: an array's last item ends before its bracket, which must have come."""
        if not self._ended:
            raise UploadRefusedError("body-truncated") if self._depth else _malformed()
        return []

    def _open(self, buffer: bytes) -> bytes:
        begun = buffer.lstrip(_JSON_SPACE)
        if not begun:
            return b""
        if begun[:1] != b"[":
            raise _malformed()
        self._depth = 1
        self._at = 0
        return begun[1:]

    def _cut(self, buffer: bytes) -> tuple[list[bytes], bytes]:
        """The items that end in the buffer, and the rest of it; scanning resumes where it stopped."""
        items: list[bytes] = []
        begin = 0
        depth, resume = self._depth, len(buffer)
        for token in _TOKEN.finditer(buffer, self._at):
            mark = buffer[token.start()]
            if mark in b"{[":
                depth += 1
            elif mark in b"}]":
                depth -= 1
                if depth == 0:
                    if mark != 0x5D:
                        raise _malformed()
                    last = buffer[begin : token.start()]
                    if last.strip(_JSON_SPACE) or items or self._given or len(last) > self._item_bytes:
                        items.append(last)
                    self._ended = True
                    begin = token.end()
                    break
            elif mark == 0x2C:
                if depth == 1:
                    items.append(buffer[begin : token.start()])
                    begin = token.end()
            elif token.end() - token.start() == 1:
                resume = token.start()
                break
        self._depth = depth
        self._at = resume - begin
        return items, buffer[begin:]


def declared_count(raw: bytes) -> int | None:
    """The number in ``{"count": N}``, the line that closes a snapshot; None for any other line."""
    if len(raw) > _COUNT_LINE_BYTES or b'"count"' not in raw:
        return None
    try:
        line: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(line) is not dict or line.keys() != {"count"} or type(line["count"]) is not int or line["count"] < 0:
        return None
    return int(line["count"])


def _malformed() -> UploadRefusedError:
    return UploadRefusedError("body-malformed", expected="[…]")
