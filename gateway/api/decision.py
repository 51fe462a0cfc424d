"""Answers to a submission: queued, or its decision for a client that prefers to wait (``Prefer: wait``)."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web

import schemas
from gateway.api.context import context_of
from gateway.api.problem import language_of
from gateway.api.receipts import localized
from gateway.api.work import work_of
from gateway.errors import LogError
from gateway.protocol.submission import Lift, Publish, Retire, Withdraw

MAX_WAIT = 30
"""Longest wait for a decision, in seconds."""
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
    context = context_of(request)
    [outcome] = await context.submissions.submit([submission])
    if isinstance(outcome, LogError):
        raise outcome
    wait = wait_of(request)
    headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
    receipt = await work_of(request).wait(context.receipts.wait(submission.receipt, wait), None) if wait else None
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
        headers={
            **(headers or {}),
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.CONTENT_LANGUAGE: language,
            hdrs.CACHE_CONTROL: "no-store",
        },
    )


def _status(receipt: dict[str, Any]) -> HTTPStatus:
    if receipt["verdict"] in {"stale", "rejected"}:
        return HTTPStatus.CONFLICT
    return HTTPStatus.CREATED if receipt.get("created") else HTTPStatus.OK
