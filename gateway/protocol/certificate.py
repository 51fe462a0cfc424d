"""Certificates: the operator's statement about a platform, and whether it may publish without one. Values only.

Signatures are made and verified elsewhere; ``evidence`` decides whether evidence suffices for a certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal, TypeAlias, get_args

import schemas
from gateway.protocol import PROTOCOL_VERSION
from gateway.protocol.paris_time import paris_date

Role: TypeAlias = Literal["publisher", "subscriber", "gateway"]
"""The closed list ``role``, written out: the command line reads its choices from the type."""
ROLES: tuple[Role, ...] = get_args(Role)
"""The roles of certificates. The national site is tested too, but takes part through adapters and needs none."""
Profile: TypeAlias = Literal["full", "core"]
PROFILES: tuple[Profile, ...] = ("full", "core")
NOTICE_MS = 30 * 24 * 3_600_000
"""Time before the end of a certificate from which on the end is announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceVersions:
    """The versions with which the evidence was produced."""

    kit: str
    protocol: str
    schema: str
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """States that a platform, in a role, passed a profile of the conformance kit (schema ``certificate``).

    ``issuer`` is the gateway's public URL, ``evidence`` the digest of the evidence submitted; times in milliseconds
    since 1970, on whole seconds. ``replayed_at``: when another than the platform last replayed its run; None where the
    certificate rests on the platform's own word.
    """

    id: str
    issuer: str
    platform: str
    role: Role
    profile: Profile
    versions: EvidenceVersions
    evidence: str
    issued_at: int
    expires_at: int
    replayed_at: int | None = None

    @property
    def basis(self) -> Literal["own-word", "replay"]:
        """The basis of the certificate."""
        return "own-word" if self.replayed_at is None else "replay"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as stored with its platform: its statement, and the signed text that proves it to others."""

    certificate: Certificate
    signed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonce:
    """A random text that binds evidence to one platform: issued by the operator, used for one certificate. ``release``
    is the one that was in force then.
    """

    text: str
    issued_at: int
    expires_at: int
    used_at: int | None = None
    release: str | None = None


_MAX_NONCES = 10


def with_nonce(kept: Sequence[Nonce], fresh: Nonce, *, now: int) -> tuple[Nonce, ...]:
    """The nonces of a platform with a new one first; expired ones, and the oldest beyond ten, are dropped."""
    return (fresh, *(one for one in kept if one.expires_at > now))[:_MAX_NONCES]


def with_used_nonce(kept: Sequence[Nonce], text: str, *, now: int) -> tuple[Nonce, ...] | None:
    """The nonces after one was used; None where it is not open."""
    if not any(one.text == text and one.used_at is None and one.expires_at > now for one in kept):
        return None
    return tuple(replace(one, used_at=now) if one.text == text else one for one in kept)


def without_certificate(kept: Sequence[Issued], role: Role) -> tuple[Issued, ...]:
    """The certificates of a platform without those of a role, which the operator revoked."""
    return tuple(one for one in kept if one.certificate.role != role)


def valid_certificates(kept: Sequence[Issued], *, now: int) -> tuple[Certificate, ...]:
    """The current certificates for this version of the protocol that have not ended, in the order of the roles."""
    found = {
        one.certificate.role: one.certificate
        for one in newest(kept)
        if one.certificate.expires_at > now and one.certificate.versions.protocol == PROTOCOL_VERSION
    }
    return tuple(found[role] for role in ROLES if role in found)


def statement(certificate: Certificate) -> dict[str, Any]:
    """The signed claims: those of RFC 7519, with times in seconds, and the gateway's own."""
    return {
        "iss": certificate.issuer,
        "sub": certificate.platform,
        "jti": certificate.id,
        "iat": certificate.issued_at // 1_000,
        "exp": certificate.expires_at // 1_000,
        "role": certificate.role,
        "profile": certificate.profile,
        "versions": asdict(certificate.versions),
        "evidence": certificate.evidence,
        "basis": certificate.basis,
        **({} if certificate.replayed_at is None else {"replayed_at": certificate.replayed_at // 1_000}),
    }


def read_statement(claims: Mapping[str, Any]) -> Certificate:
    """The inverse of ``statement``, for claims that follow the schema ``certificate``."""
    versions = claims["versions"]
    return Certificate(
        id=claims["jti"],
        issuer=claims["iss"],
        platform=claims["sub"],
        role=claims["role"],
        profile=claims["profile"],
        versions=EvidenceVersions(
            kit=versions["kit"], protocol=versions["protocol"], schema=versions["schema"], rules=versions["rules"]
        ),
        evidence=claims["evidence"],
        issued_at=claims["iat"] * 1_000,
        expires_at=claims["exp"] * 1_000,
        replayed_at=claims["replayed_at"] * 1_000 if "replayed_at" in claims else None,
    )


def with_certificate(kept: Sequence[Issued], fresh: Issued, *, now: int) -> tuple[Issued, ...]:
    """The certificates of a platform with a new one first, which becomes the current one of its role.

    Former ones stay until they end, so that the keys that prove them do too. The newest of a role stays beyond that, so
    that no former one becomes current again.
    """
    counting = newest((fresh, *kept))
    return (fresh, *(one for one in kept if one in counting or one.certificate.expires_at > now))


def newest(kept: Sequence[Issued]) -> tuple[Issued, ...]:
    """The current certificates: the first of each role, since certificates are stored newest first."""
    found: dict[Role, Issued] = {}
    for one in kept:
        found.setdefault(one.certificate.role, one)
    return tuple(found.values())


def certified_until(kept: Sequence[Issued], *, now: int) -> int | None:
    """The end of the certificate for publishing by this version of the protocol; None without a valid one."""
    ends = (one.expires_at for one in valid_certificates(kept, now=now) if one.role == "publisher")
    return next(ends, None)


def certificate_problem(kept: Sequence[Issued], *, required: date | None, now: int) -> schemas.Problem | None:
    """The problem that blocks a platform with these certificates from publishing; None where it may (CER-001).

    Withdrawals are never blocked.

    ``required`` is the first day, Europe/Paris, on which publishing needs one.
    """
    if required is None or paris_date(now) < required.isoformat() or certified_until(kept, now=now) is not None:
        return None
    return schemas.problem("certificate-missing", expected=required.isoformat())


def refused_from(kept: Sequence[Issued], *, required: date | None, now: int) -> date | None:
    """The day, Europe/Paris, from which publishing is refused with these certificates; None where none is needed."""
    until = certified_until(kept, now=now)
    if required is None or until is None:
        return required
    return max(required, date.fromisoformat(paris_date(until)))


def notice_of(kept: Sequence[Issued], *, required: date | None, now: int) -> date | None:
    """The day of ``refused_from``, for every answer without a certificate or near its end (``NOTICE_MS``); or None."""
    day = refused_from(kept, required=required, now=now)
    if day is None or certified_until(kept, now=now) is None:
        return day
    return day if day.isoformat() <= paris_date(now + NOTICE_MS) else None
