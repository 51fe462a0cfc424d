"""View models of the platforms that take part, as a row and in full. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.partners.credential import live_secrets
from gateway.partners.session import open_sessions
from gateway.protocol.certificate import NOTICE_MS, Certificate, certified_until, newest
from gateway.protocol.partner import SCOPES, Partner, Scope, Secret

Kind: TypeAlias = Literal["fine", "look", "blocked", "none"]
State: TypeAlias = Literal["active", "without_access", "revoked"]
_KINDS: dict[State, Kind] = {"active": "fine", "without_access": "look", "revoked": "none"}
_ORDER: Sequence[State] = ("without_access", "active", "revoked")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRow:
    """One platform of the list. ``certified_until``: of its publisher certificate, in ms; None if none is valid."""

    slug: str
    name: str
    scopes: Sequence[Scope]
    state: State
    kind: Kind
    certified_until: int | None
    certificate: Kind
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCertificate:
    """One certificate, and whether it holds."""

    certificate: Certificate
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One platform in full. ``secrets`` are live, the newest first."""

    row: PlatformRow
    partner: Partner
    territory: Sequence[str]
    secrets: Sequence[Secret]
    roles: Sequence[RoleCertificate]
    pulled: bool


def row_of(partner: Partner, *, now: int) -> PlatformRow:
    """The row of a platform."""
    state = state_of(partner, now=now)
    until = certified_until(partner.certificates, now=now)
    ended = any(one.certificate.role == "publisher" for one in partner.certificates)
    soon = until is not None and until - now < NOTICE_MS
    return PlatformRow(
        slug=partner.platform,
        name=partner.name,
        scopes=[scope for scope in SCOPES if scope in partner.scopes],
        state=state,
        kind=_KINDS[state],
        certified_until=until,
        certificate="look" if soon else "fine" if until is not None else "blocked" if ended else "none",
        sessions=len(open_sessions(partner, now=now)),
    )


def rows_of(partners: Sequence[Partner], *, now: int) -> Sequence[PlatformRow]:
    """The rows of all platforms: those without access first, revoked ones last."""
    rows = [row_of(partner, now=now) for partner in partners]
    return sorted(rows, key=lambda row: (_ORDER.index(row.state), row.name.casefold(), row.slug))


def whole_of(partner: Partner, *, now: int) -> Whole:
    """All of a platform."""
    certificates = [one.certificate for one in newest(partner.certificates)]
    return Whole(
        row=row_of(partner, now=now),
        partner=partner,
        territory=sorted(partner.territory),
        secrets=live_secrets(partner.secrets, now=now),
        roles=[RoleCertificate(certificate=one, kind=_kind(one, now=now)) for one in certificates],
        pulled=partner.profile is not None,
    )


def state_of(partner: Partner, *, now: int) -> State:
    """Whether a platform may enter, and whether it can."""
    if partner.revoked:
        return "revoked"
    can = live_secrets(partner.secrets, now=now) or partner.jwks is not None or partner.issuer is not None
    return "active" if can else "without_access"


def _kind(certificate: Certificate, *, now: int) -> Kind:
    if certificate.expires_at <= now:
        return "blocked"
    return "look" if certificate.expires_at - now < NOTICE_MS else "fine"
