"""Crash and replay: the target is ended while publications arrive; then all are sent again and counted."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from conformance.model.case import Texts
from conformance.model.result import Finding
from conformance.role.verify import UnverifiableError
from conformance.script.document import sound_offer
from conformance.script.names import Names
from conformance.script.template import value_at
from conformance.target.wire import Reply, Wire

_READY_SECONDS = 90.0
_HOOK_SECONDS = 120.0
_PAUSE_SECONDS = 0.2
_TOGETHER = 8
_HEADERS = {"Content-Type": "application/json", "Prefer": "wait=20"}
_NO_HOOK: Texts = {
    "fr": "conformance.toml ne donne pas de commande hooks.restart",
    "en": "conformance.toml gives no command hooks.restart",
}


async def interrupt(wire: Wire, names: Names, number: int, *, hook: str | None, place: str) -> list[Finding]:
    """Send so many publications; have the target ended in the middle; send all again, in order, until each is decided;
    read the feed. What was acknowledged before must not have been lost, and nothing may be there twice.
    """
    if hook is None:
        raise UnverifiableError(_NO_HOOK)
    offers = [sound_offer(names, offer=f"r{index}", put={}) for index in range(number)]
    acknowledged: dict[str, str] = {}
    amid = asyncio.Event()
    sending = asyncio.ensure_future(_send_all(wire, offers, acknowledged, amid))
    await amid.wait()
    await _run(hook)
    await sending
    if not await _ready(wire):
        return [Finding(place, f"the target answers again within {_READY_SECONDS:.0f} s", "it does not")]
    findings = []
    for offer in offers:
        findings += await _resend(wire, offer, acknowledged.get(offer["id"]), place)
    return findings or await _count(wire, offers, place)


async def _send_all(
    wire: Wire, offers: list[dict[str, Any]], acknowledged: dict[str, str], amid: asyncio.Event
) -> None:
    """Every publication once, several at a time, whatever is answered; ``amid`` is set after a quarter of them."""
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
                acknowledged[offer["id"]] = value_at(reply.json, "/verdict") or "pending"

    await asyncio.gather(*(send() for _ in range(_TOGETHER)))


async def _resend(wire: Wire, offer: Mapping[str, Any], told: str | None, place: str) -> list[Finding]:
    deadline = asyncio.get_running_loop().time() + _READY_SECONDS
    while True:
        reply = await _put(wire, offer)
        if reply.status in {200, 201}:
            break
        if asyncio.get_running_loop().time() > deadline:
            return [Finding(f"{place} {offer['id']}", "200 or 201 in the end", str(reply.status))]
        await asyncio.sleep(_PAUSE_SECONDS)
    verdict = value_at(reply.json, "/verdict")
    if told is not None and verdict != "duplicate":
        return [Finding(f"{place} {offer['id']}", f"duplicate, since it was acknowledged ({told})", str(verdict))]
    return []


async def _count(wire: Wire, offers: list[dict[str, Any]], place: str) -> list[Finding]:
    """What stands in the end, as the publisher itself reads it."""
    missing = [offer["id"] for offer in offers if (await wire.call("GET", f"/v1/offers/{offer['id']}")).status != 200]
    findings = [Finding(place, f"{offer_id} can be read", "it cannot") for offer_id in missing]
    receipts = await _accepted_receipts(wire)
    for offer in offers:
        times = receipts.get(offer["id"], 0)
        if times != 1:
            findings.append(Finding(f"{place} {offer['id']}", "accepted once", f"accepted {times} times"))
    return findings


async def _accepted_receipts(wire: Wire) -> dict[str, int]:
    """How often each offer of this publisher was accepted, by its receipts."""
    counted: dict[str, int] = {}
    cursor: str | None = None
    while True:
        reply = await wire.call("GET", "/v1/receipts?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        for receipt in value_at(reply.json, "/receipts") or ():
            if receipt.get("verdict") == "accepted":
                counted[receipt["id"]] = counted.get(receipt["id"], 0) + 1
        cursor = value_at(reply.json, "/cursor")
        if not value_at(reply.json, "/more"):
            return counted


async def _put(wire: Wire, offer: Mapping[str, Any]) -> Reply:
    return await wire.call("PUT", f"/v1/offers/{offer['id']}", headers=_HEADERS, body=orjson.dumps(offer))


async def _ready(wire: Wire) -> bool:
    deadline = asyncio.get_running_loop().time() + _READY_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if (await wire.call("GET", "/v1/offers?limit=1")).status == 200:
            return True
        await asyncio.sleep(_PAUSE_SECONDS)
    return False


async def _run(hook: str) -> None:
    """The partner's own command, from the partner's own file."""
    process = await asyncio.create_subprocess_shell(hook)
    try:
        code = await asyncio.wait_for(process.wait(), _HOOK_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        code = -1
    if code != 0:
        raise UnverifiableError(
            {"fr": f"la commande hooks.restart a échoué ({code})", "en": f"the command hooks.restart failed ({code})"}
        )
