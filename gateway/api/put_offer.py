"""Publishing and withdrawing one offer over HTTP (requirements PUB-001 to PUB-007, IDN-003, IDN-005)."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus

import orjson
from aiohttp import hdrs, web

import schemas
from gateway.api.auth import refuse_uncertified, requires
from gateway.api.body import read_document, refuse_body
from gateway.api.context import federation_of, partner_of, today
from gateway.api.decision import answer, submit
from gateway.api.problem import ProblemError
from gateway.api.query import Parameters, missing, own_offer_id_of
from gateway.api.trace import traceparent_of
from gateway.api.work import work_of
from gateway.ingest.backlog import SHARE
from gateway.ingest.upload.judge import NOT_EXPLAINED
from gateway.protocol.identity import partition_of
from gateway.protocol.submission import Publish, Withdraw
from schemas import Verdict
from schemas.closed_list import closed_list

_REASONS = closed_list("withdrawn")
_MAX_REVISION = 2**53 - 1
_RETRY_SECONDS = "1"


@requires("offers:publish")
async def put_offer(request: web.Request) -> web.Response:
    """``PUT /v1/offers/{id}``."""
    with Parameters(request.query, ("dry_run",)) as parameters:
        dry_run = bool(parameters.flag("dry_run"))
    offer_id = own_offer_id_of(request)
    if not dry_run:
        refuse_uncertified(request)
    verdict = await _verdict(request, await read_document(request))
    refusal = _refusal(verdict, offer_id)
    if refusal is not None:
        if not dry_run:
            _count(request, verdict, refusal, offer_id)
        raise refusal
    if dry_run:
        return _dry_run_answer(request, verdict)
    _require_room(request, offer_id)
    return await submit(request, prepare(request, verdict), verdict.problems)


@requires("offers:publish")
async def delete_offer(request: web.Request) -> web.Response:
    """``DELETE /v1/offers/{id}?revision=&reason=``."""
    with Parameters(request.query, ("revision", "reason", "dry_run")) as parameters:
        revision = parameters.integer("revision", least=1, most=_MAX_REVISION)
        reason, dry_run = parameters.choice("reason", _REASONS) or "cancelled", bool(parameters.flag("dry_run"))
    offer_id = own_offer_id_of(request)
    refuse_body(request)
    verdict = _withdrawal(offer_id, revision, reason, today(federation_of(request)))
    if dry_run:
        return _dry_run_answer(request, verdict)
    _require_room(request, offer_id)
    return await submit(request, prepare(request, verdict))


def _require_room(request: web.Request, offer_id: str) -> None:
    """Refuse while others submit and the platform has its share of undecided submissions (ERR-006)."""
    federation = federation_of(request)
    if federation.submissions.full(partner_of(request).platform, partition_of(offer_id, federation.log.partitions)):
        retry: dict[str, str] = {hdrs.RETRY_AFTER: _RETRY_SECONDS}
        raise ProblemError("submissions-undecided", headers=retry, expected=SHARE)


async def _verdict(request: web.Request, raw: bytes) -> Verdict:
    """The verdict with all problems. Finding those of a malformed offer takes milliseconds, so a thread does it."""
    federation = federation_of(request)
    on, activations = today(federation), federation.releases.activations
    verdict = schemas.check(raw, on=on, explained=False, activations=activations)
    if verdict.problems and verdict.problems[0].code == NOT_EXPLAINED:
        return await work_of(request).in_thread(lambda: schemas.check(raw, on=on, activations=activations))
    return verdict


def prepare(request: web.Request, verdict: Verdict) -> Publish | Withdraw:
    """The command of this partner for an accepted verdict."""
    federation = federation_of(request)
    return federation.submissions.prepare(
        verdict,
        publisher=partner_of(request).platform,
        hosts=federation.partners.hosts(),
        traceparent=traceparent_of(request),
    )


def _withdrawal(offer_id: str, revision: int | None, reason: str, on: date) -> Verdict:
    if revision is None:
        raise missing("revision", f"1..{_MAX_REVISION}")
    verdict = schemas.check_withdrawal(orjson.dumps({"id": offer_id, "revision": revision, "withdrawn": reason}), on=on)
    refusal = _refusal(verdict, offer_id)
    if refusal is not None:
        raise refusal
    return verdict


def _refusal(verdict: Verdict, offer_id: str) -> ProblemError | None:
    """The refusal of a verdict other than accepted, with all problems: 422, nothing of it stored (PUB-003)."""
    if verdict.accepted and verdict.id == offer_id:
        return None
    if verdict.accepted:
        return ProblemError("id-mismatch", pointer="/id", expected=offer_id, actual=verdict.id)
    problems = [problem.to_json() for problem in verdict.problems]
    if verdict.id not in {None, offer_id}:
        mismatch = schemas.problem("id-mismatch", pointer="/id", expected=offer_id, actual=verdict.id)
        problems.insert(0, mismatch.to_json())
    return ProblemError("submission-refused", problems=problems)


def _count(request: web.Request, verdict: Verdict, refusal: ProblemError, offer_id: str) -> None:
    """Count a refused submission by the rules that it breaks; a refusal without problems is its own rule."""
    errors = [problem for problem in refusal.problems if problem["severity"] == "error"]
    errors = errors or [refusal.explanation.to_json()]
    rules = {problem["code"] for problem in errors}
    federation_of(request).refusals.count(
        partner_of(request).platform, verdict, rules, offer_id=offer_id, problems=errors
    )


def _dry_run_answer(request: web.Request, verdict: Verdict) -> web.Response:
    """The answer of a dry run: the warnings, and the offer as readers would get it (PUB-006)."""
    body = {
        "id": verdict.id,
        "status": "valid",
        "problems": [problem.to_json() for problem in verdict.problems],
        "offer": verdict.offer,
        "territory": verdict.territory,
        "expires_on": verdict.expires_on,
    }
    return answer(request, {key: value for key, value in body.items() if value is not None}, status=HTTPStatus.OK)


ROUTES: Sequence[web.RouteDef] = (
    web.put("/v1/offers/{id}", put_offer),
    web.delete("/v1/offers/{id}", delete_offer),
)
