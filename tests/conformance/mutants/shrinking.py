"""Gateways whose guard of snapshots is too strict or too lax, at its bounds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.views import asker, code_of, problem
from tests.conformance.mutants.when import Changed, on_answer, on_request

_SNAPSHOTS = "/v1/snapshots"
_GUARD = "snapshot-shrinks-too-much"


@dataclass(frozen=True, slots=True)
class Shrinking:
    """How many offers are live, and how many of them a snapshot does not name."""

    live: int
    absent: int


_CONFIRMED = f"?confirm @{_GUARD}"


def _confirmed(seen: Seen, answered: Answer) -> Seen:
    """The snapshot with the confirmation that the answer asks for."""
    return seen.asking(confirm=str(answered.json["would_withdraw"]))


def lines_of(seen: Seen) -> list[Any]:
    """The values of an upload's lines, none where it is compressed or unreadable."""
    try:
        return [orjson.loads(line) for line in seen.body.split(b"\n") if line.strip()]
    except orjson.JSONDecodeError:
        return []


async def live_offers(seen: Seen, forward: Forward) -> dict[str, Any]:
    """The live offers of the one who asks."""
    query = {"platform": asker(seen), "territory": "all", "limit": "1000"}
    bare = replace(seen, method="GET", path="/v1/offers", query=query, body=b"")
    answered = await forward(bare.bearing(content_type=None, content_encoding=None, idempotency_key=None, prefer=None))
    return {view["id"]: view for view in answered.json["offers"]} if answered.status == 200 else {}


async def _shrinking(seen: Seen, forward: Forward) -> Shrinking:
    named = {line.get("id") for line in lines_of(seen) if isinstance(line, dict)}
    live = await live_offers(seen, forward)
    return Shrinking(len(live), len(set(live) - named))


async def _stricter(seen: Seen, forward: Forward, guarded: Callable[[Shrinking], bool]) -> Answer:
    """It also asks for confirmation where this holds."""
    sound = seen.path == _SNAPSHOTS and "mark" in seen.query and "confirm" not in seen.query and lines_of(seen)
    if sound and "count" in lines_of(seen)[-1]:
        found = await _shrinking(seen, forward)
        if found.absent and guarded(found):
            return problem(409, _GUARD, would_withdraw=found.absent)
    return await forward(seen)


async def _laxer(seen: Seen, forward: Forward, free: Callable[[Shrinking], bool]) -> Answer:
    """It asks for no confirmation where this holds."""
    found = await _shrinking(seen, forward) if seen.path == _SNAPSHOTS else None
    answered = await forward(seen)
    lax = found is not None and code_of(answered) == _GUARD and "confirm" not in seen.query and free(found)
    return await forward(_confirmed(seen, answered)) if lax else answered


@wrong("PUB-028", "asks for confirmation at a fifth, not above it")
async def guards_at_a_fifth(seen: Seen, forward: Forward) -> Answer:
    return await _stricter(seen, forward, lambda found: found.absent >= 10 and found.absent * 5 >= found.live)


@wrong("PUB-028", "asks for confirmation from a tenth on")
async def guards_from_a_tenth(seen: Seen, forward: Forward) -> Answer:
    return await _stricter(seen, forward, lambda found: found.absent >= 10 and found.absent * 10 >= found.live)


@wrong("PUB-028", "asks for confirmation above a fifth, however few offers that are")
async def guards_few_offers(seen: Seen, forward: Forward) -> Answer:
    return await _stricter(seen, forward, lambda found: found.absent * 5 > found.live)


@wrong("PUB-028", "asks for confirmation from nine offers on")
async def guards_nine_offers(seen: Seen, forward: Forward) -> Answer:
    return await _stricter(seen, forward, lambda found: found.absent >= 9 and found.absent * 5 > found.live)


@wrong("PUB-028", "asks for confirmation above ten offers only")
async def guards_eleven_offers(seen: Seen, forward: Forward) -> Answer:
    return await _laxer(seen, forward, lambda found: found.absent == 10 and found.live > 10)


@wrong("PUB-028", "asks for confirmation from a half on")
async def guards_a_half(seen: Seen, forward: Forward) -> Answer:
    return await _laxer(seen, forward, lambda found: found.absent * 2 < found.live)


@wrong("PUB-028", "guards against an empty snapshot only, not against one that leaves no live offer")
async def guards_empty_snapshots_only(seen: Seen, forward: Forward) -> Answer:
    named = len(lines_of(seen)) > 1
    return await _laxer(seen, forward, lambda found: named and found.absent == found.live and found.absent < 10)


@wrong("PUB-028", "guards against an empty snapshot from ten live offers on")
async def guards_large_sets_only(seen: Seen, forward: Forward) -> Answer:
    empty = len(lines_of(seen)) == 1
    return await _laxer(seen, forward, lambda found: empty and found.live < 10)


@on_answer("PUB-028", "takes any number for the confirmation", _CONFIRMED)
def takes_any_confirmation(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered)


@on_answer("PUB-028", "takes a confirmation of more than would be withdrawn", _CONFIRMED)
def takes_larger_confirmations(seen: Seen, answered: Answer) -> Changed:
    return _confirmed(seen, answered) if int(seen.query["confirm"]) > answered.json["would_withdraw"] else None


@wrong("PUB-028", "withdraws what it may before it asks for confirmation")
async def withdraws_before_it_asks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _SNAPSHOTS and code_of(answered) == _GUARD and "confirm" not in seen.query:
        named = {line.get("id") for line in lines_of(seen)}
        absent = [view for name, view in (await live_offers(seen, forward)).items() if name not in named]
        for view in absent[:1]:
            query = {"revision": str(view["offer"]["revision"] + 1)}
            address = replace(seen, method="DELETE", path=f"/v1/offers/{view['id']}", query=query, body=b"")
            await forward(address.bearing(content_type=None, content_encoding=None, idempotency_key=None))
    return answered


@wrong("PUB-028", "reports the number of live offers as what would be withdrawn")
async def tells_another_number(seen: Seen, forward: Forward) -> Answer:
    found = await _shrinking(seen, forward) if seen.path == _SNAPSHOTS else None
    answered = await forward(seen)
    if found is not None and code_of(answered) == _GUARD:
        return answered.saying({**answered.json, "would_withdraw": found.live + 1})
    return answered


@on_answer("PUB-028", "asks for confirmation because items are refused", "snapshot 200|202")
def guards_refusals(_: Seen, answered: Answer) -> Changed:
    refused = answered.json.get("refused")
    return problem(409, _GUARD, would_withdraw=refused) if refused else None


@on_request("PUB-024", "takes the count of a snapshot from any line", "snapshot")
def takes_the_count_from_any_line(seen: Seen) -> Changed:
    lines = [line for line in seen.body.split(b"\n") if line]
    counts = [line for line in lines if line.startswith(b'{"count"')]
    body = b"\n".join([*(each for each in lines if each not in counts), *counts])
    return replace(seen, body=body) if counts and not lines[-1].startswith(b'{"count"') else None


@on_answer("PUB-024", "takes a snapshot that holds more than it announces", "@snapshot-count-wrong")
def takes_more_than_announced(seen: Seen, _: Answer) -> Changed:
    *offers, _last = [line for line in seen.body.split(b"\n") if line]
    other = replace(seen, body=b"\n".join([*offers, b'{"count": %d}' % len(offers)]))
    return other if lines_of(seen) and lines_of(seen)[-1]["count"] < len(offers) else None
