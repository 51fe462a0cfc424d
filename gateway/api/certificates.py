"""Certificates over HTTP: the operator issues nonces, has evidence certified, and revokes certificates (CER-002)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.api.context import context_of
from gateway.api.desk import Check, acting, answered, is_flag, is_object, within
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
from gateway.operate.desk import Desk
from gateway.protocol.certificate import ROLES, statement
from gateway.protocol.record import utc
from schemas.kit_cases import kit_version

_NONCE: Mapping[str, Check] = {"days": within(1, MAX_NONCE_DAYS)}
_EVIDENCE: Mapping[str, Check] = {"evidence": is_object, "days": within(1, MAX_DAYS), "replayed": is_flag}


@acting(_NONCE)
async def post_nonce(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/nonces``."""
    platform = request.match_info["platform"]
    nonce = await issue_nonce(desk, platform, days=act.get("days", USUAL_NONCE_DAYS))
    body = {"platform": platform, "nonce": nonce.text, "expires_at": utc(nonce.expires_at), "kit": kit_version()}
    return answered(body, status=HTTPStatus.CREATED)


@acting(_EVIDENCE, required=("evidence",), most=MAX_EVIDENCE_BYTES)
async def post_certificate(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/certificates``. Its nonce serves once: a repetition is refused."""
    try:
        issued = await certify(
            desk,
            request.match_info["platform"],
            act["evidence"],
            days=act.get("days", USUAL_DAYS),
            issuer=context_of(request).issuer,
            replayed=act.get("replayed", False),
        )
    except EvidenceError as error:
        findings = [finding[language_of(request)] for finding in error.findings]
        raise ProblemError("evidence-insufficient", members={"findings": findings}) from error
    body = {"statement": statement(issued.certificate), "signed": issued.signed}
    return answered(body, status=HTTPStatus.CREATED)


@acting({"role": ROLES.__contains__}, required=("role",))
async def post_certificate_revocation(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/certificates/revocation``."""
    platform = request.match_info["platform"]
    await revoke_certificate(desk, platform, act["role"])
    return answered({"platform": platform, "role": act["role"]})


ROUTES: Sequence[web.RouteDef] = (
    web.post("/v1/partners/{platform}/nonces", post_nonce),
    web.post("/v1/partners/{platform}/certificates", post_certificate),
    web.post("/v1/partners/{platform}/certificates/revocation", post_certificate_revocation),
)
