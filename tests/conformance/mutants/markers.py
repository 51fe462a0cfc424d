"""Gateways that treat what is withdrawn, or was answered, wrongly: markers, reopening, repeated requests."""

from dataclasses import replace
from typing import Any

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.shrinking import lines_of, live_offers
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, code_of, keep, owner
from tests.conformance.mutants.when import Changed, on_answer

_SNAPSHOTS = "/v1/snapshots"

register("markers")


def _with_marker(seen: Seen, answered: Answer, member: str, source: str) -> Changed:
    """A marker with a member of its offer."""
    known, marker = keep(seen), _gone(seen, answered)
    if marker is None or marker["id"] not in known:
        return None
    return answered.saying({**answered.json, "marker": {**marker, member: known[marker["id"]][source]}})


def _gone(seen: Seen, answered: Answer) -> Any:
    """The marker in an answer, None where there is none."""
    one = seen.method == "GET" and seen.path.startswith("/v1/offers/") and answered.status == 410
    return answered.json.get("marker") if one else None


@on_answer("WDR-011", "reports the revision of the offer, not that of its withdrawal, in the marker")
def tells_the_offers_revision(seen: Seen, answered: Answer) -> Changed:
    return _with_marker(seen, answered, "revision", "revision")


@on_answer("WDR-001", "keeps the content of a withdrawn offer in its marker")
def keeps_contents_in_markers(seen: Seen, answered: Answer) -> Changed:
    return _with_marker(seen, answered, "title", "title")


@on_answer("WDR-011", "answers 410 with the marker to those who had the offer")
def answers_410_to_readers(seen: Seen, answered: Answer) -> Changed:
    keep(seen)
    name = seen.path.removeprefix("/v1/offers/")
    reading = seen.method == "GET" and seen.path.startswith("/v1/offers/")
    if reading and answered.status == 200:
        seen.memory[f"{asker(seen)} {name}"] = True
    token = seen.memory.get("tokens", {}).get(owner(name))
    had = reading and answered.status == 404 and seen.memory.get(f"{asker(seen)} {name}")
    return seen.bearing(authorization=token) if had and token else None


