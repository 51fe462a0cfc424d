"""Read the items of a JSON feed one by one: objects of one document, or one object per line (NDJSON).

Of a document only the outline is parsed: the keys that lead to the items, and the end of each item. Each item is cut
out and decoded by itself, so an error in it affects that item only.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.formats.encoding import cut_lines
from adapters.formats.item import DEPTH, ITEM_CHARACTERS, SourceItem
from adapters.formats.nearest_path import MAX_MEMBERS, MEMBER_CHARACTERS, PathOutline
from adapters.formats.path import KEY, Path
from adapters.formats.problem import TOO_DEEP, UnusableFeedError, problem
from schemas.bilingual import Bilingual
from schemas.decode import exceeds_depth

_TOKEN = re.compile(r'["\[\]{}:,]|[^\s"\[\]{}:,]+')
_BRACKET = re.compile(r'["\[\]{}]')
_TEXT = re.compile(r'(?:[^"\\]|\\.)*+', re.DOTALL)
_NO_JSON = Bilingual("[ or { expected", "[ ou { attendu")
_TOKEN_CHARACTERS = 1000
"""Longer keys match no path, and longer numbers are invalid."""


@dataclass(frozen=True, slots=True)
class CutItem:
    """An item's source text, its first line and its key in an object of items. ``text`` is None if it is too long."""

    line: int
    text: str | None
    key: str | None = None


@dataclass(slots=True)
class _Frame:
    """An open object or array at ``path``. ``holds``: it has at least one value; ``members``: those of an object that
    the outline keeps.
    """

    bracket: str
    path: Path
    members: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    at_key: bool = False
    holds: bool = False


@dataclass(slots=True)
class _Capture:
    """The text of an object, kept while it is short enough. ``depth``: the number of frames open before it."""

    line: int
    begin: int
    depth: int
    key: str | None = None
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def take(self, data: str, end: int) -> None:
        """Append the text up to ``end`` since the last call."""
        self.size += end - self.begin
        if self.size <= ITEM_CHARACTERS:
            self.parts.append(data[self.begin : end])
        else:
            self.parts.clear()
        self.begin = 0

    def cut(self) -> CutItem:
        """The item."""
        return CutItem(self.line, "".join(self.parts) if self.size <= ITEM_CHARACTERS else None, self.key)


