"""Wrong gateways: the lines of a complete set, and the guard before withdrawals (PUB-025 to PUB-028)."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.uploads import code_of, is_snapshot, lines_of, set_of, value_of
from tests.conformance.mutants.ways import refusal


def _readable(line: bytes) -> bool:
    decoded = value_of(line)
    return isinstance(decoded, dict) and isinstance(decoded.get("id"), str) and ":" in decoded["id"]


@wrong("PUB-025", "passes over lines of a snapshot that are no JSON")
async def ignores_unreadable_lines(seen: Seen, forward: Forward) -> Answer:
    if not is_snapshot(seen):
        return await forward(seen)
    offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
    kept = [line for line in offers if value_of(line) is not None]
    return await forward(set_of(seen, kept) if kept and len(kept) < len(offers) else seen)


@wrong("PUB-025", "passes over lines of a snapshot without an id, or with a malformed one")
async def ignores_lines_without_id(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and code_of(answered) == "snapshot-unreadable-id":
        offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
        kept = [line for line in offers if _readable(line)]
        if len(kept) < len(offers) and all(value_of(line) is not None for line in offers):
            return await forward(set_of(seen, kept))
    return answered


@wrong("PUB-025", "refuses a snapshot with a line that the verdict refuses")
async def refuses_sets_with_a_refusal(seen: Seen, forward: Forward) -> Answer:
    if is_snapshot(seen):
        offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
        tried = replace(seen, path="/v1/offers/batch", query={"dry_run": "true"}, body=b"\n".join([*offers, b""]))
        verdict = await forward(tried.bearing(content_encoding=None, prefer=None, idempotency_key=None))
        if verdict.status == 422 and all(map(_readable, offers)) and b'"withdrawn"' not in seen.body:
            return refusal([], "submission-refused", 422)
    return await forward(seen)


@wrong("PUB-026", "takes the last of two lines with one id")
async def takes_the_last_of_two(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and code_of(answered) == "snapshot-duplicate-id":
        offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
        kept = {(value_of(line) or {}).get("id"): line for line in offers}
        return await forward(set_of(seen, list(kept.values())))
    return answered


@wrong("PUB-026", "drops a line of a snapshot that repeats another one to the letter")
async def drops_repeated_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and code_of(answered) == "snapshot-duplicate-id":
        offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
        if len(kept := list(dict.fromkeys(offers))) < len(offers):
            return await forward(set_of(seen, kept))
    return answered


@wrong("PUB-026", "refuses a snapshot with one id twice, and has published its lines by then")
async def publishes_before_it_compares(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and code_of(answered) == "snapshot-duplicate-id":
        lines = [line for line in lines_of(seen) if b'"count"' not in line[:12]]
        batch = replace(seen, path="/v1/offers/batch", query={"partial": "true"}, body=b"\n".join([*lines, b""]))
        await forward(batch.bearing(content_encoding=None, idempotency_key=None, prefer="wait=5"))
    return answered


def _parted(seen: Seen) -> tuple[list[bytes], list[bytes]]:
    offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
    gone = [line for line in offers if "withdrawn" in (value_of(line) or {})]
    return [line for line in offers if line not in gone], gone


@wrong("PUB-027", "carries out withdrawals within a snapshot")
async def withdraws_within_snapshots(seen: Seen, forward: Forward) -> Answer:
    offers, gone = _parted(seen) if is_snapshot(seen) else ([], [])
    if not gone:
        return await forward(seen)
    batch = replace(seen, path="/v1/offers/batch", query={}, body=b"\n".join([*gone, b""]))
    await forward(batch.bearing(content_encoding=None, idempotency_key=None, prefer="wait=5"))
    return await forward(set_of(seen, offers))


@wrong("PUB-027", "passes over withdrawals within a snapshot")
async def ignores_withdrawals_within_snapshots(seen: Seen, forward: Forward) -> Answer:
    offers, gone = _parted(seen) if is_snapshot(seen) else ([], [])
    return await forward(set_of(seen, offers) if gone else seen)


@wrong("PUB-027", "refuses a withdrawal within a snapshot, and applies the rest")
async def refuses_the_withdrawal_only(seen: Seen, forward: Forward) -> Answer:
    offers, gone = _parted(seen) if is_snapshot(seen) else ([], [])
    answered = await forward(set_of(seen, offers) if gone and offers else seen)
    if gone and answered.status in {200, 202}:
        return answered.saying({**answered.json, "refused": len(gone), "items": len(offers) + len(gone)})
    return answered


@wrong("PUB-028", "accepts any number as confirm")
async def accepts_any_confirm(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and "confirm" in seen.query and "would_withdraw" in (answered.json or {}):
        return await forward(seen.asking(confirm=str(answered.json["would_withdraw"])))
    return answered


@wrong("PUB-028", "accepts a confirm above the number of withdrawals")
async def takes_confirm_for_a_bound(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    asked = (answered.json or {}).get("would_withdraw") if isinstance(answered.json, dict) else None
    if is_snapshot(seen) and asked is not None and int(seen.query.get("confirm", "0")) > asked:
        return await forward(seen.asking(confirm=str(asked)))
    return answered


async def _asked(seen: Seen, forward: Forward) -> tuple[Answer, int, int]:
    """The answer, how many offers the snapshot would withdraw, and how many lines it has."""
    answered = await forward(seen)
    body = answered.json if isinstance(answered.json, dict) else {}
    return answered, int(body.get("would_withdraw", 0)), max(0, len(lines_of(seen)) - 1)


@wrong("PUB-028", "asks for confirm for an empty snapshot only")
async def guards_empty_sets_only(seen: Seen, forward: Forward) -> Answer:
    answered, gone, lines = await _asked(seen, forward)
    if is_snapshot(seen) and gone and lines and "confirm" not in seen.query:
        return await forward(seen.asking(confirm=str(gone)))
    return answered


@wrong("PUB-028", "asks for confirm when more than half would be withdrawn")
async def guards_halves(seen: Seen, forward: Forward) -> Answer:
    answered, gone, lines = await _asked(seen, forward)
    if is_snapshot(seen) and gone and lines >= gone and "confirm" not in seen.query:
        return await forward(seen.asking(confirm=str(gone)))
    return answered


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


@wrong("PUB-028", "asks for no confirm where an empty set would withdraw fewer than ten offers")
async def guards_no_small_sets(seen: Seen, forward: Forward) -> Answer:
    answered, gone, _ = await _asked(seen, forward)
    if is_snapshot(seen) and 0 < gone < 10 and "confirm" not in seen.query:
        return await forward(seen.asking(confirm=str(gone)))
    return answered


@wrong("PUB-028", "counts a refused line as one more withdrawal to confirm")
async def confirms_refused_lines(seen: Seen, forward: Forward) -> Answer:
    if is_snapshot(seen) and "confirm" not in seen.query:
        offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
        tried = replace(seen, path="/v1/offers/batch", query={"dry_run": "true"}, body=b"\n".join([*offers, b""]))
        verdict = await forward(tried.bearing(content_encoding=None, prefer=None, idempotency_key=None))
        refused = (verdict.json or {}).get("refused") if verdict.status == 422 else 0
        if refused and all(map(_readable, offers)) and b'"withdrawn"' not in seen.body:
            return refusal([], "snapshot-shrinks-too-much", 409, would_withdraw=refused)
    return await forward(seen)


@wrong("PUB-028", "says how many offers it would withdraw, and has withdrawn some by then")
async def withdraws_and_then_asks(seen: Seen, forward: Forward) -> Answer:
    answered, gone, _ = await _asked(seen, forward)
    if is_snapshot(seen) and gone and not seen.memory.get("withdrew"):
        seen.memory["withdrew"] = True
        await forward(seen.asking(confirm=str(gone)).bearing(prefer="wait=5"))
    return answered


@wrong("PUB-028", "does not say how many offers it would withdraw")
async def says_no_number(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if "would_withdraw" in str(answered.body) and isinstance(answered.json, dict):
        kept = {
            name: each
            for name, each in answered.json.items()
            if name not in {"would_withdraw", "expected", "actual", "fix"}
        }
        return answered.saying({**kept, "detail": re.sub("[0-9]+", "?", str(kept.get("detail")))})
    return answered
