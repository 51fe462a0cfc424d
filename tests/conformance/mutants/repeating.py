"""Wrong gateways: requests that are sent again with a key (PUB-040 to PUB-045)."""

import re
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import BATCH, refusal
from tests.conformance.mutants.when import Changed, on_answer, on_request

_KEY = "Idempotency-Key"
_SOUND = re.compile("[!-~]{1,128}")


def _run_again(seen: Seen, answered: Answer, name: str, now: Any) -> Changed:
    """The request without its key, where the key is known for something else than this."""
    other = seen.memory.setdefault(f"{name} {_key(seen)}", now) != now
    reused = (answered.json or {}).get("code") == "idempotency-reused"
    return seen.bearing(idempotency_key=None) if reused and other else None


def _key(seen: Seen) -> str | None:
    """The request's key, where it has a sound one."""
    key = seen.headers.get(_KEY)
    return key if seen.method == "POST" and key and _SOUND.fullmatch(key) else None


def _address(seen: Seen) -> str:
    return f"{seen.path} {sorted(seen.query.items())}"


@on_request("PUB-040", "accepts a key of any length", "#Idempotency-Key")
def accepts_long_keys(seen: Seen) -> Changed:
    return seen.bearing(idempotency_key=seen.headers[_KEY][-128:]) if len(seen.headers[_KEY]) > 128 else None


@on_request("PUB-040", "accepts an empty key, blanks in a key and letters beyond ASCII", "#Idempotency-Key")
def accepts_any_key(seen: Seen) -> Changed:
    key = seen.headers[_KEY]
    return seen.bearing(idempotency_key=None) if len(key) <= 128 and not _SOUND.fullmatch(key) else None


@on_request("PUB-040", "accepts UUIDs only as keys", "keyed")
def accepts_uuids_only(seen: Seen) -> Changed:
    is_uuid = re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", seen.headers[_KEY])
    return None if is_uuid else refusal([], "idempotency-key", 400)


@on_request("PUB-040", "refuses keys of more than 64 characters", "keyed")
def refuses_keys_of_65(seen: Seen) -> Changed:
    return refusal([], "idempotency-key", 400) if len(seen.headers[_KEY]) > 64 else None


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


@on_answer("PUB-041", "answers a repeated request 200, whatever its first answer was", "keyed")
def replays_as_200(seen: Seen, answered: Answer) -> Changed:
    key = _key(seen)
    first = seen.memory.setdefault(f"first {key} {_address(seen)}", seen.body)
    again = seen.memory.get(f"again {key}") and first == seen.body and answered.status in {201, 202, 207}
    seen.memory[f"again {key}"] = True
    return replace(answered, status=200) if again else None


@on_request("PUB-041", "forgets a key once it was repeated", "keyed")
def forgets_repeated_keys(seen: Seen) -> Changed:
    name = f"count {_key(seen)} {_address(seen)}"
    count = seen.memory[name] = seen.memory.get(name, 0) + 1
    return seen.bearing(idempotency_key=None) if count > 2 else None


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


@on_answer("PUB-041", "forgets the headers of an answer that it repeats", "keyed")
def forgets_replayed_headers(seen: Seen, answered: Answer) -> Changed:
    again = seen.memory.get(f"seen {_key(seen)}")
    seen.memory[f"seen {_key(seen)}"] = True
    return Answer(answered.status, {"Content-Type": "text/plain"}, answered.body) if again else None


@on_answer("PUB-043", "replays the answer of a batch to a dry run or a partial one with its key", "keyed")
def replays_at_other_queries(seen: Seen, answered: Answer) -> Changed:
    name = f"query {_key(seen)} {seen.path} {seen.body!r}"
    if (answered.json or {}).get("code") == "idempotency-reused":
        known: Answer | None = seen.memory.get(name)
        return known
    seen.memory.setdefault(name, answered)
    return None


@on_answer("PUB-043", "runs a request with a known key at another address", "keyed")
def runs_at_other_addresses(seen: Seen, answered: Answer) -> Changed:
    return _run_again(seen, answered, "path", seen.path)


@on_answer("PUB-043", "runs a request with a known key and other content", "keyed")
def runs_other_content(seen: Seen, answered: Answer) -> Changed:
    return _run_again(seen, answered, f"body {_address(seen)}", seen.body)


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
