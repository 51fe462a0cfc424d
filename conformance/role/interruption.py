"""Crash and replay: the target restarts under load; then every publication is sent again and counted."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from conformance.model.result import Deviation, UnverifiableError
from conformance.script.body import valid_offer
from conformance.script.matcher import render_value
from conformance.script.template import Names, value_at
from conformance.target.setup import Setup
from conformance.target.wire import Reply, Wire, poll
from conformance.words import Texts, joined, plain, say

_READY_SECONDS = 90.0
_HOOK_SECONDS = 120.0
_VISIBLE_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_TOGETHER = 8
_HEADERS = {"Content-Type": "application/json", "Prefer": "wait=20"}


async def interrupt(wire: Wire, names: Names, number: int, *, setup: Setup, location: Texts) -> list[Deviation]:
    """Send ``number`` publications; restart the target in the middle; send all again in order until each is decided;
    count offers and receipts. No acknowledged publication may be lost, and none accepted twice. Raises
    UnverifiableError without a restart hook, or when it fails.
    """
    if setup.restart is None:
        raise UnverifiableError(say("no-hook"))
    offers = [valid_offer(names, {"is": f"r{index}"}) for index in range(number)]
    acknowledged: dict[str, str] = {}
    amid = asyncio.Event()
    sending = asyncio.ensure_future(_send_all(wire, offers, acknowledged, amid))
    sending.add_done_callback(lambda _: amid.set())
    await amid.wait()
    try:
        await _run(setup.restart, _HOOK_SECONDS * setup.patience)
    except BaseException:
        sending.cancel()
        raise
    await sending
    ready_seconds = _READY_SECONDS * setup.patience
    listed = await poll(
        lambda: wire.call("GET", "/v1/offers?limit=1"),
        lambda reply: reply.status == 200,
        seconds=ready_seconds,
        pause=_PAUSE_SECONDS,
    )
    if listed.status != 200:
        return [Deviation(location, say("answers-again", seconds=f"{ready_seconds:.0f}"), say("it-does-not"))]
    findings = []
    for offer in offers:
        findings += await _resend(wire, offer, acknowledged.get(offer["id"]), location, ready_seconds)
    if findings:
        return findings
    # No other route is promised to know an offer as soon as its verdict is answered.
    return await poll(
        lambda: _count(wire, offers, location),
        lambda found: not found,
        seconds=_VISIBLE_SECONDS * setup.patience,
        pause=_PAUSE_SECONDS,
    )


async def _send_all(
    wire: Wire, offers: list[dict[str, Any]], acknowledged: dict[str, str], amid: asyncio.Event
) -> None:
    """Send every publication once, several concurrently, regardless of the answers; ``amid`` is set after a quarter."""
    sent = 0
    waiting = iter(offers)

    async def send() -> None:
        nonlocal sent
        for offer in waiting:
            reply = await _put(wire, offer)
            sent += 1
            if sent > len(offers) // 4:
                amid.set()
            if reply.status in {200, 201, 202}:
                acknowledged[offer["id"]] = str(value_at(reply.json, "/verdict") or "pending")

    await asyncio.gather(*(send() for _ in range(_TOGETHER)))


async def _resend(
    wire: Wire, offer: Mapping[str, Any], acknowledged: str | None, location: Texts, seconds: float
) -> list[Deviation]:
    reply = await poll(
        lambda: _put(wire, offer), lambda reply: reply.status in {200, 201}, seconds=seconds, pause=_PAUSE_SECONDS
    )
    if reply.status not in {200, 201}:
        return [Deviation(_of(location, offer), say("decided-in-the-end"), plain(reply.status))]
    verdict = value_at(reply.json, "/verdict")
    if acknowledged is not None and verdict != "duplicate":
        expected = say("duplicate-since", verdict=acknowledged)
        return [Deviation(_of(location, offer), expected, plain(render_value(verdict)))]
    return []


def _of(location: Texts, offer: Mapping[str, Any]) -> Texts:
    return joined((location, plain(offer["id"])), " ")


async def _count(wire: Wire, offers: list[dict[str, Any]], location: Texts) -> list[Deviation]:
    """Findings on the final state, read as the publisher: each offer is readable, and accepted once."""
    missing = [offer["id"] for offer in offers if (await wire.call("GET", f"/v1/offers/{offer['id']}")).status != 200]
    findings = [Deviation(location, say("readable", id=offer_id), say("it-is-not")) for offer_id in missing]
    receipts = await _accepted_receipts(wire)
    for offer in offers:
        times = receipts[offer["id"]]
        if times != 1:
            findings.append(Deviation(_of(location, offer), say("accepted-once"), say("accepted-times", times=times)))
    return findings


async def _accepted_receipts(wire: Wire) -> Counter[str]:
    """Number of accepted receipts of this publisher, by offer id."""
    counted: Counter[str] = Counter()
    query = ""
    while True:
        reply = await wire.call("GET", f"/v1/receipts?limit=1000{query}")
        receipts = value_at(reply.json, "/receipts")
        for receipt in receipts if isinstance(receipts, list) else ():
            offer_id = value_at(receipt, "/id")
            if value_at(receipt, "/verdict") == "accepted" and isinstance(offer_id, str):
                counted[offer_id] += 1
        cursor = value_at(reply.json, "/cursor")
        if not value_at(reply.json, "/more") or not isinstance(cursor, str):
            return counted
        query = f"&cursor={quote(cursor, safe='')}"


async def _put(wire: Wire, offer: Mapping[str, Any]) -> Reply:
    return await wire.call("PUT", f"/v1/offers/{offer['id']}", headers=_HEADERS, body=orjson.dumps(offer))


async def _run(hook: str, seconds: float) -> None:
    """Run the partner's restart command. Raises UnverifiableError on failure or timeout."""
    process = await asyncio.create_subprocess_shell(hook)
    try:
        code = await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        code = -1
    if code != 0:
        raise UnverifiableError(say("hook-failed", code=code))
