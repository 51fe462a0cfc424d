"""View models of the platforms that take part, as a row and in full. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.pages.base.columns import Column
from gateway.pages.base.texts import Texts
from gateway.partners.credential import live_secrets
from gateway.partners.session import open_sessions
from gateway.protocol.certificate import NOTICE_MS, Certificate, certified_until, newest
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import SCOPES, Partner, Scope
from schemas.communes import plain_name

Kind: TypeAlias = Literal["fine", "look", "blocked", "none"]
State: TypeAlias = Literal["active", "without_access", "revoked"]
_KINDS: dict[State, Kind] = {"active": "fine", "without_access": "look", "revoked": "none"}
STATES: Sequence[State] = ("without_access", "active", "revoked")


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
    return sorted(rows, key=lambda row: (STATES.index(row.state), plain_name(row.name), row.slug))


def columns(texts: Texts) -> Sequence[Column[PlatformRow]]:
    """The columns of the list, and of its file."""
    return (
        Column("platform", lambda row: row.name, lambda row: (plain_name(row.name), row.slug)),
        Column("slug", lambda row: row.slug),
        Column("state", lambda row: str(texts(f"state_{row.state}")), lambda row: STATES.index(row.state)),
        Column("may", lambda row: ", ".join(str(texts(f"may_{one.replace(':', '_')}")) for one in row.scopes)),
        Column(
            "certificate",
            lambda row: paris_date(row.certified_until) if row.certified_until else "",
            lambda row: row.certified_until,
        ),
        Column("sessions", lambda row: row.sessions, kind="n"),
    )


def roles_of(partner: Partner, *, now: int) -> Sequence[tuple[Certificate, Kind]]:
    """The newest certificate of each role, and whether it holds."""
    return [
        (one, "blocked" if one.expires_at <= now else "look" if one.expires_at - now < NOTICE_MS else "fine")
        for one in (signed.certificate for signed in newest(partner.certificates))
    ]


def state_of(partner: Partner, *, now: int) -> State:
    """Whether a platform may enter, and whether it can."""
    if partner.revoked:
        return "revoked"
    secrets = live_secrets(partner.secrets, now=now)
    can = secrets or any(one is not None for one in (partner.jwks, partner.issuer, partner.profile))
    return "active" if can else "without_access"
