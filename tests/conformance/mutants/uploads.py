"""What a request hands in, and what became of it: lines of uploads, single submissions, decisions."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from tests.conformance.mutants.proxy import Answer, Seen
from tests.conformance.mutants.ways import BATCH, SNAPSHOTS, unpacked, way_in

OFFERS = "/v1/offers/"


def value_of(line: bytes) -> Any:
    """The value of a line, None where it is not JSON."""
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(line)
    return None


def lines_of(seen: Seen) -> list[bytes]:
    """The lines of an upload that are not blank."""
    body = unpacked(seen.body) if seen.headers.get("Content-Encoding") == "gzip" else seen.body
    return [line for line in (body or b"").split(b"\n") if line.strip()]


def set_of(seen: Seen, lines: list[bytes]) -> Seen:
    """The snapshot of these lines, with their count."""
    body = b"\n".join([*lines, orjson.dumps({"count": len(lines)}), b""])
    return replace(seen, body=body).bearing(content_encoding=None)


def offers_of(seen: Seen) -> list[bytes]:
    """The lines of a snapshot but for its count."""
    return [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]


def batch_of(seen: Seen, lines: list[bytes], prefer: str | None = "wait=5", **query: str) -> Seen:
    """The batch of these lines, plain and without a key."""
    batch = replace(seen, path=BATCH, query=query, body=b"\n".join([*lines, b""]))
    return batch.bearing(content_encoding=None, idempotency_key=None, prefer=prefer)


def is_snapshot(seen: Seen) -> bool:
    """Whether the request sends a complete set."""
    return seen.method == "POST" and seen.path == SNAPSHOTS


def code_of(answered: Answer) -> Any:
    """The code of a problem document."""
    return answered.json.get("code") if isinstance(answered.json, dict) else None


def answers_items(seen: Seen, answered: Answer, *ways: str) -> bool:
    """Whether this is the answer to a batch or snapshot, or to one of these ways in, item by item."""
    body = answered.json
    return way_in(seen) in (ways or ("batch", "snapshot")) and isinstance(body, dict) and "results" in body


def stores_one(seen: Seen) -> bool:
    """Whether the request publishes or withdraws one offer, and stores it."""
    withdraws = seen.method == "DELETE" and seen.path.startswith(OFFERS)
    return (seen.publishes or withdraws) and "dry_run" not in seen.query


def withdraws_one(seen: Seen) -> bool:
    """Whether the request withdraws one offer, and stores it."""
    return seen.method == "DELETE" and stores_one(seen)


def decided(answered: Answer) -> bool:
    """Whether one submission was accepted."""
    return answered.status in {200, 201} and (answered.json or {}).get("verdict") == "accepted"


def withdrawn_one(seen: Seen, answered: Answer) -> bool:
    """Whether one offer was withdrawn."""
    return withdraws_one(seen) and decided(answered)
