"""Alterations: a partner with other rights, territory or transports, and the differences; no revocation. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.partners.onboarding import PartnerInput, input_findings
from gateway.protocol.partner import SCOPES, Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """The changes by an operator; None keeps the value. Empty ``departments`` means all of them, empty ``hosts`` none;
    keys and issuer are removed only by ``without_jwks`` and ``without_issuer``.
    """

    name: str | None = None
    scopes: Sequence[str] | None = None
    departments: Sequence[str] | None = None
    hosts: Sequence[str] | None = None
    national_delivery: str | None = None
    inbox: bool | None = None
    feed: bool | None = None
    jwks: Mapping[str, object] | None = None
    without_jwks: bool = False
    issuer: str | None = None
    without_issuer: bool = False


def altered(partner: Partner, alteration: Alteration, *, others: Sequence[Partner]) -> Partner | tuple[str, ...]:
    """The altered partner, with its secrets and all else kept; or the findings, one sentence each."""
    wish = PartnerInput(
        name=alteration.name,
        scopes=alteration.scopes or (),
        departments=alteration.departments or (),
        hosts=alteration.hosts or (),
        national_delivery=alteration.national_delivery,
        jwks=alteration.jwks,
        issuer=alteration.issuer,
    )
    findings = input_findings(partner.platform, wish, others)
    if findings:
        return findings
    scopes = alteration.scopes
    delivery = alteration.national_delivery or partner.national_delivery
    return replace(
        partner,
        name=partner.name if alteration.name is None else alteration.name,
        scopes=partner.scopes if scopes is None else frozenset(scope for scope in SCOPES if scope in scopes),
        territory=partner.territory if alteration.departments is None else frozenset(alteration.departments),
        hosts=partner.hosts if alteration.hosts is None else tuple(alteration.hosts),
        national_delivery="self" if delivery == "self" else "gateway",
        inbox=partner.inbox if alteration.inbox is None else alteration.inbox,
        feed=partner.feed if alteration.feed is None else alteration.feed,
        jwks=_jwks(partner, alteration),
        issuer=None if alteration.without_issuer else alteration.issuer or partner.issuer,
    )


def _jwks(partner: Partner, alteration: Alteration) -> dict[str, object] | None:
    if alteration.without_jwks:
        return None
    return partner.jwks if alteration.jwks is None else dict(alteration.jwks)


def differences(before: Partner, after: Partner) -> Mapping[str, tuple[str, str]]:
    """The values that an alteration changed, by name: before and after, as text for an operator."""
    pairs = zip(_rendered(before), _rendered(after), strict=True)
    return {name: (was, is_now) for (name, was), (_, is_now) in pairs if was != is_now}


def _rendered(partner: Partner) -> Iterator[tuple[str, str]]:
    yield "name", partner.name
    yield "scopes", ", ".join(sorted(partner.scopes)) or "none"
    yield "territory", ", ".join(sorted(partner.territory)) or "all departments"
    yield "hosts", ", ".join(partner.hosts) or "none"
    yield "national delivery", partner.national_delivery
    yield "publishes by Kafka", "yes" if partner.inbox else "no"
    yield "subscribes by Kafka", "yes" if partner.feed else "no"
    yield "keys", "none" if partner.jwks is None else f"digest {_fingerprint(partner.jwks)}"
    yield "issuer", partner.issuer or "this gateway"


def _fingerprint(jwks: Mapping[str, object]) -> str:
    """Twelve hexadecimal digits that identify a key set to an operator."""
    return hashlib.sha256(orjson.dumps(jwks, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
