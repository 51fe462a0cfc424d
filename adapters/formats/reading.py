"""Read a feed: bytes in, offers and problems out, one item at a time; the last item says whether it is complete.

    blocks ─▶ text ─▶ records (elements, objects, lines, rows) ─▶ mapping ─▶ items

No content of a feed raises; memory use does not depend on its size. Errors of the iterator of blocks pass through.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from adapters.formats.csv_reader import read_rows
from adapters.formats.encoding import read_text
from adapters.formats.identity import UNREADABLE, Identities, conflict, digest_of
from adapters.formats.item import (
    FEED_ITEMS,
    BrokenItem,
    FeedComplete,
    FeedUnusable,
    Item,
    ItemPosition,
    OfferItem,
    PassedItem,
    RepeatedItem,
    Retraction,
    SourceItem,
)
from adapters.formats.json_reader import read_documents, read_lines
from adapters.formats.jsonld_reader import read_linked
from adapters.formats.mapping import Elements, FeedMapping, JsonLines, Objects, Rows, Source
from adapters.formats.mojibake import TWICE, mend_content
from adapters.formats.nearest_path import PathOutline
from adapters.formats.offer import build_offer, own_id
from adapters.formats.other_form import refuse_other_forms
from adapters.formats.paging import Pages, Paging, paging_of
from adapters.formats.path import Path
from adapters.formats.problem import ReadingProblem, UnreadableValueError, UnusableFeedError, problem
from adapters.formats.sector import Fallbacks
from adapters.formats.unmatched_paths import Survey
from adapters.formats.xml_reader import read_elements

MISFITS = frozenset(("items-not-found", "columns-missing", "path-not-found", "only-passes-all"))
"""Codes of a readable feed that the mapping does not fit."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One document of a feed. ``stated``: what the response that carried it says about pages, by the names of JSON."""

    blocks: Iterable[bytes]
    stated: Mapping[str, str] = field(default_factory=dict)


def read(
    blocks: Iterable[bytes], mapping: FeedMapping, *, platform: str, on: date, confirmed: bool = False
) -> Iterator[Item]:
    """The items of a feed in one document; see ``read_pages``."""
    return read_pages([FeedPage(blocks)], mapping, platform=platform, on=on, confirmed=confirmed)


def read_pages(
    pages: Iterable[FeedPage],
    mapping: FeedMapping,
    *,
    platform: str,
    on: date,
    confirmed: bool = False,
    steady: bool = True,
) -> Iterator[Item]:
    """The items of a feed as offers of ``platform``. ``on`` is the day of the run in Europe/Paris. ``steady``: the
    pages that were fetched again had the same items.

    A mapping that does not fit the feed makes it unusable: ``source.items``, a condition or the path of a required
    field selects nothing. ``confirmed``: an operator has confirmed that the feed is meant to hold no offer, so its
    conditions may exclude every item.

    Ends with exactly one ``FeedComplete`` or ``FeedUnusable``. Before ``FeedComplete`` no change may become permanent:
    the items so far may be the beginning of a feed that was cut.
    """
    warnings: list[ReadingProblem] = list(mapping.warnings)
    reading = _FeedReading(mapping, platform, on)
    walk = Pages(steady=steady)
    emptied = False
    try:
        for page in pages:
            outline = PathOutline(confirmed=confirmed)
            of_page: list[ReadingProblem] = []
            try:
                for record in _page_records(page, mapping, outline, of_page):
                    yield reading.read(record)
            finally:  # also where the page is cut
                warnings += [one for one in of_page if one not in warnings]
            emptied = emptied or outline.emptied
            walk.read.append(_paging(page, mapping, outline, reading.count - walk.items))
    except UnusableFeedError as error:
        yield FeedUnusable(reading.count, (error.problem, *warnings))
        return
    walk.repeated = reading.repeated
    errors, found = reading.survey.finish(emptied=emptied, confirmed=confirmed)
    warnings += found
    if errors:
        yield FeedUnusable(reading.count, (*errors, *warnings))
        return
    if not reading.count or (emptied and not reading.survey.offered):
        warnings.append(problem("feed-without-items"))
    warnings += reading.fallbacks.problems()
    open_ = walk.problems()
    yield FeedComplete(reading.count, (*open_, *warnings), whole=not open_)


