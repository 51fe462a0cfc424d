"""Certificates over HTTP: the operator issues nonces, has evidence certified, and revokes certificates (CER-002)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.context import context_of
from gateway.api.desk import Check, answered, desk_of, is_flag, is_object, read_act, refusals, within
from gateway.api.problem import ProblemError, language_of
from gateway.operate.certification import (
    MAX_DAYS,
    MAX_EVIDENCE_BYTES,
    MAX_NONCE_DAYS,
    USUAL_DAYS,
    USUAL_NONCE_DAYS,
    EvidenceError,
    certify,
    issue_nonce,
    revoke_certificate,
)
from gateway.protocol.certificate import ROLES, statement
from gateway.protocol.record import utc
from schemas.kit_cases import kit_version

_NONCE: Mapping[str, Check] = {"days": within(1, MAX_NONCE_DAYS)}
_EVIDENCE: Mapping[str, Check] = {"evidence": is_object, "days": within(1, MAX_DAYS), "replayed": is_flag}


@requires("operate")
async def post_nonce(request: web.Request) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/nonces``."""
    asked, reason = await read_act(request, _NONCE)
    platform = request.match_info["platform"]
    desk = await desk_of(request, reason)
    with refusals():
        nonce = await issue_nonce(desk, platform, days=asked.get("days", USUAL_NONCE_DAYS))
    body = {"platform": platform, "nonce": nonce.text, "expires_at": utc(nonce.expires_at), "kit": kit_version()}
    return answered(body, status=HTTPStatus.CREATED)


@requires("operate")
async def post_certificate(request: web.Request) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/certificates``. Its nonce serves once: a repetition is refused."""
    asked, reason = await read_act(request, _EVIDENCE, required=("evidence",), most=MAX_EVIDENCE_BYTES)
    context, platform, document = context_of(request), request.match_info["platform"], asked["evidence"]
    days = asked.get("days", USUAL_DAYS)
    desk = await desk_of(request, reason)
    with refusals():
        try:
            issued = await certify(
                desk, platform, document, days=days, issuer=context.issuer, replayed=asked.get("replayed", False)
            )
        except EvidenceError as error:
            findings = [finding[language_of(request)] for finding in error.findings]
            raise ProblemError("evidence-insufficient", members={"findings": findings}) from error
    body = {"statement": statement(issued.certificate), "signed": issued.signed}
    return answered(body, status=HTTPStatus.CREATED)


@requires("operate")
async def post_certificate_revocation(request: web.Request) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/certificates/revocation``."""
    asked, reason = await read_act(request, {"role": ROLES.__contains__}, required=("role",))
    platform = request.match_info["platform"]
    desk = await desk_of(request, reason)
    with refusals():
        await revoke_certificate(desk, platform, asked["role"])
    return answered({"platform": platform, "role": asked["role"]})


ROUTES: Sequence[web.RouteDef] = (
    web.post("/v1/partners/{platform}/nonces", post_nonce),
    web.post("/v1/partners/{platform}/certificates", post_certificate),
    web.post("/v1/partners/{platform}/certificates/revocation", post_certificate_revocation),
)
