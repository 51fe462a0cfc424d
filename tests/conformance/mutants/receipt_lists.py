"""Gateways whose list of receipts is wrong: its filters, its order, its cursors."""

from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.receipts import each_receipt, list_without, listed, reads_one, without
from tests.conformance.mutants.table import register

_LIST = "/v1/receipts"


@wrong("RCP-007", "applies the first filter only where several are given")
async def applies_one_filter(seen: Seen, forward: Forward) -> Answer:
    names = [name for name in ("verdict", "id", "batch", "snapshot", "since", "problems") if name in seen.query]
    return await forward(seen.asking(**dict.fromkeys(names[1:])) if seen.path == _LIST else seen)


@wrong("RCP-007", "applies the last filter only where several are given")
async def applies_the_last_filter(seen: Seen, forward: Forward) -> Answer:
    names = [name for name in ("verdict", "id", "batch", "snapshot", "since", "problems") if name in seen.query]
    return await forward(seen.asking(**dict.fromkeys(names[:-1])) if seen.path == _LIST else seen)


@wrong("RCP-007", "takes the first of several verdicts")
async def takes_the_first_verdict(seen: Seen, forward: Forward) -> Answer:
    first = seen.query.get("verdict", "").partition(",")[0]
    return await forward(seen.asking(verdict=first) if seen.path == _LIST and first else seen)


@wrong("RCP-007", "puts the id of a snapshot on the receipts of its items, not on those of its withdrawals")
async def forgets_the_snapshot_of_withdrawals(seen: Seen, forward: Forward) -> Answer:
    if seen.path == "/v1/snapshots":
        seen.memory.setdefault("lines", []).append(seen.body)
    answered = await forward(seen)
    sent = b"\n".join(seen.memory.get("lines", ()))

    def withdrawn(each: Any) -> bool:
        return "snapshot" in each and f'"{each.get("id")}"'.encode() not in sent and sent[:1] == b"{"

    if reads_one(seen):
        return each_receipt(seen, answered, lambda each: without("snapshot")(each) if withdrawn(each) else each)
    return list_without(seen, answered, lambda each: "snapshot" in seen.query and withdrawn(each))


@wrong("RCP-008", "lists receipts newest first")
async def lists_newest_first(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return answered if seen.query.get("order") == "newest" else _turned(seen, answered)


@wrong("RCP-008", "turns each page round for order=newest, and begins with the oldest page")
async def reverses_pages_for_newest(seen: Seen, forward: Forward) -> Answer:
    newest = seen.path == _LIST and seen.query.get("order") == "newest"
    answered = await forward(seen.asking(order=None) if newest else seen)
    return _turned(seen, answered) if newest else answered


def _turned(seen: Seen, answered: Answer) -> Answer:
    page = listed(seen, answered)
    return answered.saying({**page, "receipts": page["receipts"][::-1]}) if page else answered


register("receipt_lists")
