"""Wrong gateways: the lines of a complete set, and the guard before withdrawals (PUB-025 to PUB-028)."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import batch_of, code_of, is_snapshot, lines_of, offers_of, set_of, value_of
from tests.conformance.mutants.ways import refusal
from tests.conformance.mutants.when import Changed, on_answer, on_request

_GUARD = "snapshot-shrinks-too-much"
_UNCONFIRMED = f"snapshot !?confirm @{_GUARD}"


def _confirmed(seen: Seen, answered: Answer) -> Seen:
    """The snapshot with the confirmation that the answer asks for."""
    return seen.asking(confirm=str(answered.json["would_withdraw"]))


async def _judged(seen: Seen, forward: Forward) -> Answer | None:
    """The refusal of a snapshot's lines as a batch, where each has an id and none is a withdrawal."""
    tried = await forward(batch_of(seen, offers_of(seen), None, dry_run="true"))
    sound = all(map(_readable, offers_of(seen))) and b'"withdrawn"' not in seen.body
    return tried if tried.status == 422 and sound else None


def _readable(line: bytes) -> bool:
    decoded = value_of(line)
    return isinstance(decoded, dict) and isinstance(decoded.get("id"), str) and ":" in decoded["id"]


@on_request("PUB-025", "passes over lines of a snapshot that are no JSON", "snapshot")
def ignores_unreadable_lines(seen: Seen) -> Changed:
    kept = [line for line in offers_of(seen) if value_of(line) is not None]
    return set_of(seen, kept) if kept and len(kept) < len(offers_of(seen)) else None


@on_answer(
    "PUB-025",
    "passes over lines of a snapshot without an id, or with a malformed one",
    "snapshot @snapshot-unreadable-id",
)
def ignores_lines_without_id(seen: Seen, _: Answer) -> Changed:
    offers = offers_of(seen)
    kept = [line for line in offers if _readable(line)]
    sound = len(kept) < len(offers) and all(value_of(line) is not None for line in offers)
    return set_of(seen, kept) if sound else None


@wrong("PUB-025", "refuses a snapshot with a line that the verdict refuses")
async def refuses_sets_with_a_refusal(seen: Seen, forward: Forward) -> Answer:
    if is_snapshot(seen) and await _judged(seen, forward):
        return refusal([], "submission-refused", 422)
    return await forward(seen)


@on_answer("PUB-026", "takes the last of two lines with one id", "snapshot @snapshot-duplicate-id")
def takes_the_last_of_two(seen: Seen, _: Answer) -> Changed:
    return set_of(seen, list({(value_of(line) or {}).get("id"): line for line in offers_of(seen)}.values()))


@on_answer(
    "PUB-026", "drops a line of a snapshot that repeats another one to the letter", "snapshot @snapshot-duplicate-id"
)
def drops_repeated_lines(seen: Seen, _: Answer) -> Changed:
    kept = list(dict.fromkeys(offers_of(seen)))
    return set_of(seen, kept) if len(kept) < len(offers_of(seen)) else None


@wrong("PUB-026", "refuses a snapshot with one id twice, and has published its lines by then")
async def publishes_before_it_compares(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and code_of(answered) == "snapshot-duplicate-id":
        await forward(batch_of(seen, offers_of(seen), partial="true"))
    return answered


def _parted(seen: Seen) -> tuple[list[bytes], list[bytes]]:
    offers = offers_of(seen) if is_snapshot(seen) else []
    gone = [line for line in offers if "withdrawn" in (value_of(line) or {})]
    return [line for line in offers if line not in gone], gone


@wrong("PUB-027", "carries out withdrawals within a snapshot")
async def withdraws_within_snapshots(seen: Seen, forward: Forward) -> Answer:
    offers, gone = _parted(seen)
    if not gone:
        return await forward(seen)
    await forward(batch_of(seen, gone))
    return await forward(set_of(seen, offers))


@on_request("PUB-027", "passes over withdrawals within a snapshot")
def ignores_withdrawals_within_snapshots(seen: Seen) -> Changed:
    offers, gone = _parted(seen)
    return set_of(seen, offers) if gone else None


@wrong("PUB-027", "refuses a withdrawal within a snapshot, and applies the rest")
async def refuses_the_withdrawal_only(seen: Seen, forward: Forward) -> Answer:
    offers, gone = _parted(seen)
    answered = await forward(set_of(seen, offers) if gone and offers else seen)
    if gone and answered.status in {200, 202}:
        return answered.saying({**answered.json, "refused": len(gone), "items": len(offers) + len(gone)})
    return answered


@on_answer("PUB-028", "accepts any number as confirm", f"snapshot ?confirm @{_GUARD}")
def accepts_any_confirm(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered)


@on_answer("PUB-028", "accepts a confirm above the number of withdrawals", f"snapshot ?confirm @{_GUARD}")
def takes_confirm_for_a_bound(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered) if int(seen.query["confirm"]) > answered.json["would_withdraw"] else None


@on_answer("PUB-028", "asks for confirm for an empty snapshot only", _UNCONFIRMED)
def guards_empty_sets_only(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered) if len(lines_of(seen)) > 1 else None


@on_answer("PUB-028", "asks for confirm when more than half would be withdrawn", _UNCONFIRMED)
def guards_halves(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered) if len(lines_of(seen)) > answered.json["would_withdraw"] else None


@wrong("PUB-028", "asks for confirm for more than a fifth, however few they are")
async def guards_fifths_of_few(seen: Seen, forward: Forward) -> Answer:
    if not is_snapshot(seen) or "confirm" in seen.query:
        return await forward(seen)
    absent = await _absent(seen, forward)
    live = absent + len({(value_of(line) or {}).get("id") for line in lines_of(seen)}) - 1
    if live and 0 < absent < 10 and absent * 5 > live:
        return refusal([], "snapshot-shrinks-too-much", 409, would_withdraw=absent)
    return await forward(seen)


async def _absent(seen: Seen, forward: Forward) -> int:
    """How many offers that were published in this run, and are live, a snapshot lacks."""
    there = {str((each or {}).get("id")) for each in map(value_of, lines_of(seen))}
    slug = next((each.partition(":")[0] for each in sorted(there) if ":" in each), None)
    query = {"platform": slug, "territory": "all", "limit": "1000"} if slug else {}
    listed = await forward(
        replace(seen, method="GET", path="/v1/offers", query=query, body=b"").bearing(
            content_type=None, content_encoding=None, prefer=None, idempotency_key=None
        )
    )
    if not slug or listed.status != 200:
        return 0
    return len({each["id"] for each in listed.json["offers"]} - there)


@on_answer("PUB-028", "asks for no confirm where an empty set would withdraw fewer than ten offers", _UNCONFIRMED)
def guards_no_small_sets(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered) if answered.json["would_withdraw"] < 10 else None


@wrong("PUB-028", "counts a refused line as one more withdrawal to confirm")
async def confirms_refused_lines(seen: Seen, forward: Forward) -> Answer:
    verdict = await _judged(seen, forward) if is_snapshot(seen) and "confirm" not in seen.query else None
    refused = verdict.json.get("refused") if verdict else None
    return refusal([], _GUARD, 409, would_withdraw=refused) if refused else await forward(seen)


@wrong("PUB-028", "says how many offers it would withdraw, and has withdrawn some by then")
async def withdraws_and_then_asks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and b'"would_withdraw"' in answered.body and not seen.memory.get("withdrew"):
        seen.memory["withdrew"] = True
        await forward(_confirmed(seen, answered).bearing(prefer="wait=5"))
    return answered


register("sets")
