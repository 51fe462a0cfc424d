"""Decisions that a client waits for with ``Prefer: wait``: of one submission (PUB-005), and of an upload (PUB-018)."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson
from aiohttp import hdrs, web

import schemas
from gateway.api.answer import json_headers
from gateway.api.context import federation_of
from gateway.api.problem import language_of
from gateway.api.receipts import localized
from gateway.api.results import MAX_IN_FULL, Decided
from gateway.api.work import Work, work_of
from gateway.errors import LogError
from gateway.ingest.upload.upload import Upload
from gateway.protocol.submission import Lift, Publish, Retire, Withdraw
from gateway.runtime.loop import in_thread
from gateway.store import ReceiptView

MAX_WAIT = 30
"""Longest wait for a decision, in seconds."""
_AT_ONCE = 2_000
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?=[,;]|$)', re.IGNORECASE)


def wait_of(request: web.Request) -> int:
    """The seconds of ``Prefer: wait=N`` (RFC 7240), at most 30; 0 if absent or malformed: it is only a preference."""
    preferences = request.headers.getall("Prefer", ())
    if not preferences:
        return 0
    found = _WAIT.search(",".join(preferences))
    return min(MAX_WAIT, int(found[1])) if found else 0


async def submit(
    request: web.Request, submission: Publish | Withdraw | Retire | Lift, problems: Sequence[schemas.Problem] = ()
) -> web.Response:
    """Queue one submission durably, then answer: 202 with the receipt's address, or the decision (PUB-004, PUB-005).

    Raises LogError if it is not known to be queued.
    """
    [outcome] = await federation_of(request).submissions.submit([submission])
    if isinstance(outcome, LogError):
        raise outcome
    return await answer_decision(request, submission, problems)


async def answer_decision(
    request: web.Request, submission: Publish | Withdraw | Retire | Lift, problems: Sequence[schemas.Problem] = ()
) -> web.Response:
    """The answer to a submission that is queued."""
    wait, receipts = wait_of(request), federation_of(request).receipts
    headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
    receipt = await work_of(request).wait(receipts.wait(submission.receipt, wait), None) if wait else None
    if receipt is not None:
        return answer(request, receipt, status=_status(receipt), headers=headers)
    pending: dict[str, Any] = {"receipt": submission.receipt, "verdict": "pending", "id": submission.id}
    if problems:
        pending["problems"] = [problem.to_json() for problem in problems]
    if isinstance(submission, Publish | Withdraw):  # the receipts of the gateway's own commands are not the operator's
        headers[hdrs.LOCATION] = f"/v1/receipts/{submission.receipt}"
    return answer(request, pending, status=HTTPStatus.ACCEPTED, headers=headers)


def answer(
    request: web.Request, receipt: dict[str, Any], *, status: int, headers: dict[str, str] | None = None
) -> web.Response:
    """A receipt, or the like, with its problems in the client's language."""
    language = language_of(request)
    return web.Response(
        status=status,
        body=orjson.dumps(localized(receipt, language)),
        headers={**(headers or {}), **json_headers(language)},
    )


def _status(receipt: dict[str, Any]) -> HTTPStatus:
    if receipt["verdict"] in {"stale", "rejected"}:
        return HTTPStatus.CONFLICT
    return HTTPStatus.CREATED if receipt.get("created") else HTTPStatus.OK


class Deadline:
    """The end of a request's wait: ``seconds`` from now on the loop's clock, or the stop of the process."""

    def __init__(self, seconds: float, work: Work) -> None:
        self._clock = asyncio.get_running_loop().time
        self._at = self._clock() + seconds
        self._work = work

    async def moved(self, receipts: ReceiptView, positions: Sequence[int]) -> bool:
        """Wait until the view is beyond these positions; False at the deadline. Raises ConnectionError when the client
        disconnects.
        """
        left = self._at - self._clock()
        if left <= 0 or self._work.stopping:
            return False
        return await self._work.wait(receipts.moved(positions, left), otherwise=False)


async def decisions_of(upload: Upload, receipts: ReceiptView, deadline: Deadline) -> Decided:
    """The decisions of all accepted items, all of which are queued; ``pending`` counts those not decided in time."""
    decided = Decided(bytearray(upload.count))
    results = enumerate(upload.results())
    while some := await in_thread(lambda: list(islice(results, _AT_ONCE))):
        indexes = {receipt.decode(): index for index, (_, receipt) in some if receipt is not None}

        def take(receipt_id: str, receipt: Mapping[str, Any], indexes: Mapping[str, int] = indexes) -> None:
            decided.take(indexes[receipt_id], receipt)

        decided.keeping = len(decided.problems) < MAX_IN_FULL
        decided.pending += await _take_each(list(indexes), receipts, deadline, take)
        await asyncio.sleep(0)
    return decided


async def withdrawals_of(receipt_ids: Iterable[str], receipts: ReceiptView, deadline: Deadline) -> tuple[int, int]:
    """Counts of queued withdrawals: those accepted in time, and those pending."""
    verdicts: list[str] = []
    pending = 0
    left = iter(receipt_ids)
    while some := list(islice(left, _AT_ONCE)):
        pending += await _take_each(some, receipts, deadline, lambda _, receipt: verdicts.append(receipt["verdict"]))
    return verdicts.count("accepted"), pending


async def _take_each(
    receipt_ids: Iterable[str],
    receipts: ReceiptView,
    deadline: Deadline,
    take: Callable[[str, Mapping[str, Any]], None],
) -> int:
    """Take each receipt as soon as it is applied; return how many are late. Each is looked up at least once."""
    waiting = dict.fromkeys(receipt_ids)
    while waiting:
        positions = receipts.positions  # before the lookup, or a receipt applied in between would be missed
        for receipt_id, receipt in (await receipts.outcomes(list(waiting))).items():
            del waiting[receipt_id]
            take(receipt_id, receipt)
        if waiting and not await deadline.moved(receipts, positions):
            break
    return len(waiting)
