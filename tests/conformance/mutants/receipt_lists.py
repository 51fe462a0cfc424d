"""Gateways whose list of receipts is wrong: its filters, its order, its cursors."""

from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.receipts import each_receipt, list_without, listed, reads_one, without
from tests.conformance.mutants.views import code_of

_LIST = "/v1/receipts"


def _ignoring(seen: Seen, name: str) -> Seen:
    """The request without one of its filters."""
    return seen.asking(**{name: None}) if seen.path == _LIST else seen


@wrong("RCP-007", "ignores the verdict that receipts are asked for by")
async def ignores_verdicts(seen: Seen, forward: Forward) -> Answer:
    return await forward(_ignoring(seen, "verdict"))


@wrong("RCP-007", "ignores the offer that receipts are asked for by")
async def ignores_offers(seen: Seen, forward: Forward) -> Answer:
    return await forward(_ignoring(seen, "id"))


@wrong("RCP-007", "ignores the batch that receipts are asked for by")
async def ignores_batches(seen: Seen, forward: Forward) -> Answer:
    return await forward(_ignoring(seen, "batch"))


@wrong("RCP-007", "ignores the snapshot that receipts are asked for by")
async def ignores_snapshots(seen: Seen, forward: Forward) -> Answer:
    return await forward(_ignoring(seen, "snapshot"))


@wrong("RCP-007", "ignores the time that receipts are asked for by")
async def ignores_times(seen: Seen, forward: Forward) -> Answer:
    return await forward(_ignoring(seen, "since"))


@wrong("RCP-007", "ignores whether receipts with problems are asked for")
async def ignores_problems(seen: Seen, forward: Forward) -> Answer:
    return await forward(_ignoring(seen, "problems"))


@wrong("RCP-007", "lists the same receipts for problems=false as for problems=true")
async def takes_false_for_true(seen: Seen, forward: Forward) -> Answer:
    there = seen.path == _LIST and seen.query.get("problems") == "false"
    return await forward(seen.asking(problems="true") if there else seen)


@wrong("RCP-007", "takes warnings for no problems")
async def counts_errors_only(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.query.get("problems") != "true":
        return answered
    return list_without(seen, answered, lambda each: each["verdict"] == "accepted")


@wrong("RCP-007", "knows a snapshot by its id only, not by its mark")
async def knows_no_marks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    by_mark = seen.path == _LIST and not seen.query.get("snapshot", "s").startswith("s")
    return list_without(seen, answered, lambda _: by_mark)


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


@wrong("RCP-007", "puts no id of the batch on its receipts")
async def forgets_batches(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return each_receipt(seen, answered, without("batch")) if seen.method == "GET" else answered


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


@wrong("RCP-008", "ignores order=newest")
async def ignores_the_order(seen: Seen, forward: Forward) -> Answer:
    return await forward(seen.asking(order=None) if seen.path == _LIST else seen)


@wrong("RCP-008", "turns each page round for order=newest, and begins with the oldest page")
async def reverses_pages_for_newest(seen: Seen, forward: Forward) -> Answer:
    newest = seen.path == _LIST and seen.query.get("order") == "newest"
    answered = await forward(seen.asking(order=None) if newest else seen)
    return _turned(seen, answered) if newest else answered


def _turned(seen: Seen, answered: Answer) -> Answer:
    page = listed(seen, answered)
    return answered.saying({**page, "receipts": page["receipts"][::-1]}) if page else answered


@wrong("RCP-008", "begins again where a cursor of receipts comes with another filter")
async def begins_receipts_again(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _LIST and code_of(answered) == "cursor-filter" and "order" not in seen.query:
        return await forward(seen.asking(cursor=None))
    return answered


@wrong("RCP-008", "takes a cursor of receipts under another order")
async def takes_cursors_of_another_order(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _LIST and code_of(answered) == "cursor-filter" and "order" in seen.query:
        return await forward(seen.asking(cursor=None))
    return answered


@wrong("RCP-008", "asks for a new reading where a cursor of receipts comes with another filter")
async def answers_410_to_cursors_of_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = seen.path == _LIST and code_of(answered) == "cursor-filter"
    return replace(answered.saying({**answered.json, "code": "resync-required"}), status=410) if found else answered
