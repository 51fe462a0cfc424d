"""Onboarding: a new or an altered partner from the operator's input, or all findings on it. Pure.

Presets are known facts about the nine regional platforms and the national site, as packaged data.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from types import MappingProxyType
from urllib.parse import urlsplit

import orjson

import schemas
from gateway.partners.jwks import jwks_findings
from gateway.protocol.identity import is_slug
from gateway.protocol.partner import SCOPES, Partner, PublicAgreement, Scope
from schemas.packaged import read_json

DEFAULT_SCOPES: frozenset[Scope] = frozenset({"offers:publish", "offers:read"})
_HOST = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_NO_ISSUER = "{} is no issuer: expected https://, a host name and perhaps a path, spelt as its metadata spells it."
_MAX_NAME = 150
_MAX_AGREEMENT = 60


class InputFinding(str):
    """A fault of one field of the input, as a sentence. ``code`` names it for pages, which have words of their
    own, and ``value`` is what is wrong.
    """

    __slots__ = ("code", "field", "value")
    field: str
    code: str
    value: str

    def __new__(cls, sentence: str, field: str, code: str, value: str = "") -> "InputFinding":
        """A finding on this field."""
        found = super().__new__(cls, sentence)
        found.field, found.code, found.value = field, code, value
        return found


@cache
def presets() -> Mapping[str, Partner]:
    """By slug: a partner with its public facts and the default scopes, without credentials."""
    document = read_json("platforms.json", package=__package__)
    return MappingProxyType(
        {
            one["platform"]: Partner(
                platform=one["platform"],
                name=one["name"],
                scopes=DEFAULT_SCOPES,
                territory=_departments(one["region"]),
                national_delivery=one["national_delivery"],
                hosts=tuple(one["hosts"]),
            )
            for one in document["platforms"]
        }
    )


def _departments(region: str | None) -> frozenset[str]:
    """The INSEE codes of a region's departments; empty, which means all, without a region."""
    listed = schemas.reference("departments")["items"]
    return frozenset(one["code"] for one in listed if one["region"] == region)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerInput:
    """An operator's input for a partner; None keeps the value: a new one has that of its preset, or else the default.
    Empty ``departments`` means all of them, empty ``hosts`` none, but for a new one; keys, issuer and ``public``, the
    agreement that its offers are public, are removed only by ``without_jwks``, ``without_issuer``, ``without_public``.
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
    public: Mapping[str, str] | None = None
    without_public: bool = False


def new_partner(slug: str, wish: PartnerInput, *, others: Sequence[Partner]) -> Partner | tuple[str, ...]:
    """The partner, without a secret; or the findings, one sentence each with its remedy."""
    findings: list[str] = [*_slug_findings(slug, others), *input_findings(slug, wish, others)]
    preset = presets().get(slug)
    if preset is None and not wish.name and is_slug(slug):
        message = f"{slug} is not one of the platforms known beforehand: give it a name with --name."
        findings.append(InputFinding(message, "name", "name_missing", slug))
    if findings:
        return tuple(findings)
    known = preset or Partner(platform=slug, name="", scopes=DEFAULT_SCOPES)
    given = replace(wish, scopes=wish.scopes or None, departments=wish.departments or None, hosts=wish.hosts or None)
    return _with(known, given)


def altered(partner: Partner, wish: PartnerInput, *, others: Sequence[Partner]) -> Partner | tuple[str, ...]:
    """The altered partner, with its secrets and all else kept; or the findings, one sentence each."""
    return input_findings(partner.platform, wish, others) or _with(partner, wish)


def _with(partner: Partner, wish: PartnerInput) -> Partner:
    scopes = wish.scopes
    delivery = wish.national_delivery or partner.national_delivery
    jwks = partner.jwks if wish.jwks is None else dict(wish.jwks)
    return replace(
        partner,
        name=partner.name if wish.name is None else wish.name,
        scopes=partner.scopes if scopes is None else frozenset(scope for scope in SCOPES if scope in scopes),
        territory=partner.territory if wish.departments is None else frozenset(wish.departments),
        hosts=partner.hosts if wish.hosts is None else tuple(wish.hosts),
        national_delivery="self" if delivery == "self" else "gateway",
        inbox=partner.inbox if wish.inbox is None else wish.inbox,
        feed=partner.feed if wish.feed is None else wish.feed,
        jwks=None if wish.without_jwks else jwks,
        issuer=None if wish.without_issuer else wish.issuer or partner.issuer,
        public=None
        if wish.without_public
        else partner.public
        if wish.public is None
        else PublicAgreement(**wish.public),
    )


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
    public = partner.public
    yield "public offers", "no" if public is None else f"from {public.since}, agreement {public.agreement}"


def _fingerprint(jwks: Mapping[str, object]) -> str:
    """Twelve hexadecimal digits that identify a key set to an operator."""
    return hashlib.sha256(orjson.dumps(jwks, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def issuer_findings(issuer: str) -> tuple[str, ...]:
    """The findings on the URL of an external issuer (RFC 8414, section 2)."""
    try:
        parts = urlsplit(issuer)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return (_NO_ISSUER.format(issuer),)
    named = _HOST.fullmatch(host) is not None and not host.replace(".", "").isdigit()
    extra = parts.query or parts.fragment or "@" in parts.netloc or port == 0
    return () if parts.scheme == "https" and named and not extra else (_NO_ISSUER.format(issuer),)


def input_findings(slug: str, wish: PartnerInput, others: Sequence[Partner]) -> tuple[str, ...]:
    """The findings on an operator's input for this platform, whether or not it is a partner already."""
    return (*_own_findings(wish), *_host_findings(slug, wish, others))


