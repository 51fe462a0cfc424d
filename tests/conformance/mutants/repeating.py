"""Wrong gateways: requests that are sent again with a key (PUB-040 to PUB-045)."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import BATCH, refusal

_KEY = "Idempotency-Key"
_SOUND = re.compile("[!-~]{1,128}")


def _key(seen: Seen) -> str | None:
    """The request's key, where it has a sound one."""
    key = seen.headers.get(_KEY)
    return key if seen.method == "POST" and key and _SOUND.fullmatch(key) else None


def _address(seen: Seen) -> str:
    return f"{seen.path} {sorted(seen.query.items())}"


@wrong("PUB-040", "accepts a key of any length")
async def accepts_long_keys(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get(_KEY, "")
    return await forward(seen.bearing(idempotency_key=key[-128:]) if len(key) > 128 else seen)


@wrong("PUB-040", "accepts an empty key, blanks in a key and letters beyond ASCII")
async def accepts_any_key(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get(_KEY)
    if key is not None and len(key) <= 128 and not _SOUND.fullmatch(key):
        return await forward(seen.bearing(idempotency_key=None))
    return await forward(seen)


@wrong("PUB-040", "accepts UUIDs only as keys")
async def accepts_uuids_only(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    if key and not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key):
        return refusal([], "idempotency-key", 400)
    return await forward(seen)


@wrong("PUB-040", "refuses keys of more than 64 characters")
async def refuses_keys_of_65(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    return refusal([], "idempotency-key", 400) if key and len(key) > 64 else await forward(seen)


@wrong("PUB-041", "gives the same answer to a repeated batch, and queues it again")
async def queues_again(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    if seen.path == BATCH and key:
        known = f"known {key} {seen.headers.get('Authorization')} {_address(seen)} {seen.body!r}"
        if seen.memory.get(known):
            await forward(seen.bearing(idempotency_key=None))
        seen.memory[known] = True
    return await forward(seen)


@wrong("PUB-041", "knows a key of one partner as a key of all")
async def shares_keys(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    if not key:
        return await forward(seen)
    first = seen.memory.setdefault(f"owner {key} {_address(seen)}", seen.headers.get("Authorization"))
    if first != seen.headers.get("Authorization") and f"answer {key}" in seen.memory:
        replayed: Answer = seen.memory[f"answer {key}"]
        return replayed
    answered = await forward(seen)
    seen.memory.setdefault(f"answer {key}", answered)
    return answered


@wrong("PUB-041", "answers a repeated request 200, whatever its first answer was")
async def replays_as_200(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    answered = await forward(seen)
    if not key:
        return answered
    first = seen.memory.setdefault(f"first {key} {_address(seen)}", seen.body)
    if seen.memory.get(f"again {key}") and first == seen.body and answered.status in {201, 202, 207}:
        return replace(answered, status=200)
    seen.memory[f"again {key}"] = True
    return answered


@wrong("PUB-041", "forgets a key once it was repeated")
async def forgets_repeated_keys(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    if not key:
        return await forward(seen)
    count = seen.memory[f"count {key} {_address(seen)}"] = seen.memory.get(f"count {key} {_address(seen)}", 0) + 1
    return await forward(seen.bearing(idempotency_key=None) if count > 2 else seen)


@wrong("PUB-041", "runs a request again whose first answer was a refusal")
async def runs_refusals_again(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    if not key:
        return await forward(seen)
    known = f"refused {key} {_address(seen)}"
    answered = await forward(seen.bearing(idempotency_key=None) if seen.memory.get(known) == seen.body else seen)
    if answered.status in {409, 422}:
        seen.memory[known] = seen.body
    return answered


@wrong("PUB-041", "forgets the headers of an answer that it repeats")
async def forgets_replayed_headers(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    answered = await forward(seen)
    if key and seen.memory.get(f"seen {key}"):
        return Answer(answered.status, {"Content-Type": "text/plain"}, answered.body)
    seen.memory[f"seen {key}"] = True
    return answered


@wrong("PUB-043", "replays the answer of a batch to a dry run or a partial one with its key")
async def replays_at_other_queries(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    answered = await forward(seen)
    if key and (answered.json or {}).get("code") == "idempotency-reused":
        known: Answer = seen.memory.get(f"query {key} {seen.path} {seen.body!r}", answered)
        return known
    if key:
        seen.memory.setdefault(f"query {key} {seen.path} {seen.body!r}", answered)
    return answered


@wrong("PUB-043", "runs a request with a known key at another address")
async def runs_at_other_addresses(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    answered = await forward(seen)
    first = seen.memory.setdefault(f"path {key}", seen.path)
    if key and (answered.json or {}).get("code") == "idempotency-reused" and first != seen.path:
        return await forward(seen.bearing(idempotency_key=None))
    return answered


@wrong("PUB-043", "runs a request with a known key and other content")
async def runs_other_content(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    answered = await forward(seen)
    first = seen.memory.setdefault(f"body {key} {_address(seen)}", seen.body)
    if key and (answered.json or {}).get("code") == "idempotency-reused" and first != seen.body:
        return await forward(seen.bearing(idempotency_key=None))
    return answered


@wrong("PUB-045", "repeats an answer of more than 256 kB")
async def replays_long_answers(seen: Seen, forward: Forward) -> Answer:
    key = _key(seen)
    if not key:
        return await forward(seen)
    known = f"long {key} {_address(seen)} {seen.headers.get('Authorization')}"
    if known in seen.memory and seen.memory[known][0] == seen.body:
        replayed: Answer = seen.memory[known][1]
        return replayed
    answered = await forward(seen)
    if len(answered.body) > 256_000:
        seen.memory[known] = (seen.body, answered)
    return answered


register("repeating")
