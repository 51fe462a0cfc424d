"""Location of a problem in a document as sent: the line, and the part of it to underline. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas import redact
from schemas.folding import visible
from schemas.personal import MARK, token
from schemas.rulebook import Problem

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_KEYS = frozenset(("field-unknown", "field-misnamed", "json-duplicate-key", "extension-key"))
"""Problems of a key, not of its value."""
_MISSING = frozenset(("field-missing", "coordinates-incomplete", "employer-undescribed"))
_BEFORE, _WIDTH = 40, 96


@dataclass(frozen=True, slots=True)
class MemberSpan:
    """A member of a document: offsets of its key, -1 without one, and of its value."""

    key: int
    key_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A line of the document with the fault in it; long lines are cut."""

    line: int
    before: str
    fault: str
    after: str


class Locator:
    """Finds the problems of one document. ``line``: the document's first line in what was sent. The text is scanned
    once, for the given problems.
    """

    def __init__(self, raw: bytes, problems: Iterable[Problem], *, line: int = 1) -> None:
        self._raw = raw
        self._text = raw.decode(errors="replace")
        self._line = line
        wanted = {prefix for problem in problems for prefix in _prefixes(problem.pointer)}
        self._spans = _scan(self._text, wanted) if wanted - {""} else {}

    def quote(self, problem: Problem) -> Quote | None:
        """The line of a problem; None if it concerns the document as a whole."""
        args = problem.args
        if "offset" in args:
            return self._quote_offset(int(args["offset"]))
        if "line" in args and "column" in args:
            return self._quote_column(int(args["line"]), int(args["column"]))
        if not problem.pointer:
            return None
        span = self._spans.get(problem.pointer)
        if span is None or problem.code in _MISSING:
            return self._quote_parent(problem.pointer)
        if problem.code == "personal-data":
            return self._quote_redacted(span)
        if problem.code in _KEYS and span.key >= 0:
            return self._quoted(span.key, span.key_end)
        return self._quoted(*self._narrowed(span, problem.actual))

    def _quote_parent(self, pointer: str) -> Quote | None:
        """The line where the nearest object above begins."""
        while pointer := pointer.rpartition("/")[0]:
            span = self._spans.get(pointer)
            if span is not None:
                return self._quoted(*((span.key, span.key_end) if span.key >= 0 else (span.start, span.start + 1)))
        return None

    def _narrowed(self, span: MemberSpan, actual: Any) -> tuple[int, int]:
        """The offsets of the faulty part within a value: a word that the problem names, else all of it."""
        value = self._text[span.start : span.end]
        if isinstance(actual, str) and 0 < len(actual) < len(value) - 2:
            at = value.lower().find(actual.lower())
            if at > 0:
                return span.start + at, span.start + at + len(actual)
        if value[:1] in "{[" and "\n" in value:
            return (span.key, span.key_end) if span.key >= 0 else (span.start, span.start + 1)
        return span.start, span.end

    def _quote_redacted(self, span: MemberSpan) -> Quote | None:
        """The line with the text as it would be relayed: the personal data is a mark."""
        try:
            value = json.loads(self._text[span.start : span.end])
        except ValueError:
            return None
        clean = redact(visible(value)) if isinstance(value, str) else MARK
        key = f"{self._text[span.key : span.key_end]}: " if span.key >= 0 else ""
        text = key + json.dumps(clean, ensure_ascii=False)
        at = text.find(MARK)
        return _cut(text, at, at + len(MARK), self._line_of(span.start)) if at >= 0 else None

    def _quote_column(self, line: int, column: int) -> Quote | None:
        lines = self._text.split("\n", line)
        if line > len(lines) or line < 1:
            return None
        text = lines[line - 1].rstrip("\r")
        at = min(max(0, column - 1), len(text))
        return _cut(text, at, min(at + 1, len(text)), self._line + line - 1)

    def _quote_offset(self, offset: int) -> Quote:
        start = self._raw.rfind(b"\n", 0, offset) + 1
        end = self._raw.find(b"\n", offset)
        before, fault, after = (
            part.decode(errors="replace")
            for part in (
                self._raw[start:offset],
                self._raw[offset : offset + 1],
                self._raw[offset + 1 : end if end >= 0 else len(self._raw)],
            )
        )
        number = self._line + self._raw.count(b"\n", 0, offset)
        return _cut(before + fault + after, len(before), len(before) + len(fault), number)

    def _quoted(self, start: int, end: int) -> Quote:
        begin = self._text.rfind("\n", 0, start) + 1
        finish = self._text.find("\n", start)
        line = self._text[begin : finish if finish >= 0 else len(self._text)].rstrip("\r")
        return _cut(line, start - begin, min(end - begin, len(line)), self._line_of(start))

    def _line_of(self, offset: int) -> int:
        return self._line + self._text.count("\n", 0, offset)