def _slug_findings(slug: str, others: Sequence[Partner]) -> list[str]:
    if not is_slug(slug):
        message = f"{slug} cannot name a platform: 1 to 40 of a-z, 0-9 and single hyphens, a letter first."
        return [InputFinding(message, "slug", "slug_malformed", slug)]
    if any(other.platform == slug and not other.revoked for other in others):
        return [InputFinding(f"{slug} takes part already.", "slug", "slug_present", slug)]
    return []


def _own_findings(wish: PartnerInput) -> list[str]:
    known = {one["code"] for one in schemas.reference("departments")["items"]}
    findings: list[str] = [
        InputFinding(f"{scope} is not a scope: use {', '.join(SCOPES)}.", "scopes", "scope_unknown", scope)
        for scope in wish.scopes or ()
        if scope not in SCOPES
    ]
    findings += [
        InputFinding(
            f"{code} is not the INSEE code of a department, such as 01, 2A or 974.",
            "departments",
            "department_unknown",
            code,
        )
        for code in wish.departments or ()
        if code not in known
    ]
    if wish.name is not None and not 1 <= len(wish.name.strip()) <= _MAX_NAME:
        findings.append(InputFinding(f"The name must have 1 to {_MAX_NAME} characters.", "name", "name_length"))
    if wish.national_delivery not in {None, "gateway", "self"}:
        message = "National delivery is either gateway or self."
        findings.append(InputFinding(message, "national_delivery", "delivery_unknown"))
    if wish.jwks is not None:
        findings += [
            InputFinding(f"The key set cannot be kept. {finding}", "jwks", "keys_unusable")
            for finding in jwks_findings(wish.jwks)
        ]
    if wish.issuer is not None:
        findings += [
            InputFinding(message, "issuer", "issuer_malformed", wish.issuer) for message in issuer_findings(wish.issuer)
        ]
    return [*findings, *(() if wish.public is None else _public_findings(wish.public))]


def _public_findings(public: Mapping[str, str]) -> Iterator[InputFinding]:
    since, agreement = public.get("since", ""), public.get("agreement", "")
    try:
        readable = date.fromisoformat(since).isoformat() == since
    except ValueError:
        readable = False
    if not readable:
        message = f"{since or 'No day'} is no day from which offers are public: write it as 2027-03-01."
        yield InputFinding(message, "public_since", "day_malformed", since)
    if not 1 <= len(agreement.strip()) <= _MAX_AGREEMENT:
        message = f"The version of the agreement that offers are public must have 1 to {_MAX_AGREEMENT} characters."
        yield InputFinding(message, "public_agreement", "agreement_length")
    for name in sorted(public.keys() - {"since", "agreement"}):
        yield InputFinding(
            f"{name} is no part of the agreement: use since and agreement.", "public_since", "unknown", name
        )


def _host_findings(slug: str, wish: PartnerInput, others: Sequence[Partner]) -> list[str]:
    taken = {host: other.platform for other in others if not other.revoked for host in other.hosts}
    findings: list[str] = [
        InputFinding(
            f"{host} is not a host name as they are compared: lower case, no www., no scheme, no port.",
            "hosts",
            "host_malformed",
            host,
        )
        for host in wish.hosts or ()
        if not _HOST.fullmatch(host) or host.startswith("www.")
    ]
    findings += [
        InputFinding(f"{host} is the host of {taken[host]} already.", "hosts", "host_taken", host)
        for host in wish.hosts or ()
        if host in taken and taken[host] != slug
    ]
    return findings
