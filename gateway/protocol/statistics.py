"""Statistics: what submissions came to, counted by platform, day, rule, verdict and department. Pure.

A record of ``statistics`` holds the counts that one writer has made since its last record. ``number`` grows with each
record of a writer, so that a reader counts a record that was written twice only once. Beside the counts of refusals at
the door it names a few of these documents (``refused_document``), and beside all refusals the distinct offers
(``refused_offers``). A record may hold instead the numbers of public offers of a day (``open``).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple, TypeAlias

import orjson

from gateway.protocol.record import Record
from gateway.protocol.refused_document import RefusedDocument, documents_body, read_documents
from gateway.protocol.refused_offers import REFUSED, OfferCell, RefusedOffers, offers_body, read_offers
from gateway.protocol.value import value
from schemas.closed_list import closed_list

CountedVerdict: TypeAlias = str
"""``refused``: answered 422, never a submission. ``withdrawn``: an accepted withdrawal. The others are the relay's."""
VERDICTS: tuple[CountedVerdict, ...] = closed_list("counted")
Dimension: TypeAlias = str
DIMENSIONS: tuple[Dimension, ...] = closed_list("dimension")

UNBROKEN = ""
"""The rule of a submission that breaks none."""
BROKEN = "*"
"""The rule under which a submission that breaks any is counted once; under each of its own rules it is counted too."""
ELSEWHERE = ""
"""The department of a submission without a known one."""
MAX_CELLS = 1_000
"""Cells of one platform in a tally that name a department; further ones are counted without it."""


class Cell(NamedTuple):
    """Submissions that are counted together. ``day`` is an ISO date in Europe/Paris."""

    day: str
    platform: str
    verdict: CountedVerdict
    rule: str
    department: str


@value(frozen=True, slots=True)
class CountRecord:
    """One record: its writer, the writer's number of it, the counts by cell, some of the refused documents, and the
    hashes of the refused offers; ``open``: by day and department the public offers.
    """

    writer: str
    number: int
    counts: Mapping[Cell, int]
    refused: Sequence[RefusedDocument] = ()
    offers: Mapping[OfferCell, Collection[bytes]] = field(default_factory=dict)
    open: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class Tally:
    """Counts in memory, bounded by the numbers of platforms, days, verdicts and rules, and by ``MAX_CELLS``."""

    def __init__(self) -> None:
        self._counts: Counter[Cell] = Counter()
        self._located: Counter[str] = Counter()
        self.offers = RefusedOffers()

    def __len__(self) -> int:
        return len(self._counts)

    def add(
        self,
        platform: str,
        day: str,
        verdict: CountedVerdict,
        *,
        rules: Collection[str] = (),
        department: str | None = None,
        number: int = 1,
        offer: str = "",
    ) -> None:
        """Count submissions that break the same rules in the same department. ``offer``: the name of a refused one."""
        for rule in (BROKEN, *set(rules)) if rules else (UNBROKEN,):
            self.put(Cell(day, platform, verdict, rule, department or ELSEWHERE), number)
            if offer and verdict in REFUSED:
                self.offers.add(OfferCell(day, platform, verdict, rule), offer)

    def put(self, cell: Cell, number: int) -> None:
        """Add to one cell."""
        if cell.department and cell not in self._counts:
            if self._located[cell.platform] >= MAX_CELLS:
                cell = cell._replace(department=ELSEWHERE)
            else:
                self._located[cell.platform] += 1
        self._counts[cell] += number

    def take(self) -> Mapping[Cell, int]:
        """The counts so far, and begin at 0."""
        counts, self._counts, self._located = self._counts, Counter(), Counter()
        return counts


def count_record(record: CountRecord) -> Record:
    """A record of ``statistics``: key the writer, value its number, the counts by day, platform, verdict, rule and
    department, ``refused`` where documents are named, ``offers`` where some were refused, and ``open`` where the public
    offers of a day are counted.
    """
    tree: dict[str, Any] = {}
    for cell, number in record.counts.items():
        branch = tree
        for name in cell[:-1]:
            branch = branch.setdefault(name, {})
        branch[cell.department] = number
    body: dict[str, Any] = {"number": record.number, "counts": tree}
    if record.refused:
        body["refused"] = documents_body(record.refused)
    if record.offers:
        body["offers"] = offers_body(record.offers)
    if record.open:
        body["open"] = record.open
    return Record(record.writer.encode(), orjson.dumps(body))


def read_counts(key: bytes | None, text: bytes | None) -> CountRecord | None:
    """The inverse of ``count_record``; None for a record without a key or a value. Members and verdicts that a later
    version has added are kept as they are. Raises ValueError, KeyError, TypeError or AttributeError on a value that the
    gateway did not write.
    """
    if key is None or text is None:
        return None
    body = orjson.loads(text)
    counts = {Cell(*path): number for path, number in _leaves(body["counts"])}
    documents, offers = tuple(read_documents(body.get("refused"))), dict(read_offers(body.get("offers")))
    opened = {day: {code: int(one) for code, one in found.items()} for day, found in body.get("open", {}).items()}
    return CountRecord(key.decode(), int(body["number"]), counts, documents, offers, opened)


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], int]]:
    for day, platforms in tree.items():
        for platform, verdicts in platforms.items():
            for verdict, rules in verdicts.items():
                for rule, departments in rules.items():
                    for department, number in departments.items():
                        yield (day, platform, verdict, rule, department), number