def _cut(line: str, start: int, end: int, number: int) -> Quote:
    """The line without indentation, cut around the fault if it is long."""
    left, right = line[:start].lstrip(), line[end:].rstrip()
    fault = line[start:end]
    if len(fault) > _WIDTH:
        fault, right = fault[:_WIDTH], "…"
    if len(left) > _BEFORE and len(left) + len(fault) + len(right) > _WIDTH:
        left = "…" + left[-_BEFORE:]
    room = max(8, _WIDTH - len(left) - len(fault))
    if len(right) > room:
        right = right[:room] + "…"
    return Quote(number, *map(_printable, (left, fault, right)))


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\u00a0" else "\ufffd" for sign in text)


def _prefixes(pointer: str) -> Iterable[str]:
    yield pointer
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def _scan(text: str, wanted: set[str]) -> Mapping[str, MemberSpan]:
    """The members at these pointers; the last of members with one key. Stops silently where the text is no JSON."""
    scan = _Scan(wanted)
    for found in _TOKEN.finditer(text):
        if not scan.take(found[0], *found.span()):
            break
    return scan.spans


class _OpenValue:
    """An object or array whose end is not reached yet; ``pointer``, ``key`` and ``start`` are its own."""

    __slots__ = ("index", "is_array", "key", "pointer", "start")

    def __init__(self, pointer: str, key: tuple[int, int], start: int, *, is_array: bool) -> None:
        self.pointer = pointer
        self.key = key
        self.start = start
        self.is_array = is_array
        self.index = 0


_NO_KEY = (-1, -1)


class _Scan:
    """State of one scan: the open objects and arrays, and the pointer and key of the member that comes next."""

    def __init__(self, wanted: set[str]) -> None:
        self.spans: dict[str, MemberSpan] = {}
        self._wanted = wanted
        self._stack: list[_OpenValue] = []
        self._pointer = ""
        self._key = _NO_KEY

    def take(self, sign: str, start: int, end: int) -> bool:
        """Take one token; False at the end of the document."""
        if sign in ("{", "["):
            self._open(start, is_array=sign == "[")
            return True
        if not self._stack:
            return False
        if sign in ("}", "]"):
            self._close(end)
            return bool(self._stack)
        top = self._stack[-1]
        if sign == ",":
            top.index += 1
            self._key = _NO_KEY
            self._pointer = f"{top.pointer}/{top.index}" if top.is_array else top.pointer
        elif not top.is_array and self._key == _NO_KEY:
            self._key = (start, end)
            self._pointer = f"{top.pointer}/{_key_of(sign)}"
        elif sign != ":":
            self._note(start, end)
        return True

    def _open(self, start: int, *, is_array: bool) -> None:
        self._stack.append(_OpenValue(self._pointer, self._key, start, is_array=is_array))
        self._pointer = f"{self._pointer}/0" if is_array else self._pointer
        self._key = _NO_KEY

    def _close(self, end: int) -> None:
        closed = self._stack.pop()
        self._pointer, self._key = closed.pointer, closed.key
        self._note(closed.start, end)

    def _note(self, start: int, end: int) -> None:
        if self._pointer in self._wanted:
            self.spans[self._pointer] = MemberSpan(*self._key, start, end)


def _key_of(literal: str) -> str:
    try:
        key = json.loads(literal) if "\\" in literal else literal[1:-1]
    except ValueError:
        return ""
    return token(key)