def look_at(page: FeedPage, mapping: FeedMapping) -> tuple[Paging, str]:
    """The statements of a page about others, and a digest of its items' ids in order. Raises UnusableFeedError."""
    outline, digest, count = PathOutline(), hashlib.sha256(), 0
    for record in _page_records(page, mapping, outline, []):
        digest.update(f"{own_id(mapping, record.content, '')}\n".encode())
        count += 1
    return _paging(page, mapping, outline, count), digest.hexdigest()


def _page_records(
    page: FeedPage, mapping: FeedMapping, outline: PathOutline, warnings: list[ReadingProblem]
) -> Iterator[SourceItem]:
    linked = isinstance(mapping.source, Objects) and mapping.source.linked
    text = refuse_other_forms(read_text(page.blocks, mapping.encoding, warnings), pages=linked)
    return _records(text, mapping.source, outline)


def _paging(page: FeedPage, mapping: FeedMapping, outline: PathOutline, items: int) -> Paging:
    objects = [((), page.stated), *outline.objects]
    return paging_of(objects, items, above=_item_paths(mapping.source))


class _FeedReading:
    """State of one reading: the number of items, their ids and the sector fallbacks."""

    def __init__(self, mapping: FeedMapping, platform: str, on: date) -> None:
        self.count = 0
        self.repeated = False
        self.fallbacks = Fallbacks()
        self.survey = Survey(mapping.watched, mapping.only, on=on, used=mapping.used, items=_item_paths(mapping.source))
        self._mapping = mapping
        self._platform = platform
        self._on = on
        self._identities = Identities()

    def read(self, record: SourceItem) -> Item:
        """The item of a record. Raises UnusableFeedError if there are too many items."""
        if self.count == FEED_ITEMS:
            raise UnusableFeedError("feed-too-long", expected=FEED_ITEMS)
        if self._mapping.encoding == TWICE:
            record = replace(record, content=mend_content(record.content))
        position = ItemPosition(self.count, record.line)
        self.count += 1
        known = own_id(self._mapping, record.content, self._platform)
        if record.problem is not None:
            return self._refuse(position, known, record.problem)
        try:
            held = self.survey.holds(record.content)
        except UnreadableValueError as error:
            return self._refuse(position, known, _unread_condition(error))
        if not held:
            return PassedItem(position, known)
        if known is None:
            return BrokenItem(position, None, (problem("id-missing", pointer="/id", source=self._mapping.id.source),))
        offer = build_offer(self._mapping, record.content, offer_id=known, position=position, on=self._on)
        item = self._identify(offer, known, digest_of(offer))
        if not isinstance(item, RepeatedItem):
            self.fallbacks.add(offer.fallback)
        return item

    def _refuse(self, position: ItemPosition, known: str | None, reason: ReadingProblem) -> Item:
        broken = BrokenItem(position, known, (reason,))
        return broken if known is None else self._identify(broken, known, UNREADABLE)

    def _identify(self, item: OfferItem | BrokenItem, offer_id: str, digest: int) -> Item:
        """The item, or its repetition or conflict if the id occurred before (FMT-007)."""
        earlier = self._identities.meet(offer_id, item.position, digest)
        if earlier is None:
            return item
        self.repeated = True
        if earlier.identical:
            return RepeatedItem(item.position, offer_id, earlier.first)
        unread = item.problems if isinstance(item, BrokenItem) else ()
        problems = (*unread, conflict(offer_id, earlier.first))
        if earlier.contradicted:
            return BrokenItem(item.position, offer_id, problems)
        retraction = Retraction(earlier.first, conflict(offer_id, item.position))
        return BrokenItem(item.position, offer_id, problems, retraction)


def _records(text: Iterator[str], source: Source, outline: PathOutline) -> Iterator[SourceItem]:
    match source:
        case Elements(path):
            return read_elements(text, path, outline)
        case Objects(paths, linked=True):
            return read_linked(text, paths, outline)
        case Objects(paths, keyed=keyed):
            return read_documents(text, paths, outline, keyed=keyed)
        case JsonLines():
            return read_lines(text)
        case Rows(separator, columns, needed):
            return read_rows(text, separator=separator, columns=columns, needed=needed)


def _unread_condition(error: UnreadableValueError) -> ReadingProblem:
    """The problem of an item whose value for a condition is unreadable: it may be an offer."""
    return problem(error.code, actual=error.actual, source="only", rule="/mapping/only", **error.values)


def _item_paths(source: Source) -> tuple[Path, ...]:
    match source:
        case Elements(path):
            return (path,)
        case Objects(paths):
            return paths
    return ()