class ItemScan:
    """Incremental scanner of one JSON text. It fills ``outline``: the paths outside of items, whether one of ``paths``
    occurs, and whether it is an empty list.

    An object at one of the paths is an item, unless other paths lead through it: then it is an item only if none of
    them selects anything. ``keyed``: each member of an object at one of the paths is an item instead. ``line`` is the
    first line of the text.
    """

    def __init__(
        self, paths: tuple[Path, ...], line: int = 1, *, outline: PathOutline | None = None, keyed: bool = False
    ) -> None:
        self.outline = outline or PathOutline()
        self._paths = paths
        self._keyed = keyed
        self._line = line
        self._frames: list[_Frame] = []
        self._item: _Capture | None = None
        self._brackets = 0
        self._candidate: _Capture | None = None
        self._in_text = False
        self._key: list[str] | None = None
        self._value: list[str] | None = None
        self._held = ""
        self._data = ""
        self._counted = 0
        self._cut: list[CutItem] = []
        self._ended = False

    def feed(self, piece: str) -> list[CutItem]:
        """The items that end in this piece. Raises UnusableFeedError."""
        self._data, self._held, self._counted, self._cut = self._held + piece, "", 0, []
        at = 0
        while at < len(self._data):
            if self._in_text:
                at = self._pass_text(at)
            elif self._item is not None:
                at = self._pass_item(self._item, at)
            else:
                at = self._follow(at)
        end = len(self._data) - len(self._held)
        for capture in (self._item, self._candidate):
            if capture is not None:
                capture.take(self._data, end)
        self._line_at(end)
        return self._cut

    def finish(self) -> None:
        """End the text. Raises UnusableFeedError if the document is incomplete."""
        if self._held or self._frames or self._item is not None or self._in_text:
            raise UnusableFeedError("feed-cut", actual="JSON")
        if not self._ended:
            raise UnusableFeedError("feed-malformed", actual=_NO_JSON, line=self._line)

    def _pass_text(self, at: int) -> int:
        data = self._data
        match = _TEXT.match(data, at)
        end = at if match is None else match.end()
        for kept, most in ((self._key, _TOKEN_CHARACTERS), (self._value, MEMBER_CHARACTERS)):
            if kept is not None and len(kept) < most:
                kept.append(data[at : min(end, at + most)])
        if end == len(data):
            return end
        if data[end] == "\\":  # the escaped character is in the next piece
            self._held = "\\"
            return len(data)
        self._in_text = False
        if self._key is not None:
            self._frames[-1].key = _unescape("".join(self._key))
            self._key = None
        if self._value is not None:
            text = "".join(self._value)
            if len(text) <= MEMBER_CHARACTERS:
                self._frames[-1].members[self._frames[-1].key] = _unescape(text)
            self._value = None
        return end + 1

    def _pass_item(self, item: _Capture, at: int) -> int:
        match = _BRACKET.search(self._data, at)
        if match is None:
            return len(self._data)
        sign = match[0]
        if sign == '"':
            self._in_text = True
        else:
            self._brackets += 1 if sign in "[{" else -1
            if not self._brackets:
                item.take(self._data, match.end())
                self._cut.append(item.cut())
                self._item = None
                self._end_root()
        return match.end()

    def _follow(self, at: int) -> int:
        """Process the next token outside of items; return the index after it."""
        match = _TOKEN.search(self._data, at)
        if match is None:
            return len(self._data)
        sign = match[0]
        frame = self._frames[-1] if self._frames else None
        if self._ended or (frame is None and sign not in "{["):
            raise self._malformed(match.start(), sign)
        match sign:
            case "{" | "[":
                self._open(sign, match.start(), frame)
            case "}" | "]":
                self._close(sign, match.end())
            case ":" | ",":
                if frame is not None and frame.bracket == "{":
                    frame.at_key = sign == ","
            case '"':
                self._in_text = True
                if frame is not None and frame.at_key:
                    self._key = []
                else:
                    self._pass_scalar(frame, match.start(), sign)
            case _:
                if match.end() == len(self._data) and len(sign) < _TOKEN_CHARACTERS:
                    self._held = sign  # its rest may be in the next piece
                else:
                    self._pass_scalar(frame, match.start(), sign)
        return match.end()

    def _pass_scalar(self, frame: _Frame | None, at: int, sign: str) -> None:
        """Pass a value that is not an object: an unreadable item in a list of items; null is an empty list."""
        if frame is None:
            return
        frame.holds = True
        if frame.bracket == "{" and len(frame.members) < MAX_MEMBERS:
            if sign == '"':
                self._value = []
            else:
                frame.members[frame.key] = _number(sign)
        if self._is_keyed(frame):
            self._cut.append(CutItem(self._line_at(at), sign if sign != '"' else '"…"', frame.key))
            return
        if self._path_of(frame) not in self._paths:
            return
        if frame.bracket == "[":
            self._cut.append(CutItem(self._line_at(at), sign if sign != '"' else '"…"'))
        elif sign == "null":
            self.outline.reached = self.outline.emptied = True

    def _open(self, bracket: str, at: int, frame: _Frame | None) -> None:
        path = self._path_of(frame)
        if frame is not None:
            frame.holds = True
        if frame is not None and self._is_keyed(frame):
            self._item = _Capture(self._line_at(at), at, len(self._frames), frame.key)
            self._brackets = 1
            return
        self.outline.add(path, members=bracket == "{")
        if path in self._paths and self._keyed:
            self.outline.reached = True
        elif path in self._paths:
            self.outline.reached = True
            if bracket == "{":
                capture = _Capture(self._line_at(at), at, len(self._frames))
                if not any(len(other) > len(path) and other[: len(path)] == path for other in self._paths):
                    self._item, self._brackets, self._candidate = capture, 1, None
                    return
                self._candidate = capture
        members = self.outline.describe(path) if bracket == "{" else {}
        self._frames.append(_Frame(bracket, path, members, at_key=bracket == "{"))
        if len(self._frames) > DEPTH:
            raise UnusableFeedError("feed-malformed", actual=TOO_DEEP, line=self._line_at(at))

    def _close(self, bracket: str, end: int) -> None:
        frame = self._frames.pop()
        if frame.bracket != ("{" if bracket == "}" else "["):
            raise self._malformed(end - 1, bracket)
        if (bracket == "]" or self._keyed) and not frame.holds and frame.path in self._paths:
            self.outline.emptied = True
        if self._candidate is not None and self._candidate.depth == len(self._frames):
            self._candidate.take(self._data, end)
            self._cut.append(self._candidate.cut())
            self._candidate = None
        self._end_root()

    def _end_root(self) -> None:
        self._ended = not self._frames

    def _is_keyed(self, frame: _Frame) -> bool:
        """Whether the members of a frame are items."""
        return self._keyed and frame.bracket == "{" and frame.path in self._paths

    @staticmethod
    def _path_of(frame: _Frame | None) -> Path:
        """The path of a value in the frame."""
        if frame is None:
            return ()
        return (*frame.path, frame.key) if frame.bracket == "{" else frame.path

    def _line_at(self, end: int) -> int:
        """The line of an index, which must not be below that of an earlier call."""
        self._line += self._data.count("\n", self._counted, end)
        self._counted = end
        return self._line

    def _malformed(self, at: int, sign: str) -> UnusableFeedError:
        return UnusableFeedError("feed-malformed", actual=sign[:20], line=self._line_at(at))


