"""Read the items of an XML feed one by one in bounded memory; a malformed item does not hide the items after it.

Expat parses the bytes as they arrive and builds no tree. A DOCTYPE ends the reading before its first declaration is
parsed: there are no entities but the five of XML, nothing is fetched, and no entity expands. XML ends a document at its
first error, but one bare ``&`` must not hide a platform's other offers: a malformed item is reported, the input is
skipped up to the item's end tag, and a new parser continues from there.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.parsers import expat  # no entity is ever declared, see above
from xml.sax.saxutils import escape

from adapters.formats.item import DEPTH, ITEM_CHARACTERS, ITEM_NODES, SourceItem
from adapters.formats.nearest_path import MAX_MEMBERS, MEMBER_CHARACTERS, PathOutline
from adapters.formats.problem import TOO_DEEP, ReadingProblem, UnusableFeedError, problem
from schemas.bilingual import Bilingual

_CUT = frozenset({expat.errors.codes[message] for message in (
    expat.errors.XML_ERROR_NO_ELEMENTS,
    expat.errors.XML_ERROR_UNCLOSED_TOKEN,
    expat.errors.XML_ERROR_PARTIAL_CHAR,
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
)})  # fmt: skip
_MARKUP = frozenset(
    ("a", "b", "br", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "i", "li", "ol", "p", "span", "strong", "u", "ul")
)
"""Elements that are read as HTML outside CDATA: they are part of the surrounding text."""

_ENDLESS_TAG = Bilingual("endless tag or comment", "balise ou commentaire sans fin")
_HELD_BYTES = 300
"""The longest end tag that may be split between two pieces."""


def read_elements(
    text: Iterable[str], path: tuple[str, ...], outline: PathOutline | None = None
) -> Iterator[SourceItem]:
    """The elements at ``path``, which names every element from the root to the item. Raises UnusableFeedError."""
    reader = _Reader(path, outline or PathOutline())
    for piece in text:
        reader.feed(piece.encode())
        yield from reader.take()
    reader.finish()
    yield from reader.take()


class _Node:
    """An open element."""

    __slots__ = ("members", "name", "parts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.members: dict[str, Any] = {f"@{key}": value for key, value in attributes.items()}
        self.parts: list[tuple[str, bool]] = []

    def add(self, child: "_Node") -> None:
        """Add a child that is complete."""
        if child.name.lower() in _MARKUP:
            self.parts.append((f"<{child.name}>{child.text()}</{child.name}>", True))
            return
        value, known = child.value(), self.members.get(child.name)
        if isinstance(known, list):
            known.append(value)
        else:
            self.members[child.name] = value if known is None else [known, value]

    def text(self) -> str:
        """The element's own text, as HTML if it contains HTML elements."""
        marked = any(markup for _, markup in self.parts)
        return "".join(escape(part) if marked and not markup else part for part, markup in self.parts)

    def value(self) -> Any:
        """The text of an element without attributes and children, else its members."""
        text = self.text()
        if not self.members:
            return text
        if text.strip():
            self.members["#text"] = text
        return self.members


