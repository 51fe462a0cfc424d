"""Wrong gateways: marks and counts of snapshots (PUB-020 to PUB-024)."""

import zlib
from contextlib import suppress
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import (
    OFFERS,
    batch_of,
    code_of,
    is_snapshot,
    lines_of,
    offers_of,
    set_of,
    value_of,
)
from tests.conformance.mutants.ways import BATCH, MARKS, refusal, unpacked
from tests.conformance.mutants.when import Changed, on_answer, on_request


async def _with_marks(seen: Seen, forward: Forward) -> tuple[Answer, bool]:
    """The answer, and whether this gateway has issued the request's mark; to whom does not matter."""
    answered = await forward(seen)
    known = seen.memory.setdefault("marks", set())
    if seen.path == MARKS and answered.status == 201:
        known.add(answered.json["mark"])
    return answered, seen.query.get("mark") in known


async def _with_a_new_mark(seen: Seen, forward: Forward, *, where: bool) -> Answer | None:
    """The answer to the snapshot under a mark that is taken now, where this holds."""
    if not (where and is_snapshot(seen)):
        return None
    bare = replace(seen, path=MARKS, query={}, body=b"")
    bare = bare.bearing(content_type=None, content_encoding=None, prefer=None, idempotency_key=None)
    mark = (await forward(bare)).json or {}
    return await forward(seen.asking(mark=str(mark.get("mark"))))


@wrong("PUB-020", "takes a mark by itself when a snapshot brings none")
async def takes_missing_marks_itself(seen: Seen, forward: Forward) -> Answer:
    return await _with_a_new_mark(seen, forward, where="mark" not in seen.query) or await forward(seen)


@wrong("PUB-020", "treats what was updated after the mark as if it were older")
async def forgets_updates_after_the_mark(seen: Seen, forward: Forward) -> Answer:
    if seen.path == MARKS:
        seen.memory["updated"] = set()
    answered = await forward(seen)
    updated = seen.memory.setdefault("updated", set())
    if seen.publishes and answered.status == 200 and (answered.json or {}).get("verdict") == "accepted":
        updated.add((answered.json["id"], answered.json["revision"]))
    if is_snapshot(seen) and answered.status in {200, 202}:
        ids = {str((each or {}).get("id")) for each in map(value_of, lines_of(seen))}
        for offer, revision in sorted(updated):
            if offer not in ids:
                gone = replace(
                    seen, method="DELETE", path=OFFERS + offer, query={"revision": str(revision + 1)}, body=b""
                )
                await forward(gone.bearing(content_type=None, content_encoding=None, prefer="wait=5"))
    return answered


@wrong("PUB-020", "treats what a batch brought after the mark as absent")
async def forgets_batches_after_the_mark(seen: Seen, forward: Forward) -> Answer:
    if seen.path in {MARKS, BATCH}:
        seen.memory["batched"] = seen.path == BATCH
    late = bool(seen.memory.get("batched")) and "mark" in seen.query
    return await _with_a_new_mark(seen, forward, where=late) or await forward(seen)


@wrong("PUB-021", "accepts the mark of another platform")
async def accepts_marks_of_others(seen: Seen, forward: Forward) -> Answer:
    answered, issued = await _with_marks(seen, forward)
    invalid = code_of(answered) == "mark-invalid"
    return await _with_a_new_mark(seen, forward, where=invalid and issued) or answered


@wrong("PUB-021", "does not verify marks")
async def accepts_forged_marks(seen: Seen, forward: Forward) -> Answer:
    answered, issued = await _with_marks(seen, forward)
    invalid = code_of(answered) == "mark-invalid"
    return await _with_a_new_mark(seen, forward, where=invalid and not issued) or answered


@wrong("PUB-022", "accepts an older mark after a later one was applied")
async def accepts_older_marks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    used, mark = seen.memory.setdefault("used", set()), seen.query.get("mark")
    if is_snapshot(seen) and answered.status in {200, 202}:
        used.add(mark)
    stale = code_of(answered) == "stale-mark" and mark not in used
    return await _with_a_new_mark(seen, forward, where=stale) or answered


@wrong("PUB-022", "uses a mark up by a snapshot that it refuses")
async def uses_marks_up(seen: Seen, forward: Forward) -> Answer:
    burnt = seen.memory.setdefault("burnt", set())
    if is_snapshot(seen) and seen.query.get("mark") in burnt:
        return refusal([], "stale-mark", 409)
    answered = await forward(seen)
    if (
        is_snapshot(seen)
        and answered.status in {409, 422}
        and code_of(answered) not in {"mark-invalid", "idempotency-reused"}
    ):
        burnt.add(seen.query.get("mark"))
    return answered


@wrong("PUB-022", "answers a snapshot that is sent again with its key as stale")
async def forgets_keys_of_snapshots(seen: Seen, forward: Forward) -> Answer:
    applied = seen.memory.setdefault("applied", set())
    if is_snapshot(seen) and "Idempotency-Key" in seen.headers and seen.query.get("mark") in applied:
        return refusal([], "stale-mark", 409)
    answered = await forward(seen)
    if is_snapshot(seen) and answered.status in {200, 202}:
        applied.add(seen.query.get("mark"))
    return answered


@on_answer("PUB-024", "takes any count for right", "snapshot @snapshot-count-wrong")
def counts_itself(seen: Seen, _: Answer) -> Changed:
    return set_of(seen, offers_of(seen))


@on_answer("PUB-024", "minds too few lines, and not too many", "snapshot @snapshot-count-wrong")
def minds_too_few_lines(seen: Seen, _: Answer) -> Changed:
    *offers, last = lines_of(seen)
    count = (value_of(last) or {}).get("count")
    return set_of(seen, offers) if isinstance(count, int) and count < len(offers) else None


@on_request("PUB-024", "finds the count on any line", "snapshot")
def finds_the_count_anywhere(seen: Seen) -> Changed:
    lines, offers = lines_of(seen), offers_of(seen)
    return set_of(seen, offers) if len(offers) == len(lines) - 1 and lines[-1] in offers else None


@on_request("PUB-024", "reads a count that is a text, or has more beside it", "snapshot")
def reads_loose_counts(seen: Seen) -> Changed:
    lines = lines_of(seen)
    last = value_of(lines[-1]) if lines else None
    loose = isinstance(last, dict) and str(last.get("count")) == str(len(lines) - 1)
    return set_of(seen, lines[:-1]) if loose else None


@wrong("PUB-024", "applies a compressed snapshot that is cut")
async def applies_cut_snapshots(seen: Seen, forward: Forward) -> Answer:
    if is_snapshot(seen) and seen.body[:2] == b"\x1f\x8b" and unpacked(seen.body) is None:
        inflating = zlib.decompressobj(31)
        with suppress(zlib.error):
            plain = inflating.decompress(seen.body, 10_000_000)
            lines = [line for line in plain.split(b"\n") if value_of(line) is not None and b'"count"' not in line[:12]]
            return await forward(set_of(seen, lines))
    return await forward(seen)


@wrong("PUB-024", "refuses a snapshot with a wrong count, and has published its lines by then")
async def publishes_before_it_counts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and str(code_of(answered)).startswith("snapshot-count"):
        await forward(batch_of(seen, offers_of(seen), partial="true"))
    return answered


register("snapshotting")
