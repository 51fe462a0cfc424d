"""Read a sample: its format, the lists of items that it has, and the first items of each. Bounded for any sample.

Only the first two million characters are looked at; JSON that is cut there is closed after its last whole value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import orjson

from adapters.formats.csv_reader import SEPARATORS, read_rows
from adapters.formats.encoding import read_text
from adapters.formats.item import DEPTH, Content, SourceItem
from adapters.formats.json_reader import read_documents, read_lines
from adapters.formats.jsonld_reader import read_linked
from adapters.formats.mapping_document import merge
from adapters.formats.mojibake import TWICE, garbled, holds_garbled, mend, mend_content
from adapters.formats.nearest_path import PathOutline
from adapters.formats.other_form import refuse
from adapters.formats.paging import Paging, paging_of
from adapters.formats.path import KEY, Path, parse_path, write_path
from adapters.formats.problem import TOO_DEEP, ReadingProblem, UnusableFeedError
from adapters.formats.xml_reader import read_elements

MAX_ITEMS = 50
"""Most items that are looked at."""
MAX_CHARACTERS = 2_000_000
"""Most characters of a sample that are looked at."""
MAX_STATE_BYTES = 256 * 1024
"""Most bytes of the items of a sample as JSON."""

_MAX_CONTAINERS = 8
_MAX_BLOCKS_BYTES = 8_000_000
_MAX_TEXTS = (4000, 2000, 1000, 400)
_ALIKE = 0.5
_MAX_COLUMNS = 200
_NOWHERE: Path = ("",)
"""A path that no element has."""
_HTML = re.compile(r"\s*(?:<!doctype html|<html|<script)", re.IGNORECASE)
_JOB_POSTING = re.compile(r"\"@type\"\s*:\s*(?:\[\s*)?\"(?:https?://schema\.org/|schema:)?JobPosting\"")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}:,]|[^\s"\[\]{}:,]+', re.DOTALL)
_DATA_CELL = re.compile(r"\s*(?:https?://\S+|[0-9][0-9 ./:-]*|[^@\s]+@[^@\s]+|.{120,})\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Container:
    """Items of a sample and the source members of a mapping that lead to them. ``lone``: one object, in no list."""

    source: Mapping[str, Any]
    items: tuple[Content, ...]
    path: Path = ()
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a sample: its form, and each list that could be the items."""

    form: str
    containers: tuple[Container, ...]
    cut: bool = False
    text: str = ""

    def paging(self, container: Container) -> Paging:
        """The statements of the sample about further pages of these items; of one that was cut, no numbers of items."""
        path, outline, count = parse_path(container.source.get("items", "")), PathOutline(), 0
        marked = self.text.lstrip()[:1] == "<"
        if container.lone or container.source.get("lines") or (marked and self.form != "xml") or self.form == "csv":
            return Paging()
        records = (
            read_elements([self.text], path, outline)
            if marked
            else read_documents([self.text], (path,), outline, keyed=container.source.get("keyed", False))
        )
        try:
            for _ in records:
                count += 1
        except UnusableFeedError:
            return replace(paging_of(outline.objects, count, above=[path]), total=None)
        return paging_of(outline.objects, count, above=[path])


def read_contents(blocks: Iterable[bytes]) -> Contents:
    """The contents of a sample. Raises UnusableFeedError if it has no items in any format."""
    warnings: list[ReadingProblem] = []
    text, cut = _read(blocks, warnings)
    guessed = [str(one.actual) for one in warnings if one.code == "encoding-guessed"]
    encoding = {"encoding": guessed[0]} if guessed else {}
    if garbled(text) is not None:
        text, encoding = mend(text), {"encoding": TWICE}
    posted = _JOB_POSTING.search(text) is not None or "application/ld+json" in text[:200_000]
    refuse(text, pages=posted, whole=not cut)
    start = text.lstrip()[:1]
    if start == "<" and (_HTML.match(text) or "application/ld+json" in text[:200_000]):
        found = [_linked(text)]
        form = "jobposting"
    elif start == "<":
        form, found = "xml", _elements(text)
    elif start and start in "{[":
        form, found = _json(text, cut=cut)
    else:
        form, found = "csv", [_rows(text, cut=cut)]
    if any(holds_garbled(one.items) for one in found):  # written as escapes
        found, encoding = (
            [replace(one, items=tuple(map(mend_content, one.items))) for one in found],
            {"encoding": TWICE},
        )
    kept = [replace(one, source={**one.source, **encoding}) for one in found if any(one.items)]
    if not kept:
        raise _no_items()
    return Contents(form, tuple(kept), cut, text)


