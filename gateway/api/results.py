"""The answer to an upload: a status for every item, and details within a bound (requirements PUB-016, PUB-017).

``statuses`` has one letter per item. ``results`` has an object for each of the first 10,000 items, and for each of the
first 1,000 that were refused, these with their problems; ``rules`` and ``warnings`` count the items by rule.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

import schemas
from gateway.ingest.upload.upload import Upload
from gateway.protocol.receipt import VERDICTS
from schemas.rulebook import Language

LETTERS: Mapping[str, str] = {
    "queued": "q",
    "refused": "r",
    "not-queued": "n",
    "unknown": "u",
    "valid": "v",
    "accepted": "a",
    "duplicate": "d",
    "stale": "s",
    "rejected": "j",
}
"""Each status of an item, by its letter in ``statuses``."""
MAX_RESULTS = 10_000
MAX_IN_FULL = 1_000
MAX_BYTES = 8_000_000
"""Largest total size of refused items with their problems, and of accepted ones; the first item always has them."""

_ORDINAL = {letter.encode()[0]: status for status, letter in LETTERS.items()}
_WITH_RECEIPT = frozenset({"queued", "unknown", *VERDICTS})
_BAD = frozenset({"refused", "stale", "rejected"})
_PROBLEMS = b',"problems":['
_EMPTY_EVERY = 256


@dataclass(slots=True)
class Decided:
    """Decisions of queued items that arrived in time: a letter of ``LETTERS`` per item, 0 for none; the problems of
    stale and rejected items, kept while ``keeping``; and the counts of these by rule.
    """

    letters: bytearray
    problems: dict[int, list[Any]] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    keeping: bool = True

    def take(self, index: int, receipt: Mapping[str, Any]) -> None:
        """Record the decision of one item."""
        verdict = receipt["verdict"]
        self.letters[index] = ord(LETTERS[verdict])
        self.verdicts[verdict] += 1
        if verdict in _BAD:
            # The first problem is the decision's; the others are warnings, counted when the item was judged.
            self.rules[receipt["problems"][0]["code"]] += 1
            if self.keeping:
                self.problems[index] = receipt["problems"]


def write_results(
    members: Mapping[str, Any],
    upload: Upload,
    status_of: Callable[[int], str],
    *,
    language: Language,
    decided: Decided | None = None,
) -> Iterator[bytes]:
    """The answer in pieces (schema ``batch-result``), ``members`` first. ``status_of`` gives the status of an accepted
    item that is not ``decided``. A piece may be empty, so that the caller can check the time.
    """
    head = orjson.dumps(members)[1:-1]
    yield b"{" + head + (b"," if head else b"") + b'"results":['
    writer = _ResultWriter(language, decided)
    for index, (known, receipt) in enumerate(upload.results()):
        piece = writer.write(index, known, receipt, "refused" if receipt is None else status_of(index))
        if piece or not index % _EMPTY_EVERY:
            yield piece
    rules = upload.rules if decided is None else upload.rules + decided.rules
    rest: dict[str, Any] = {
        "statuses": writer.statuses.decode(),
        "rules": dict(rules.most_common()),
        "warnings": dict(upload.warnings.most_common()),
    }
    if writer.left_out:
        rest["omitted"] = {"items": writer.left_out, "from": writer.left_out_from}
    yield b"]," + orjson.dumps(rest)[1:]


class _ResultBudget:
    """A budget of items in full, and of their bytes; the first item always fits."""

    def __init__(self) -> None:
        self._items = MAX_IN_FULL
        self._bytes = MAX_BYTES

    @property
    def left(self) -> bool:
        return self._items > 0 and self._bytes > 0

    def spend(self, size: int) -> None:
        self._items -= 1
        self._bytes -= size


class _ResultWriter:
    """Writes the results one by one, and collects the members that follow them."""

    def __init__(self, language: Language, decided: Decided | None) -> None:
        self.statuses = bytearray()
        self.left_out = 0
        self.left_out_from = 0
        self._language = language
        self._decided = decided
        self._bad, self._warned = _ResultBudget(), _ResultBudget()
        self._wrote = False

    def write(self, index: int, known: bytes, receipt: bytes | None, status: str) -> bytes:
        """The object of one item with the comma before it; empty if the item has none."""
        if self._decided is not None and self._decided.letters[index]:
            status = _ORDINAL[self._decided.letters[index]]
        self.statuses += LETTERS[status].encode()
        bad = status in _BAD
        full = self._bad.left if bad else b'"problems"' in known and index < MAX_RESULTS and self._warned.left
        if bad and not full:
            self.left_out_from = self.left_out_from if self.left_out else index
            self.left_out += 1
        if index >= MAX_RESULTS and not (bad and full):
            return b""
        if full:
            known = self._in_full(index, known, status)
            (self._bad if bad else self._warned).spend(len(known))
        else:
            known = _without_problems(known)
        named = b'"receipt":"%b",' % receipt if receipt is not None and status in _WITH_RECEIPT else b""
        comma, self._wrote = b"," if self._wrote else b"", True
        return b'%b{"index":%d,"status":"%b",%b%b' % (
            comma,
            index,
            status.encode(),
            named,
            known[1:],
        )

    def _in_full(self, index: int, known: bytes, status: str) -> bytes:
        result = orjson.loads(known)
        if self._decided is not None and status != "refused" and status in _BAD:
            result["problems"] = self._decided.problems.get(index, [])
        result["problems"] = [schemas.localized(problem, self._language) for problem in result.get("problems", ())]
        return orjson.dumps(result)


def _without_problems(known: bytes) -> bytes:
    """The object of an item without its problems. No id contains the delimiter: a quote in an id is escaped."""
    end = known.find(_PROBLEMS)
    return known if end < 0 else known[:end] + b"}"
