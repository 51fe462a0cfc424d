"""The forms of the page: its content, as an input of the operator's acts or as findings. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from gateway.pages.base.number import whole_number
from gateway.pages.base.reason import read_reason
from gateway.pages.base.upload import Form
from gateway.partners.credential import MAX_OVERLAP_HOURS
from gateway.partners.onboarding import InputFinding, PartnerInput
from gateway.partners.record import partner_document
from gateway.protocol.partner import SCOPES, Partner

WHY = "why"
CREDENTIALS = ("secret", "jwks", "issuer")
_BETWEEN = re.compile(r"[\s,;]+")
_MAX_KEYS = 16 * 1024
_PRIVATE = re.compile(r"PRIVATE KEY|\"(?:d|p|q|dp|dq|qi|k)\"\s*:")
_ALTERABLE = ("name", "scopes", "territory", "hosts", "national_delivery", "inbox", "feed", "jwks", "issuer", "public")

Errors: TypeAlias = dict[str, list[tuple[str, str]]]
"""By field: the code of each finding (text ``wrong_{code}``), and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformForm:
    """The content of a form. ``known``: the version of the platform that it alters; empty for a new one. ``secret``:
    whether the platform of a request gets one.
    """

    slug: str = ""
    name: str = ""
    scopes: Sequence[str] = ("offers:publish", "offers:read")
    departments: str = ""
    hosts: str = ""
    national_delivery: str = ""
    inbox: bool = False
    feed: bool = False
    secret: bool = False
    credential: str = "secret"
    jwks: str = ""
    issuer: str = ""
    public_since: str = ""
    public_agreement: str = ""
    why: str = ""
    known: str = ""
    errors: Errors = field(default_factory=dict)


def typed_in(form: Form) -> PlatformForm:
    """The content of the form, with the findings that need no other platform. Private keys are not displayed again."""
    errors: Errors = {}
    jwks = form.text("jwks").strip()
    document = _document(jwks)
    if jwks and document is None:
        errors["jwks"] = [("keys_unusable", "")]
    if _PRIVATE.search(jwks):
        jwks, errors["jwks"] = "", [("keys_private", "")]
    why = reason_in(form, WHY, errors)
    return PlatformForm(
        slug=form.text("slug").strip(),
        name=" ".join(form.text("name").split()),
        scopes=[
            scope for scope in SCOPES if scope.encode() in [one.content for one in form.parts if one.name == "scopes"]
        ],
        departments=" ".join(_words(form.text("departments"))),
        hosts=" ".join(_words(form.text("hosts"))),
        national_delivery=form.text("national_delivery"),
        inbox=bool(form.text("inbox")),
        feed=bool(form.text("feed")),
        secret=bool(form.text("secret")),
        credential=form.text("credential") or "secret",
        jwks=jwks,
        issuer=form.text("issuer").strip(),
        public_since=form.text("public_since").strip(),
        public_agreement=" ".join(form.text("public_agreement").split()),
        why=form.text(WHY) if "why" in errors else why or "",
        known=form.text("known"),
        errors=errors,
    )


def reason_in(form: Form, name: str, errors: Errors) -> str | None:
    """The reason in a field of a form, without contact data; adds what is wrong with it."""
    reason = read_reason(form.text(name), required=False)
    if reason.wrong:
        errors[name] = [(f"reason_{reason.wrong}", "")]
    return reason.kept


def wish_of(typed: PlatformForm) -> PartnerInput | Errors:
    """The input for a new platform, or what is wrong."""
    errors = dict(typed.errors)
    if typed.credential not in CREDENTIALS:
        errors["credential"] = [("credential_unknown", "")]
    if not typed.scopes:
        errors["scopes"] = [("scopes_none", "")]
    if typed.credential == "jwks" and not typed.jwks and "jwks" not in errors:
        errors["jwks"] = [("keys_missing", "")]
    if typed.credential == "issuer" and not typed.issuer:
        errors["issuer"] = [("issuer_missing", "")]
    if errors:
        return errors
    return PartnerInput(
        name=typed.name or None,
        scopes=typed.scopes,
        departments=_words(typed.departments),
        hosts=_words(typed.hosts),
        national_delivery=typed.national_delivery or None,
        inbox=typed.inbox,
        feed=typed.feed,
        jwks=_document(typed.jwks) if typed.credential == "jwks" else None,
        issuer=typed.issuer if typed.credential == "issuer" else None,
        public=_agreement(typed),
    )