@wrong("WDR-011", "answers 410 to every publisher, not to the offer's own alone")
async def answers_410_to_all_publishers(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    answered = await forward(seen)
    name = seen.path.removeprefix("/v1/offers/")
    publisher = asker(seen) in {"bretagne", "normandie"} and asker(seen) != owner(name)
    if seen.method == "GET" and seen.path.startswith("/v1/offers/") and answered.status == 404 and publisher:
        token = seen.memory["tokens"].get(owner(name))
        other = await forward(seen.bearing(authorization=token)) if token else answered
        return other if other.status == 410 else answered
    return answered


def _sound(seen: Seen) -> bool:
    lines = lines_of(seen) if seen.path == _SNAPSHOTS else []
    return len(lines) > 1 and all(isinstance(line, dict) for line in lines) and "count" in lines[-1]


def _absentees(seen: Seen) -> tuple[dict[str, Any], set[str]]:
    """Offers that an earlier snapshot withdrew, as they were; and those of them that this one names."""
    absent: dict[str, Any] = seen.memory.setdefault("absent", {})
    named = {line.get("id") for line in lines_of(seen)}
    back = {name for name in absent if name in named and owner(name) == asker(seen)}
    return absent, back


async def _noting_absence(seen: Seen, forward: Forward, sent: Seen) -> Answer:
    before = await live_offers(seen, forward) if _sound(seen) else {}
    answered = await forward(sent)
    if before and answered.status in {200, 202}:
        after = {line.get("id") for line in lines_of(seen)}
        gone = {name: view for name, view in before.items() if name not in after}
        seen.memory.setdefault("absent", {}).update(gone)
    return answered


def _with_lines(seen: Seen, lines: list[Any]) -> Seen:
    return replace(seen, body=b"\n".join(map(orjson.dumps, [*lines, {"count": len(lines)}])))


@wrong("WDR-008", "never reopens what a snapshot has withdrawn")
async def never_reopens(seen: Seen, forward: Forward) -> Answer:
    sent = seen
    if _sound(seen):
        absent, back = _absentees(seen)
        lines = lines_of(seen)[:-1]
        kept = [
            line
            for line in lines
            if line["id"] not in back or line.get("revision") != absent[line["id"]]["offer"]["revision"]
        ]
        sent = _with_lines(seen, kept) if len(kept) < len(lines) else seen
    return await _noting_absence(seen, forward, sent)


@wrong("WDR-008", "reopens under the same revision with another content")
async def reopens_with_another_content(seen: Seen, forward: Forward) -> Answer:
    answered = await _noting_absence(seen, forward, seen)
    if _sound(seen) and answered.status in {200, 202}:
        absent, back = _absentees(seen)
        live = await live_offers(seen, forward)
        for line in lines_of(seen)[:-1]:
            same = line["id"] in back and line.get("title") == absent[line["id"]]["offer"]["title"]
            if line["id"] in back and line["id"] not in live and not same:
                await _publish(seen, forward, line)
    return answered


@wrong("WDR-008", "reopens a marker that is younger than the mark of the snapshot")
async def reopens_younger_markers(seen: Seen, forward: Forward) -> Answer:
    sent = seen
    if _sound(seen):
        _, back = _absentees(seen)
        if back:
            bare = replace(seen, path=f"{_SNAPSHOTS}/marks", query={}, body=b"")
            mark = await forward(bare.bearing(content_type=None, content_encoding=None, idempotency_key=None))
            sent = seen.asking(mark=mark.json["mark"])
    return await _noting_absence(seen, forward, sent)


@wrong("WDR-008", "reopens with a snapshot what its publisher has withdrawn")
async def reopens_withdrawals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status in {200, 202} and "dry_run" not in seen.query:
        seen.memory[seen.path.removeprefix("/v1/offers/")] = True
    if _sound(seen) and answered.status in {200, 202}:
        for line in lines_of(seen)[:-1]:
            if seen.memory.pop(line["id"], False):
                await _publish(seen, forward, line)
    return answered


async def _publish(seen: Seen, forward: Forward, line: Any) -> None:
    address = replace(seen, method="PUT", path=f"/v1/offers/{line['id']}", query={})
    bare = address.bearing(content_type="application/json", content_encoding=None, idempotency_key=None)
    await forward(bare.carrying({**line, "revision": line["revision"] + 1_000_000}))


@wrong("PUB-041", "forgets keys when it is restarted")
async def forgets_keys_at_a_restart(seen: Seen, forward: Forward) -> Answer:
    """The kit looks whether the gateway is back: from then on a key is new."""
    if seen.path == "/.well-known/passerelle":
        seen.memory["age"] = seen.memory.get("age", 0) + 1
    key = seen.headers.get("Idempotency-Key")
    aged = f"{key}-{seen.memory.get('age', 0)}"
    sound = key and len(aged) <= 128 and all("!" <= sign <= "~" for sign in key)
    return await forward(seen.bearing(idempotency_key=aged) if sound else seen)


@wrong("PUB-041", "keeps the key of every platform in one place")
async def shares_keys_among_platforms(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get("Idempotency-Key")
    name = f"{key} {seen.path}"
    first: Answer | None = seen.memory.get(name)
    if key and first is not None and seen.memory[f"who {name}"] != asker(seen):
        return first
    answered = await forward(seen)
    if key and answered.status < 300:
        seen.memory.setdefault(name, answered)
        seen.memory.setdefault(f"who {name}", asker(seen))
    return answered


@on_answer("PUB-043", "takes a key at another address", "#Idempotency-Key")
def takes_keys_at_other_addresses(seen: Seen, answered: Answer) -> Changed:
    where = seen.memory.setdefault(f"where {seen.headers['Idempotency-Key']}", seen.path)
    elsewhere = code_of(answered) == "idempotency-reused" and where != seen.path
    return seen.bearing(idempotency_key=None) if elsewhere else None
