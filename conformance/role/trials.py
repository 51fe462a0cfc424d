"""Trials of a publisher: what a gateway may answer besides plain failures, and orders that meet an open request."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

import schemas
from conformance.role.fake_gateway import FakeGateway
from conformance.role.host import ReceivedRequest, SentAnswer, refusal
from conformance.role.traffic import MARKS, MAX_BYTES, Request
from conformance.script.batch import inflate, split_batch
from schemas.rulebook import preferred_language

GiveOrder: TypeAlias = Callable[[str, str], Awaitable[None]]
_MARGIN_SECONDS = 1.3
_ORDER_SECONDS = 5.0
_RULE = "text-not-nfc"
_SINGLE = frozenset({"PUT", "DELETE"})
_OVERTAKEN_BY = 3
"""Revisions that the gateway is ahead: a platform that raises its own one by one gets there."""
OWN = frozenset(
    {"held-mark", "not-ready", "needs-confirmation", "running", "refused", "accepted", "overtaken", "decided"}
)
"""Faults that are played here; the gateway plays the others."""
_OF_SINGLE = frozenset({"overtaken", "decided"})
"""Faults of single requests, which not every platform sends: who sends none passes."""


class Trials:
    """Comes before the gateway. ``id_of`` returns the platform's id of an offer of the case, ``give`` orders the
    platform to act on one.
    """

    def __init__(self, gateway: FakeGateway, id_of: Callable[[str], str], give: GiveOrder) -> None:
        self._gateway = gateway
        self._id_of = id_of
        self._give = give
        self._left: list[tuple[Mapping[str, Any], int]] = []
        self._orders: set[asyncio.Task[None]] = set()
        self._expected: set[str] = set()
        self._met: set[str] = set()
        self.seconds = 0.0
        """The waits that the faults of the case ask of the platform, together."""

    @property
    def unmet(self) -> bool:
        """Whether the platform met none of the case's faults that are played here."""
        return bool(self._expected) and not self._expected & self._met

    async def expect(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Add faults; none at all ends those that are pending."""
        if not faults:
            self._left.clear()
            self._gateway.faults.clear()
        for fault in faults:
            self.seconds += float(fault.get("seconds", 0)) * fault.get("times", 1)
            if fault["fault"] in OWN:
                if fault["fault"] not in _OF_SINGLE:
                    self._expected.add(fault["fault"])
                elif fault["fault"] == "overtaken":
                    await self._gateway.core.overtake(self._id_of(fault["offer"]), by=_OVERTAKEN_BY)
                self._left.append((fault, fault.get("times", 1)))
            else:
                self._gateway.faults.append(fault)

    async def clear(self) -> None:
        """Forget everything of a case."""
        await self.expect(())
        self._expected.clear()
        self._met.clear()
        self.seconds = 0.0
        while self._orders:
            self._orders.pop().cancel()

    async def settle(self) -> None:
        """Wait for orders that are under way. Raises what they raise."""
        while self._orders:
            await self._orders.pop()

    async def answer(self, received: ReceivedRequest, request: Request) -> SentAnswer:
        """The answer to a request."""
        for index, (fault, left) in enumerate(self._left):
            if self._fits(fault, request):
                self._left[index] = (fault, left - 1)
                self._left = [each for each in self._left if each[1] > 0]
                self._met.add(fault["fault"])
                return await self._play(fault, received, request)
        if request.submits and self._gateway.faults:
            await self._give_order(self._gateway.faults[0])
        return await self._gateway.answer_as_gateway(received, request)

    def _fits(self, fault: Mapping[str, Any], request: Request) -> bool:
        match fault["fault"]:
            case "held-mark":
                return request.path == MARKS
            case "not-ready" | "needs-confirmation":
                return request.is_set
            case "running":
                return request.submits and request.key is not None
            case "accepted":
                return request.submits
            case "decided":
                return request.submits and request.method in _SINGLE
        concerned = self._id_of(fault["offer"])
        meets = request.submits and any(item.id == concerned for item in request.items)
        return meets and (fault["fault"] != "overtaken" or request.method in _SINGLE)

    async def _play(self, fault: Mapping[str, Any], received: ReceivedRequest, request: Request) -> SentAnswer:
        retry = {"Retry-After": str(int(fault.get("seconds", 1)))}
        match fault["fault"]:
            case "held-mark":
                await self._give_order(fault)
                return await self._gateway.answer_as_gateway(received, request)
            case "not-ready":
                await self._give_order(fault)
                return refusal(received, "snapshot-not-ready", headers=retry)
            case "needs-confirmation":
                number = fault["number"]
                members = {"would_withdraw": number}
                return refusal(received, "snapshot-shrinks-too-much", members=members, actual=number, expected=number)
            case "running":
                return refusal(received, "idempotency-running", headers=retry)
            case "accepted":
                return await self._gateway.answer_as_gateway(received.with_headers("Prefer"), request)
            case "overtaken" | "decided":  # the decision comes with the answer
                if request.submits and self._gateway.faults:
                    return await self._gateway.answer_as_gateway(received, request)
                return await self._gateway.answer_as_gateway(received.with_headers(Prefer="wait=10"), request)
        return await self._refuse(self._id_of(fault["offer"]), received, request)

    async def _give_order(self, fault: Mapping[str, Any]) -> None:
        """Give the fault's order, and wait until the platform has executed it, or for some seconds where it cannot
        while its request is open.
        """
        if "order" not in fault:
            return
        task = asyncio.ensure_future(self._give(fault["order"], fault["offer"]))
        self._orders.add(task)
        await asyncio.wait([task], timeout=_ORDER_SECONDS)
        await asyncio.sleep(_MARGIN_SECONDS)

    async def _refuse(self, offer_id: str, received: ReceivedRequest, request: Request) -> SentAnswer:
        """The answer to a request in which the verdict refuses this offer."""
        found = schemas.problem(_RULE, pointer="/description").to_json()
        if len(request.items) == 1 and request.method != "POST":
            return refusal(received, "submission-refused", problems=[found])
        index = next(index for index, item in enumerate(request.items) if item.id == offer_id)
        language = preferred_language(received.headers.get("Accept-Language", ""))
        problems = [schemas.localized(found, language)]
        refused = {"index": index, "id": offer_id, "status": "refused", "problems": problems}
        if request.is_set:
            return _with_refused(await self._gateway.answer_as_gateway(received, request), refused)
        if request.partial and request.items[1:]:
            rest = replace(request, items=(*request.items[:index], *request.items[index + 1 :]))
            kept = await self._gateway.answer_as_gateway(_without(received, index), rest)
            return _with_refused(kept, refused, left_out=True)
        return _whole_refused(received, request, refused)


def _whole_refused(received: ReceivedRequest, request: Request, refused: Mapping[str, Any]) -> SentAnswer:
    """The answer to a batch of which nothing is queued, as one of its items is refused."""
    results = [
        refused if index == refused["index"] else {"index": index, "id": item.id, "status": "not-queued"}
        for index, item in enumerate(request.items)
    ]
    letters = "".join("r" if each is refused else "n" for each in results)
    body = {"items": len(results), "refused": 1, "queued": 0, "results": results, "statuses": letters}
    members = {**body, "rules": {_RULE: 1}, "warnings": {}}
    return refusal(received, "batch-refused", actual=1, expected=len(results), members=members)


def _with_refused(answer: SentAnswer, refused: Mapping[str, Any], *, left_out: bool = False) -> SentAnswer:
    """The answer to an upload, in which one item is refused; the gateway may have received it without that item."""
    if answer.status not in {200, 202, 207}:
        return answer
    body = dict(answer.document)
    index = refused["index"]
    others = [
        {**each, "index": each["index"] + 1} if left_out and each["index"] >= index else each
        for each in body["results"]
        if left_out or each["index"] != index
    ]
    letters = body["statuses"]
    body |= {
        "results": sorted([*others, refused], key=lambda each: int(each["index"])),
        "statuses": f"{letters[:index]}r{letters[index if left_out else index + 1 :]}",
        "rules": Counter(body["rules"]) + Counter([_RULE]),
        "items": body["items"] + left_out,
        "refused": body["refused"] + 1,
        "queued": body["queued"] - (not left_out),
    }
    return replace(answer, status=207 if left_out else answer.status, body=orjson.dumps(body))


def _without(received: ReceivedRequest, index: int) -> ReceivedRequest:
    """The batch without one of its items."""
    gzip = received.headers.get("Content-Encoding", "identity").lower() in {"gzip", "x-gzip"}
    content = inflate(received.body, most=MAX_BYTES) if gzip else received.body
    documents = [each for at, each in enumerate(split_batch(content)) if at != index]
    array = content.lstrip().startswith(b"[")
    body = b"[" + b",".join(documents) + b"]" if array else b"\n".join(documents)
    return replace(received.with_headers("Content-Encoding"), body=body)
