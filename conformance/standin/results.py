"""The answer to an upload: a status for every item, and details within a bound (PUB-016, PUB-017)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

import schemas
from conformance.standin.upload import Item
from schemas.rulebook import Language

MAX_RESULTS = 10_000
MAX_IN_FULL = 1_000
MAX_BYTES = 8_000_000
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
"""Letter of each status of an item."""
_BAD = frozenset({"refused", "stale", "rejected"})

Receipts = Mapping[int, Mapping[str, Any]]
"""The receipts of queued items by index."""


class _Budget:
    """A budget of items in full, and of their bytes; the first item always fits."""

    def __init__(self) -> None:
        self._items, self._bytes = MAX_IN_FULL, MAX_BYTES

    @property
    def left(self) -> bool:
        return self._items > 0 and self._bytes > 0

    def spend(self, result: Mapping[str, Any]) -> None:
        self._items -= 1
        self._bytes -= len(orjson.dumps(result))


def results_of(
    items: Sequence[Item], status: str, receipts: Receipts, *, decided: bool, language: Language
) -> dict[str, Any]:
    """The members ``results``, ``statuses``, ``rules``, ``warnings``, ``omitted`` (schema ``batch-result``). ``status``
    is that of an accepted item that is not ``decided``.
    """
    results: list[dict[str, Any]] = []
    letters: list[str] = []
    rules: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    left_out: list[int] = []
    bad_ones, warned = _Budget(), _Budget()
    for index, item in enumerate(items):
        receipt = receipts.get(index)
        now = "refused" if item.submission is None else receipt["verdict"] if receipt and decided else status
        problems = receipt["problems"] if receipt and now in _BAD else item.problems
        letters.append(LETTERS[now])
        warnings.update({each["code"] for each in item.problems if each["severity"] == "warning"})
        rules.update(set(item.codes) if now == "refused" else [problems[0]["code"]] if now in _BAD else ())
        budget = bad_ones if now in _BAD else warned
        full = bool(problems) and budget.left and (now in _BAD or index < MAX_RESULTS)
        if now in _BAD and not full:
            left_out.append(index)
        if index >= MAX_RESULTS and not (now in _BAD and full):
            continue
        result: dict[str, Any] = {"index": index, "status": now, "id": item.id}
        if receipt is not None:
            result["receipt"] = receipt["receipt"]
        if full:
            result["problems"] = [schemas.localized(each, language) for each in problems]
            budget.spend(result)
        results.append(result)
    body = {"results": results, "statuses": "".join(letters), "rules": dict(rules), "warnings": dict(warnings)}
    return body if not left_out else {**body, "omitted": {"items": len(left_out), "from": left_out[0]}}