def _no_items() -> UnusableFeedError:
    """The error of a sample without items; a draft has no mapping that its message could name."""
    return UnusableFeedError("items-not-found", pointer="/mapping/source/items", expected="–", actual="–", hint="–")


def trim(items: Iterable[Content]) -> tuple[Content, ...]:
    """The first items, with shorter texts and then fewer items until their JSON is within ``MAX_STATE_BYTES``."""
    kept = tuple(islice(items, MAX_ITEMS))
    for longest in _MAX_TEXTS:
        shortened = tuple(_shorten(one, longest) for one in kept)
        if len(orjson.dumps(shortened)) <= MAX_STATE_BYTES:
            return shortened
    while len(shortened) > 1 and len(orjson.dumps(shortened)) > MAX_STATE_BYTES:
        shortened = shortened[: len(shortened) // 2]
    return shortened if len(orjson.dumps(shortened)) <= MAX_STATE_BYTES else ()


def _shorten(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, list):
        return [_shorten(one, longest) for one in value[:longest]]
    if isinstance(value, Mapping):
        return {str(name)[:longest]: _shorten(one, longest) for name, one in islice(value.items(), longest)}
    return value


def _read(blocks: Iterable[bytes], warnings: list[ReadingProblem]) -> tuple[str, bool]:
    """The first characters of a sample, and whether there are more. Raises UnusableFeedError."""
    pieces: list[str] = []
    size = 0
    source = iter(blocks)
    for piece in read_text(_up_to(source, _MAX_BLOCKS_BYTES), None, warnings):
        pieces.append(piece[: MAX_CHARACTERS - size])
        size += len(pieces[-1])
        if size >= MAX_CHARACTERS:
            return "".join(pieces), True
    return "".join(pieces), False


def _up_to(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    for block in blocks:
        yield block
        most -= len(block)
        if most <= 0:
            return


def _take(records: Iterable[SourceItem]) -> tuple[Content, ...]:
    """The first readable items; a fault after them ends the list."""
    found: list[Content] = []
    try:
        for record in records:
            if record.problem is None and record.content:
                found.append(record.content)
            if len(found) == MAX_ITEMS:
                break
    except UnusableFeedError:
        if not found:
            raise
    return tuple(found)


def _linked(text: str) -> Container:
    """The postings of JSON-LD at the paths of the ready-made mapping. Raises UnusableFeedError."""
    paths = tuple(parse_path(path) for path in merge("jobposting", {})["source"]["items"])
    return Container({}, tuple(one for one in _take(read_linked([text], paths)) if _is_posting(one)))


def _is_posting(content: Content) -> bool:
    types = frozenset(merge("jobposting", {})["only"][0]["in"])
    kinds = content.get("@type")
    return any(isinstance(kind, str) and kind in types for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _postings(text: str, document: Any) -> Container | None:
    """The postings of a JSON text: at the paths of the ready-made mapping, or in another list of its objects."""
    try:
        found = _linked(text)
    except UnusableFeedError:
        found = Container({}, ())
    if found.items:
        return found
    return next(
        (one for one in _containers(document) if "items" in one.source and all(map(_is_posting, one.items))), None
    )


def _json(text: str, *, cut: bool) -> tuple[str, list[Container]]:
    """The form and the containers of a JSON text. Raises UnusableFeedError."""
    try:
        document = orjson.loads(close_json(text) if cut else text)
    except orjson.JSONDecodeError:
        lines = _take(read_lines([text.rpartition("\n")[0] + "\n" if cut else text]))
        return "json", [Container({"lines": True}, lines)]
    _prune(document)
    if _JOB_POSTING.search(text) and (postings := _postings(text, document)) is not None:
        return "jobposting", [postings]
    found = sorted(_containers(document), key=lambda one: (len(one.path), -len(one.items)))
    return "json", found[:_MAX_CONTAINERS]


def _prune(document: Any) -> None:
    """Empty what is nested deeper than an item can be, in place."""
    level = [document]
    for _ in range(2 * DEPTH):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    for one in level:
        one.clear()


def _containers(document: Any) -> Iterator[Container]:
    """The lists of objects and the objects of like objects of a JSON document; a lone object last."""
    waiting: list[tuple[Path, list[Any]]] = [((), [document])]
    left = 200
    while waiting and left:
        left -= 1
        path, values = waiting.pop(0)
        objects = [one for one in values if isinstance(one, Mapping)]
        listed = [one for value in values if isinstance(value, list) for one in value if isinstance(one, Mapping)]
        source = {"items": write_path(path)} if path else {}
        if listed:
            yield Container(source, tuple(listed[:MAX_ITEMS]), path)
        elif len(objects) == 1 and len(path) <= 1:
            yield Container(source, (objects[0],), path, lone=True)
        for one in objects[:1]:
            members = [(key, value) for key, value in one.items() if isinstance(value, Mapping)]
            if len(members) > 1 and len(members) >= len(one) / 2 and _are_alike([value for _, value in members]):
                items = tuple({**value, KEY: key} for key, value in members[:MAX_ITEMS])
                yield Container({**source, "keyed": True}, items, path)
        inner: dict[str, list[Any]] = {}
        for one in (listed or objects)[:MAX_ITEMS]:
            for name, value in islice(one.items(), 100):
                if isinstance(name, str) and name and "\n" not in name and isinstance(value, list | Mapping):
                    inner.setdefault(name, []).append(value)
        if len(path) < 5:
            waiting.extend(((*path, name), found) for name, found in islice(inner.items(), 20))


def _are_alike(objects: list[Mapping[str, Any]]) -> bool:
    """Whether objects have mostly the same members."""
    first = objects[0].keys()
    shares = [len(first & other.keys()) / max(1, len(first | other.keys())) for other in objects[1:MAX_ITEMS]]
    return bool(first) and sum(shares) / len(shares) >= _ALIKE


def close_json(text: str) -> str:
    """A JSON text that was cut, without what follows its last whole value, and closed."""
    brackets: list[str] = []
    best = (0, "")
    for token in _JSON_TOKEN.finditer(text):
        sign = token[0]
        if sign in "[{":
            brackets.append("]" if sign == "[" else "}")
        elif sign in "]}":
            if not brackets:
                break
            brackets.pop()
            best = token.end(), "".join(reversed(brackets))
    return text[: best[0]] + best[1]


def _elements(text: str) -> list[Container]:
    """The repeated elements of an XML text, and those right below its root. Raises UnusableFeedError."""
    outline = PathOutline()
    try:
        list(read_elements([text], _NOWHERE, outline))
    except UnusableFeedError as error:  # also without a fault, since nothing is there
        if not outline.counts or error.problem.actual == TOO_DEEP:
            raise
    counts, parents = outline.counts, outline.parents
    repeated = [path for path in counts if path in parents and counts[path] > 1]
    lone = [path for path in counts if path in parents and counts[path] == 1 and len(path) in (2, 3)]
    ranked = sorted(repeated, key=len)[:_MAX_CONTAINERS] + sorted(lone, key=len)[:3]
    found = []
    for path in ranked or [next(iter(counts))]:
        items = _take(read_elements([text], path))
        if items:
            found.append(Container({"items": write_path(path)}, items, path, lone=counts.get(path) == 1))
    return found


def _rows(text: str, *, cut: bool) -> Container:
    """The rows of a table, with the separator that gives the most even rows. Raises UnusableFeedError."""
    text = text.rpartition("\n")[0] + "\n" if cut else text
    best: tuple[int, Container] | None = None
    for separator in SEPARATORS:
        source: dict[str, Any] = {"separator": separator}
        try:
            names = next(iter(_header(text, separator)), ())
            if any(_DATA_CELL.fullmatch(name) for name in names):
                source["columns"] = [f"colonne {number}" for number in range(1, len(names) + 1)]
            items = _take(read_rows([text], separator=separator, columns=source.get("columns"), needed=()))
        except UnusableFeedError:
            continue
        if 1 < len(names) <= _MAX_COLUMNS and items and (best is None or len(items) * len(names) > best[0]):
            best = len(items) * len(names), Container(source, items)
    if best is None:
        raise _no_items()
    return best[1]


def _header(text: str, separator: str) -> Iterator[tuple[str, ...]]:
    """The cells of the first row."""
    columns = [f"c{number}" for number in range(_MAX_COLUMNS)]
    for record in read_rows([text[:200_000]], separator=separator, columns=columns, needed=()):
        cells = list(record.content.values())
        while cells and not cells[-1]:
            cells.pop()
        yield tuple(map(str, cells))