def _number(sign: str) -> Any:
    """A number, a truth value or null; None for what is none of them."""
    try:
        return orjson.loads(sign)
    except orjson.JSONDecodeError:
        return None


def _unescape(key: str) -> str:
    try:
        text: str = orjson.loads(f'"{key}"')
    except orjson.JSONDecodeError:
        return key
    return text


def read_documents(
    text: Iterable[str], paths: tuple[Path, ...], outline: PathOutline | None = None, *, keyed: bool = False
) -> Iterator[SourceItem]:
    """The objects at the paths, each a tuple of keys from the root; arrays on a path are iterated. ``keyed``: the
    members of the objects there, each with its key as the member ``#key``.

    An object that another path leads through is an item only if that path finds no item in it. Raises
    UnusableFeedError.
    """
    outline = outline or PathOutline()
    scan = ItemScan(paths, outline=outline, keyed=keyed)
    for piece in text:
        yield from map(decode_item, scan.feed(piece))
    scan.finish()
    if not outline.reached:
        raise outline.missing(paths)


def read_lines(text: Iterable[str]) -> Iterator[SourceItem]:
    """The objects of NDJSON. Raises UnusableFeedError if the last line is cut."""
    for line in cut_lines(text):
        if line.text is not None and not line.text.strip():
            continue
        record = decode_item(CutItem(line.number, line.text))
        if record.problem is not None and not line.ended:
            raise UnusableFeedError("feed-cut", actual="NDJSON")
        yield record


def decode_item(item: CutItem) -> SourceItem:
    """The decoded item, or a record with the problem and only the key of the item."""
    keyed = {} if item.key is None else {KEY: item.key}
    if item.text is None:
        return SourceItem(item.line, keyed, problem("item-too-large", expected=ITEM_CHARACTERS))
    if exceeds_depth(item.text, DEPTH):
        return SourceItem(item.line, keyed, problem("item-too-deep", expected=DEPTH))
    try:
        content = orjson.loads(item.text)
    except orjson.JSONDecodeError as error:
        line = item.line + error.lineno - 1
        reason = Bilingual(error.msg, f"JSON mal formé, colonne {error.colno}")
        return SourceItem(item.line, keyed, problem("item-malformed", actual=reason, line=line))
    if not isinstance(content, dict):
        return SourceItem(item.line, keyed, problem("item-not-object", actual=item.text.strip()))
    return SourceItem(item.line, content | keyed)
