"""Wrong gateways: what is stale, the order of decisions, sequences (REV-005 to REV-008)."""

import re
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import decided, value_of
from tests.conformance.mutants.ways import (
    codes,
    entries,
    way_in,
)
from tests.conformance.mutants.when import Changed, on_answer

register("sequences")


def _with_own_marker(answered: Answer, number: Any) -> Changed:
    """The answer with another revision in the marker of an offer that the gateway withdrew."""
    marker = answered.json.get("marker")
    if not marker or marker["reason"] not in {"absent", "moderated", "expired"}:
        return None
    return answered.saying({**answered.json, "marker": {**marker, "revision": number(marker["revision"])}})


@on_answer("REV-005", "withdraws an offer by a lower revision", "DELETE +older-revision")
def withdraws_by_lower_revisions(seen: Seen, answered: Answer) -> Changed:
    return seen.asking(revision=str(answered.json["current"]["revision"] + 1))


@wrong("REV-005", "counts a stale submission as its last one")
async def remembers_stale_revisions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if (answered.json or {}).get("verdict") == "stale" and seen.publishes:
        seen.memory[f"stale {seen.json['id']}"] = seen.json
    if seen.method == "GET" and answered.status == 200:
        body = answered.json
        for _, entry in entries(seen, body):
            if late := seen.memory.get(f"stale {entry['id']}"):
                entry["offer"].update(title=late["title"], description=late["description"])
        return answered if body == answered.json else answered.saying(body)
    return answered


def _parted(seen: Seen, order: Any) -> tuple[Seen, list[int]]:
    """A batch of whole lines or elements in another order, and where each of them stood."""
    if isinstance(seen.json, list):
        indexes = sorted(range(len(seen.json)), key=lambda index: order(seen.json[index], index))
        return seen.carrying([seen.json[index] for index in indexes]), indexes
    lines = [line for line in seen.body.split(b"\n") if line.strip()]
    decoded = [value_of(line) for line in lines]
    indexes = sorted(range(len(lines)), key=lambda index: order(decoded[index], index))
    return replace(seen, body=b"\n".join([*(lines[index] for index in indexes), b""])), indexes


async def _reordered(seen: Seen, forward: Forward, order: Any) -> Answer:
    if way_in(seen) != "batch" or "Content-Encoding" in seen.headers:
        return await forward(seen)
    other, indexes = _parted(seen, order)
    answered = await forward(other if indexes != sorted(indexes) else seen)
    body = answered.json
    if indexes == sorted(indexes) or len((body or {}).get("results", ())) != len(indexes):
        return answered
    results = sorted(
        ({**one, "index": indexes[index]} for index, one in enumerate(body["results"])), key=lambda one: one["index"]
    )
    statuses = "".join(letter for _, letter in sorted(zip(indexes, body["statuses"], strict=True)))
    return answered.saying({**body, "results": results, "statuses": statuses})


@wrong("REV-006", "decides the withdrawals of a batch before its publications")
async def withdraws_first(seen: Seen, forward: Forward) -> Answer:
    return await _reordered(seen, forward, lambda each, index: ("withdrawn" not in (each or {}), index))


@wrong("REV-006", "decides the withdrawals of a batch after its publications")
async def withdraws_last(seen: Seen, forward: Forward) -> Answer:
    return await _reordered(seen, forward, lambda each, index: ("withdrawn" in (each or {}), index))


@wrong("REV-006", "decides a batch in the order of its revisions")
async def decides_by_revision(seen: Seen, forward: Forward) -> Answer:
    return await _reordered(seen, forward, lambda each, index: (str((each or {}).get("revision")).zfill(20), index))


@wrong("REV-006", "decides an array backwards")
async def decides_arrays_backwards(seen: Seen, forward: Forward) -> Answer:
    if not isinstance(seen.json, list):
        return await forward(seen)
    return await _reordered(seen, forward, lambda _, index: -index)


@on_answer("REV-006", "takes the highest revision of each offer of a batch, and drops the others", "batch 200")
def keeps_the_highest_of_a_batch(_: Seen, answered: Answer) -> Changed:
    ids = [each.get("id") for each in answered.json["results"]]
    results = [
        {**each, "status": "stale"} if each.get("id") in ids[index + 1 :] else each
        for index, each in enumerate(answered.json["results"])
    ]
    return answered.saying({**answered.json, "results": results})


def _resequenced(answered: Answer, number: Any) -> Answer:
    """The answer with each sequence changed."""
    body = re.sub(rb'"sequence":(\d+)', lambda found: b'"sequence":%d' % number(int(found[1])), answered.body)
    return replace(answered, body=body)


@wrong("REV-007", "gives sequences in seconds")
async def counts_seconds(seen: Seen, forward: Forward) -> Answer:
    return _resequenced(await forward(seen), lambda number: number // 1000)


@wrong("REV-007", "gives sequences from a counter of its own")
async def counts_from_one(seen: Seen, forward: Forward) -> Answer:
    known = seen.memory.setdefault("sequences", [])

    def number(sequence: int) -> int:
        if sequence not in known:
            known.append(sequence)
        return len([each for each in known if each <= sequence])

    return _resequenced(await forward(seen), number)


@wrong("REV-007", "gives a withdrawal the sequence of what it withdraws")
async def withdraws_at_the_old_sequence(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and decided(answered):
        seen.memory[f"sequence {seen.json['id']}"] = body["sequence"]
    if seen.method == "DELETE" and decided(answered):
        return answered.saying({**body, "sequence": seen.memory.get(f"sequence {body['id']}", body["sequence"])})
    if seen.path == "/v1/changes" and answered.status == 200:
        changes = [
            {**each, "sequence": seen.memory.get(f"sequence {each['id']}", each["sequence"])}
            if each["op"] == "removal" and each["reason"] in {"filled", "cancelled"}
            else each
            for each in body["changes"]
        ]
        return answered.saying({**body, "changes": changes})
    return answered


@wrong("REV-007", "begins the sequences of an offer again when it is published again")
async def begins_sequences_again(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.method == "DELETE" and decided(answered):
        seen.memory[f"again {seen.path}"] = True
    if seen.publishes and decided(answered) and body.get("created"):
        first = seen.memory.setdefault(f"first {seen.path}", body["sequence"])
        return answered.saying({**body, "sequence": first})
    return answered


@on_answer("REV-008", "raises the revision of an offer that it withdraws itself", "410 object")
def raises_its_own_revisions(_: Seen, answered: Answer) -> Changed:
    return _with_own_marker(answered, lambda revision: revision + 1)


@on_answer("REV-008", "forgets the publisher's revision when it withdraws an offer itself", "object")
def forgets_revisions(_: Seen, answered: Answer) -> Changed:
    current = answered.json.get("current")
    if current and codes(answered.json) & {"withdrawn-absent", "withdrawn-moderated", "moderated"}:
        return answered.saying({**answered.json, "current": {**current, "revision": 1_790_000_000_000}})
    return _with_own_marker(answered, lambda _: 1) if answered.status == 410 else None
