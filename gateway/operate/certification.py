"""Certification at the desk: nonces, certificates signed from evidence, and their revocation."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import schemas
from gateway.operate.desk import Desk, RefusedActError, active
from gateway.operate.usage import used_features
from gateway.protocol.certificate import (
    Certificate,
    Issued,
    Nonce,
    Role,
    with_certificate,
    with_nonce,
    with_used_nonce,
    without_certificate,
)
from gateway.protocol.evidence import Evidence, judge_evidence
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc
from schemas.texts import Texts

MAX_DAYS = 1_096
"""Longest validity of a certificate."""
MAX_NONCE_DAYS = 90
MAX_EVIDENCE_BYTES = 4 * 1024 * 1024
USUAL_DAYS = 365
USUAL_NONCE_DAYS = 30
_DAY_MS = 24 * 3_600_000
_ID_BYTES = 16
_NONCE_BYTES = 18

Sign: TypeAlias = Callable[[Certificate], Issued]
"""Signs a certificate with the gateway's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """The certifying gateway: its public URL, and its signature."""

    url: str
    sign: Sign


class EvidenceError(Exception):
    """Evidence that does not suffice; ``findings`` say why and what to do. Nothing was written."""

    def __init__(self, findings: tuple[Texts, ...]) -> None:
        super().__init__(" ".join(finding["en"] for finding in findings))
        self.findings = findings


async def issue_nonce(desk: Desk, slug: str, *, days: int) -> Nonce:
    """A new nonce of a platform, for one certificate. Raises RefusedActError, ChangeConflictError, LogError."""
    at = desk.clock()
    fresh = Nonce(
        text=secrets.token_urlsafe(_NONCE_BYTES),
        issued_at=at,
        expires_at=at + days * _DAY_MS,
        release=schemas.RELEASE,
    )

    def add(present: Partner | None) -> Partner:
        partner = active(present, slug)
        return replace(partner, nonces=with_nonce(partner.nonces, fresh, now=at))

    await desk.change("certificate.nonce", slug, add, expires_at=utc(fresh.expires_at))
    return fresh


async def certify(
    desk: Desk, slug: str, document: object, *, days: int, issuer: Issuer, replayed: bool = False
) -> Issued:
    """The signed certificate that a platform's evidence suffices for, kept with the platform. Evidence of a run without
    some features is compared with those that the platform was seen to use. ``replayed``: another than the platform has
    replayed its run with the seed, and it passed. Raises EvidenceError, and as ``issue_nonce``.
    """
    at = desk.clock()
    nonces = active(desk.partners.get(slug), slug).nonces
    off = isinstance(document, Mapping) and document.get("off")
    seen = await used_features(desk.log, slug) if off else frozenset[str]()
    evidence = await asyncio.to_thread(judge_evidence, document, platform=slug, nonces=nonces, now=at, used=seen)
    if not isinstance(evidence, Evidence):
        raise EvidenceError(evidence)
    certificate = Certificate(
        id=secrets.token_hex(_ID_BYTES),
        issuer=issuer.url,
        platform=slug,
        role=evidence.role,
        profile=evidence.profile,
        versions=evidence.versions,
        evidence=evidence.digest,
        issued_at=at // 1_000 * 1_000,
        expires_at=at // 1_000 * 1_000 + days * _DAY_MS,
        replayed_at=at // 1_000 * 1_000 if replayed else None,
    )
    issued = issuer.sign(certificate)

    def add(present: Partner | None) -> Partner:
        partner = active(present, slug)
        left = with_used_nonce(partner.nonces, evidence.nonce, now=at)
        if left is None:  # by another act since it was read
            raise RefusedActError("nonce-used", "The nonce of this evidence was used meanwhile.")
        kept = with_certificate(partner.certificates, issued, now=at)
        return replace(partner, certificates=kept, nonces=left)

    about = {"role": certificate.role, "id": certificate.id, "expires_at": utc(certificate.expires_at)}
    about |= {"basis": certificate.basis}
    await desk.change("certificate.sign", slug, add, **about)
    return issued


async def revoke_certificate(desk: Desk, slug: str, role: Role) -> Partner:
    """The platform without its certificates in a role, also if it was revoked itself. Raises as ``issue_nonce``."""

    def remove(present: Partner | None) -> Partner:
        if present is None:
            raise RefusedActError("unknown", f"{slug} is not a partner.")
        return replace(present, certificates=without_certificate(present.certificates, role))

    partner = desk.partners.get(slug)
    if remove(partner) == partner:
        raise RefusedActError("no-certificate", f"{slug} has no certificate as {role}.")
    return await desk.change("certificate.revoke", slug, remove, role=role)
