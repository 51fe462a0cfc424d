"""Records of ``partners``: a Partner as JSON (schema ``partner``) and back. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.protocol.certificate import Issued, read_statement, statement
from gateway.protocol.partner import SCOPES, Partner, Secret
from gateway.protocol.record import Record


def partner_document(partner: Partner) -> dict[str, Any]:
    """The partner as the topic holds it: sets sorted, what is unset left out. Secrets are hashes already."""
    document: dict[str, Any] = {
        "platform": partner.platform,
        "name": partner.name,
        "scopes": sorted(partner.scopes),
        "territory": sorted(partner.territory),
        "national_delivery": partner.national_delivery,
        "inbox": partner.inbox,
        "feed": partner.feed,
        "hosts": list(partner.hosts),
        "secrets": [_secret_document(secret) for secret in partner.secrets],
        "revoked": partner.revoked,
    }
    if partner.jwks is not None:
        document["jwks"] = partner.jwks
    if partner.issuer is not None:
        document["issuer"] = partner.issuer
    if partner.profile is not None:
        document["profile"] = partner.profile
    if partner.certificates:
        document["certificates"] = [
            {"statement": statement(one.certificate), "signed": one.signed} for one in partner.certificates
        ]
    if partner.joined_at is not None:
        document["joined_at"] = partner.joined_at
    return document


def partner_record(partner: Partner) -> Record:
    """A record of ``partners``: key the slug, value the document."""
    return Record(partner.platform.encode(), orjson.dumps(partner_document(partner)))


def read_partner(value: bytes) -> Partner:
    """The inverse of ``partner_record``. Members of later versions are left aside; ValueError or KeyError on anything
    that the gateway did not write.
    """
    body: Mapping[str, Any] = orjson.loads(value)
    return Partner(
        platform=body["platform"],
        name=body["name"],
        scopes=frozenset(scope for scope in SCOPES if scope in body["scopes"]),
        territory=frozenset(body.get("territory", ())),
        national_delivery=body.get("national_delivery", "gateway"),
        inbox=body.get("inbox", False),
        feed=body.get("feed", False),
        hosts=tuple(body.get("hosts", ())),
        secrets=tuple(
            Secret(hash=one["hash"], created_at=one["created_at"], ends_at=one.get("ends_at"))
            for one in body.get("secrets", ())
        ),
        jwks=body.get("jwks"),
        issuer=body.get("issuer"),
        profile=body.get("profile"),
        certificates=tuple(
            Issued(read_statement(one["statement"]), one["signed"]) for one in body.get("certificates", ())
        ),
        joined_at=body.get("joined_at"),
        revoked=body.get("revoked", False),
    )


def _secret_document(secret: Secret) -> dict[str, Any]:
    document: dict[str, Any] = {"hash": secret.hash, "created_at": secret.created_at}
    if secret.ends_at is not None:
        document["ends_at"] = secret.ends_at
    return document
