"""Reading a feed: bytes in, offers and problems out, one item at a time; the last item says whether it was whole.

    blocks ─▶ text ─▶ records (elements, objects, lines, rows) ─▶ mapping ─▶ items

Nothing in a feed raises; memory stays flat whatever its size. Errors of the blocks' own iterator pass through.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain

from adapters.formats.document import read_documents, read_lines
from adapters.formats.drafting import draft, own_id
from adapters.formats.element import read_elements
from adapters.formats.encoding import read_text
from adapters.formats.error import UnusableFeedError
from adapters.formats.item import BrokenItem, FeedComplete, FeedUnusable, Item, PassedItem, Position
from adapters.formats.mapping import Elements, FeedMapping, Lines, Objects, Rows, Source
from adapters.formats.outline import Outline
from adapters.formats.page import read_linked
from adapters.formats.path import Path
from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.record import FEED_ITEMS, Record
from adapters.formats.seen import SeenIds
from adapters.formats.survey import Survey
from adapters.formats.table import read_rows

MISFITS = frozenset(("items-not-found", "columns-missing", "path-not-found", "only-passes-all"))
"""Codes of a feed that can be read, and that the mapping does not fit."""

_PAGES = ("<!doctype html", "<html")


def read(
    blocks: Iterable[bytes], mapping: FeedMapping, *, platform: str, on: date, confirmed: bool = False
) -> Iterator[Item]:
    """The items of a feed as offers of that platform. ``on`` is the day of the run in Europe/Paris.

    A mapping that does not fit the feed makes it unusable: ``source.items``, a condition, or the path of a required
    field that leads to nothing. ``confirmed``: an operator has confirmed that the feed is meant to hold no offer, so
    that its conditions may pass over every item.

    Ends with exactly one ``FeedComplete`` or ``FeedUnusable``. Until the former has come, nothing may be changed for
    good: what came before may be the begin of a feed that was cut.
    """
    warnings: list[ReadingProblem] = list(mapping.warnings)
    reading = _Reading(mapping, platform, on)
    outline = Outline(confirmed=confirmed)
    try:
        text = _refuse_pages(read_text(blocks, mapping.encoding, warnings), mapping.source)
        for record in _records(text, mapping.source, outline):
            yield reading.read(record)
    except UnusableFeedError as error:
        yield FeedUnusable(reading.count, (error.problem, *warnings))
        return
    errors, found = reading.survey.finish(emptied=outline.emptied, confirmed=confirmed)
    warnings += found
    if errors:
        yield FeedUnusable(reading.count, (*errors, *warnings))
        return
    if not reading.count or (outline.emptied and not reading.survey.offered):
        warnings.append(problem("feed-without-items"))
    yield FeedComplete(reading.count, tuple(warnings))


class _Reading:
    """What one reading remembers: how many items there were, and their ids."""

    def __init__(self, mapping: FeedMapping, platform: str, on: date) -> None:
        self.count = 0
        self.survey = Survey(mapping.watched, mapping.only, used=mapping.used, items=_item_paths(mapping.source))
        self._mapping = mapping
        self._platform = platform
        self._on = on
        self._seen = SeenIds()

    def read(self, record: Record) -> Item:
        """The item that a record is. Raises UnusableFeedError where there are too many."""
        if self.count == FEED_ITEMS:
            raise UnusableFeedError("feed-too-long", expected=FEED_ITEMS)
        position = Position(self.count, record.line)
        self.count += 1
        known = own_id(self._mapping, record.content, self._platform)
        if record.problem is not None:
            return BrokenItem(position, known, (record.problem,))
        if not self.survey.holds(record.content):
            return PassedItem(position, known)
        if known is None:
            return BrokenItem(position, None, (problem("id-missing", pointer="/id", source=self._mapping.id.source),))
        if self._seen.add(known):
            return BrokenItem(position, known, (problem("id-repeated", pointer="/id", actual=known),))
        return draft(self._mapping, record.content, offer_id=known, position=position, on=self._on)


def _records(text: Iterator[str], source: Source, outline: Outline) -> Iterator[Record]:
    match source:
        case Elements(path):
            return read_elements(text, path, outline)
        case Objects(paths, linked=True):
            return read_linked(text, paths, outline)
        case Objects(paths):
            return read_documents(text, paths, outline)
        case Lines():
            return read_lines(text)
        case Rows(separator, columns, needed):
            return read_rows(text, separator=separator, columns=columns, needed=needed)


def _item_paths(source: Source) -> tuple[Path, ...]:
    match source:
        case Elements(path):
            return (path,)
        case Objects(paths):
            return paths
    return ()


def _refuse_pages(text: Iterator[str], source: Source) -> Iterator[str]:
    """The same text, unless it is an HTML page where none is expected: mostly an error with status 200."""
    first = next((piece for piece in text if piece.strip()), "")
    linked = isinstance(source, Objects) and source.linked
    if not linked and first.lstrip()[:100].casefold().startswith(_PAGES):
        raise UnusableFeedError("feed-is-html")
    return chain([first], text)