def _agreement(typed: PlatformForm) -> Mapping[str, str] | None:
    """The agreement that everybody may see the offers; None without one."""
    since, agreement = typed.public_since, typed.public_agreement
    return {"since": since, "agreement": agreement} if since or agreement else None


def alteration_of(typed: PlatformForm, partner: Partner) -> PartnerInput | Errors:
    """The changes of a platform, or what is wrong. What is as it was is no change."""
    if typed.errors:
        return typed.errors
    was, jwks = typed_of(partner), _document(typed.jwks)
    public, was_public = (typed.public_since, typed.public_agreement), (was.public_since, was.public_agreement)
    return PartnerInput(
        name=None if typed.name == was.name else typed.name,
        scopes=None if typed.scopes == was.scopes else typed.scopes,
        departments=None if set(_words(typed.departments)) == partner.territory else _words(typed.departments),
        hosts=None if typed.hosts == was.hosts else _words(typed.hosts),
        national_delivery=None if typed.national_delivery == was.national_delivery else typed.national_delivery,
        inbox=None if typed.inbox == was.inbox else typed.inbox,
        feed=None if typed.feed == was.feed else typed.feed,
        jwks=None if jwks == partner.jwks else jwks,
        without_jwks=jwks is None and partner.jwks is not None,
        issuer=None if typed.issuer == was.issuer else typed.issuer or None,
        without_issuer=not typed.issuer and partner.issuer is not None,
        public=None if public == was_public else _agreement(typed),
        without_public=not any(public) and any(was_public),
    )


def typed_of(partner: Partner) -> PlatformForm:
    """The form of a platform as it is."""
    return PlatformForm(
        slug=partner.platform,
        name=partner.name,
        scopes=[scope for scope in SCOPES if scope in partner.scopes],
        departments=" ".join(sorted(partner.territory)),
        hosts=" ".join(partner.hosts),
        national_delivery=partner.national_delivery,
        inbox=partner.inbox,
        feed=partner.feed,
        jwks="" if partner.jwks is None else orjson.dumps(partner.jwks, option=orjson.OPT_INDENT_2).decode(),
        issuer=partner.issuer or "",
        public_since="" if partner.public is None else partner.public.since,
        public_agreement="" if partner.public is None else partner.public.agreement,
        known=version_of(partner),
    )


def version_of(partner: Partner) -> str:
    """A digest of what a form alters: another one shows that somebody else has altered it meanwhile."""
    document = partner_document(partner)
    values = {name: document.get(name) for name in _ALTERABLE}
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def by_field(findings: Iterable[str]) -> Errors:
    """Findings of the acts by field; each has words of its own in both languages."""
    errors: Errors = {}
    for finding in findings:
        if not isinstance(finding, InputFinding):
            raise TypeError("a finding without a field")
        found = errors.setdefault(finding.field, [])
        if (finding.code, finding.value) not in found:
            found.append((finding.code, finding.value))
    return errors


def hours_in(form: Form, name: str, errors: Errors) -> int:
    """A number of hours in a field of a form; adds what is wrong with it."""
    hours = whole_number(form.text(name).strip(), most=MAX_OVERLAP_HOURS)
    if hours is None:
        errors[name] = [("hours_malformed", "")]
    return hours or 0


def _words(text: str) -> list[str]:
    return [word for word in _BETWEEN.split(text) if word]


def _document(text: str) -> Mapping[str, Any] | None:
    """A key set; None for what is none, and for nothing."""
    if not text or len(text) > _MAX_KEYS:
        return None
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