class _Item:
    """The current item, within its limits."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.problem: ReadingProblem | None = None
        self._stack: list[_Node] = []
        self._depth = 0
        self._size = 0
        self._nodes = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._nodes += 1 + len(attributes)
        self._grow(len(name) + sum(map(len, attributes.values())))
        if self._nodes > ITEM_NODES:
            self._spoil("item-too-large", ITEM_NODES)
        if self._depth > DEPTH:
            self._spoil("item-too-deep", DEPTH)
        if self.problem is None or not self._stack:  # the item itself is kept, for its id
            self._stack.append(_Node(name, attributes))

    def write(self, text: str) -> None:
        self._grow(len(text))
        if self.problem is None:
            self._stack[-1].parts.append((text, False))

    def end(self) -> bool:
        """Close an element; return whether it was the item itself."""
        self._depth -= 1
        if self.problem is None and self._depth:
            child = self._stack.pop()
            self._stack[-1].add(child)
        return self._depth == 0

    def record(self, found: ReadingProblem | None = None) -> SourceItem:
        """The item as read so far."""
        while len(self._stack) > 1:
            child = self._stack.pop()
            self._stack[-1].add(child)
        value = self._stack[0].value()
        content = value if isinstance(value, dict) else {"#text": value}
        return SourceItem(self.line, content, self.problem or found)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > ITEM_CHARACTERS:
            self._spoil("item-too-large", ITEM_CHARACTERS)

    def _spoil(self, code: str, limit: int) -> None:
        if self.problem is None:
            self.problem = problem(code, expected=limit)


class _Reader:
    """Expat parser with its position in the document; restarts after a malformed item."""

    def __init__(self, path: tuple[str, ...], outline: PathOutline) -> None:
        self._path = path
        self._outline = outline
        self._open: list[str] = []
        self._members: list[dict[str, Any]] = []
        """The attributes and children of each open element outside of items."""
        self._text = ""
        self._item: _Item | None = None
        self._records: list[SourceItem] = []
        self._found = False
        self._started = False
        self._passing = False
        self._held = b""
        self._until = b""
        self._end = re.compile(rb"<!\[CDATA\[|<!--|</" + re.escape(path[-1].encode()) + rb"\s*>")
        self._begin(1)

    def take(self) -> list[SourceItem]:
        """The items completed since the last call."""
        records, self._records = self._records, []
        return records

    def feed(self, data: bytes) -> None:
        if not self._started:  # blank lines before the declaration are harmless, though XML forbids them
            stripped = data.lstrip()
            self._line += data[: len(data) - len(stripped)].count(b"\n")
            self._started = bool(stripped)
            data = stripped
        while data:
            data = self._pass_over(data) if self._passing else self._parse(data)

    def finish(self) -> None:
        if self._passing:
            raise UnusableFeedError("feed-cut", actual="XML")
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._unusable(error) from None
        if self._found:
            return
        outline = self._outline
        if not outline.reached or (not outline.confirmed and outline.could_hold_items(self._path)):
            raise outline.missing((self._path,), root=len(self._path) == 1)
        outline.emptied = True

    def _begin(self, line: int) -> None:
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._close
        self._parser.CharacterDataHandler = self._write
        self._parser.StartCdataSectionHandler = lambda: self._set_cdata(inside=True)
        self._parser.EndCdataSectionHandler = lambda: self._set_cdata(inside=False)
        self._line = line
        self._fed = 0
        self._quiet = 0
        self._cdata = False

    def _parse(self, data: bytes) -> bytes:
        """Parse the data; return its rest from the error on if an item is malformed, else nothing."""
        self._quiet += len(data)
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            if self._item is None:
                raise self._unusable(error) from None
            self._line += error.lineno - 1
            reason = _expat_message(error.code)
            self._records.append(self._item.record(problem("item-malformed", actual=reason, line=self._line)))
            self._item = None
            self._passing = True
            self._until = b"]]>" if self._cdata else b""
            # Expat puts the error of an end tag after "</", which may be in the piece before.
            known = self._held + data
            begin = max(0, len(self._held) + self._parser.ErrorByteIndex - self._fed)
            begin -= 2 if known[:begin].endswith(b"</") else 0
            self._held = b""
            return known[begin:]
        self._fed += len(data)
        self._held = data[-_HELD_BYTES:]
        if self._quiet > ITEM_CHARACTERS:
            raise UnusableFeedError("feed-malformed", actual=_ENDLESS_TAG, line=self._at())
        return b""

    def _pass_over(self, data: bytes) -> bytes:
        """Search the end tag of the malformed item outside CDATA and comments; return the data after it."""
        data = self._held + data
        offset = 0
        while True:
            if self._until:
                found = data.find(self._until, offset)
                if found < 0:
                    break
                offset, self._until = found + len(self._until), b""
            match = self._end.search(data, offset)
            if match is None:
                break
            offset = match.end()
            if match[0].startswith(b"</"):
                self._restart(self._line + data.count(b"\n", 0, offset))
                return data[offset:]
            self._until = b"]]>" if match[0] == b"<![CDATA[" else b"-->"
        # Keep the end of the data: it may be the first half of the tag sought.
        kept = max(offset, len(data) - _HELD_BYTES)
        self._line += data.count(b"\n", 0, kept)
        self._held = data[kept:]
        return b""

    def _restart(self, line: int) -> None:
        self._passing = False
        self._begin(line)
        ancestors, self._open, self._members = self._open, [], []
        head = "".join(f"<{name}>" for name in ancestors).encode()
        self._parser.Parse(head, False)
        self._fed, self._held = len(head), b""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._quiet = 0
        if self._item is None:
            if not self._open and name.lower() == "html":
                raise UnusableFeedError("feed-is-html")
            if (*self._open, name) != self._path:
                self._open.append(name)
                path = tuple(self._open)
                self._outline.add(path, members=bool(attributes))
                self._members.append(self._outline.describe(path))
                self._members[-1].update(attributes)
                self._text = ""
                if path == self._path[:-1]:
                    self._outline.reached = True
                if len(self._open) > DEPTH:
                    raise UnusableFeedError("feed-malformed", actual=TOO_DEEP, line=self._at())
                return
            self._item = _Item(self._at())
            self._found = True
        self._item.start(name, attributes)

    def _close(self, _name: str) -> None:
        self._quiet = 0
        if self._item is None:
            name = self._open.pop()
            self._members.pop()
            if self._members and self._text.strip() and len(self._members[-1]) < MAX_MEMBERS:
                self._members[-1][name] = self._text.strip()[:MEMBER_CHARACTERS]
            self._text = ""
        elif self._item.end():
            self._records.append(self._item.record())
            self._item = None

    def _write(self, text: str) -> None:
        self._quiet = 0
        if self._item is not None:
            self._item.write(text)
        elif len(self._text) < MEMBER_CHARACTERS:
            self._text += text

    def _set_cdata(self, *, inside: bool) -> None:
        self._quiet = 0
        self._cdata = inside

    def _at(self) -> int:
        return self._line + self._parser.CurrentLineNumber - 1

    def _unusable(self, error: expat.ExpatError) -> UnusableFeedError:
        if error.code in _CUT:
            return UnusableFeedError("feed-cut", actual="XML")
        line = self._line + error.lineno - 1
        return UnusableFeedError("feed-malformed", actual=_expat_message(error.code), line=line)


def _refuse_doctype(name: str, *_declared: object) -> None:
    raise UnusableFeedError("feed-is-html" if name.lower() == "html" else "feed-doctype")


_FRENCH = {
    "mismatched tag": "balises qui ne se correspondent pas",
    "not well-formed (invalid token)": "signe mal placé",
    "unclosed token": "balise non terminée",
    "no element found": "document sans élément",
    "undefined entity": "entité inconnue",
    "duplicate attribute": "attribut en double",
    "junk after document element": "contenu après la fin du document",
    "unbound prefix": "préfixe sans espace de noms",
    "unclosed CDATA section": "section CDATA non terminée",
    "reference to invalid character number": "numéro de caractère impossible",
    "XML or text declaration not at start of entity": "déclaration XML ailleurs qu’au début",
}


def _expat_message(code: int) -> Bilingual:
    """Expat's error message in both languages."""
    text = expat.ErrorString(code) or f"error {code}"
    return Bilingual(text, _FRENCH.get(text, f"XML mal formé (erreur {code})"))
