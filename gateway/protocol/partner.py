"""Partners: the platforms that take part, with their rights. Values only; storage and authentication are elsewhere."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.protocol.certificate import Issued, Nonce
from schemas.closed_list import closed_list

Scope: TypeAlias = str
SCOPES: tuple[Scope, ...] = closed_list("scopes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A client secret as stored: its hash, its creation and, while rotating, its end (ms since 1970)."""

    hash: str
    created_at: int
    ends_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A generation of credentials: a random ``id``, and the start of its validity (ms since 1970)."""

    id: str
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person's session on the pages, without the name of the person: its own ``id``, that of the ``link`` that began
    it, its beginning, its last end and whether it was ended before (ms since 1970).
    """

    id: str
    link: str
    begun_at: int
    ends_at: int
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAgreement:
    """A platform's agreement that everybody may see its offers: from which day on (ISO 8601, Europe/Paris), and the
    version of the text that was agreed to.
    """

    since: str
    agreement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """One platform of the federation, as the ``partners`` topic holds it (schema ``partner``).

    ``territory`` is the default filter of its reads: INSEE department codes (empty: all of them).
    ``national_delivery``: whether the gateway delivers its offers to the national site or the platform does (``self``).
    ``inbox`` and ``feed``: whether it publishes or subscribes by Kafka itself.
    ``profile``: how its offers are fetched and read (schema ``profile``), None where it publishes by itself.
    ``nonces``: issued for evidence from which a certificate may be signed.
    ``joined_at``: since when it takes part (ms since 1970), None for older records.
    ``generation``: of its credentials; tokens of another one are refused. None until credentials are ended early.
    ``sessions``: of its persons on the pages, the newest first.
    ``public``: None where its offers are shown to partners only.
    """

    platform: str
    name: str
    scopes: frozenset[str]
    territory: frozenset[str] = frozenset()
    national_delivery: Literal["gateway", "self"] = "gateway"
    inbox: bool = False
    feed: bool = False
    hosts: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    jwks: dict[str, object] | None = field(default=None, hash=False)
    issuer: str | None = None
    profile: dict[str, object] | None = field(default=None, hash=False)
    certificates: tuple[Issued, ...] = ()
    nonces: tuple[Nonce, ...] = ()
    joined_at: int | None = None
    generation: Generation | None = None
    sessions: tuple[Session, ...] = ()
    public: PublicAgreement | None = None
    revoked: bool = False
