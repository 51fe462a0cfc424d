"""Records of ``partners``: a Partner as JSON (schema ``partner``) and back. Pure.

A change is applied to the record as stored, so that members written by a later version survive it, nested ones too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import orjson

from gateway.protocol.certificate import Issued, Nonce, read_statement, statement
from gateway.protocol.partner import SCOPES, Generation, Partner, PublicAgreement, Secret, Session
from gateway.protocol.record import Record
from gateway.protocol.value import from_members

_Value = TypeVar("_Value")
_IDENTITIES: Mapping[str, str] = {"secrets": "hash", "certificates": "signed", "nonces": "text", "sessions": "id"}
"""Members that are lists of objects, each with the member that identifies an object."""


def partner_document(partner: Partner) -> dict[str, Any]:
    """The partner as JSON on the topic: sets sorted, unset members left out, secrets as hashes."""
    document = {
        "platform": partner.platform,
        "name": partner.name,
        "scopes": sorted(partner.scopes),
        "territory": sorted(partner.territory),
        "national_delivery": partner.national_delivery,
        "inbox": partner.inbox,
        "feed": partner.feed,
        "hosts": list(partner.hosts),
        "secrets": [_set_members(secret) for secret in partner.secrets],
        "revoked": partner.revoked,
    }
    unless_unset = {
        "jwks": partner.jwks,
        "issuer": partner.issuer,
        "profile": partner.profile,
        "certificates": [
            {"statement": statement(one.certificate), "signed": one.signed} for one in partner.certificates
        ],
        "nonces": [_set_members(nonce) for nonce in partner.nonces],
        "joined_at": partner.joined_at,
        "generation": partner.generation and _set_members(partner.generation),
        "sessions": [_set_members(session) for session in partner.sessions],
        "public": partner.public and _set_members(partner.public),
    }
    return document | {name: value for name, value in unless_unset.items() if value is not None and value != []}


def changed_record(stored: bytes | None, after: Partner) -> Record:
    """The stored record with the members that differ in ``after``; ``stored`` is None for a partner without a record.

    All else stays as stored: unknown members, and in lists the elements that this version cannot read. The exception:
    of the secrets and scopes of a platform that is revoked or added again, only those of ``after`` stay.
    """
    document: dict[str, Any] = {} if stored is None else orjson.loads(stored)
    before = None if stored is None else read_partner(stored)
    was = {} if before is None else partner_document(before)
    becomes = partner_document(after)
    for name in was.keys() - becomes.keys():
        document.pop(name, None)
    for name, value in becomes.items():
        if name in was and was[name] == value:
            continue
        if name in _IDENTITIES:
            document[name] = _merged(document.get(name, ()), was.get(name, ()), value, by=_IDENTITIES[name])
        elif name == "scopes" and before is not None:
            document[name] = [*value, *(scope for scope in document[name] if scope not in SCOPES)]
        else:
            document[name] = value
    if after.revoked or (before is not None and before.revoked):
        document["secrets"], document["scopes"] = becomes["secrets"], becomes["scopes"]
    return Record(after.platform.encode(), orjson.dumps(document))


def read_partner(value: bytes) -> Partner:
    """The partner of a record's value. Members of later versions are ignored. Raises ValueError, KeyError
    or TypeError for anything that the gateway did not write.
    """
    body: dict[str, Any] = orjson.loads(value)
    generation, public = body.get("generation"), body.get("public")
    return from_members(
        Partner,
        {
            **body,
            "scopes": frozenset(scope for scope in SCOPES if scope in body["scopes"]),
            "territory": frozenset(body.get("territory", ())),
            "hosts": tuple(body.get("hosts", ())),
            "secrets": _read(Secret, body, "secrets"),
            "certificates": tuple(
                Issued(read_statement(one["statement"]), one["signed"])
                for one in body.get("certificates", ())
                if "signed" in one
            ),
            "nonces": _read(Nonce, body, "nonces"),
            "generation": generation and from_members(Generation, generation),
            "sessions": _read(Session, body, "sessions"),
            "public": public and from_members(PublicAgreement, public),
        },
    )


def _read(kind: type[_Value], body: Mapping[str, Any], name: str) -> tuple[_Value, ...]:
    """The values of a list, without those that a later version has written in another form."""
    return tuple(from_members(kind, one) for one in body.get(name, ()) if _IDENTITIES[name] in one)


def _set_members(value: Secret | Nonce | Session | Generation | PublicAgreement) -> dict[str, Any]:
    """The members of a value, without those that have their default."""
    members = ((one.name, one.default, getattr(value, one.name)) for one in fields(value))
    return {name: member for name, default, member in members if member != default}


def _merged(
    stored: Sequence[Mapping[str, Any]],
    was: Sequence[Mapping[str, Any]],
    becomes: Sequence[Mapping[str, Any]],
    *,
    by: str,
) -> list[Mapping[str, Any]]:
    """The new objects of a list, each with its unknown members; then the stored objects without identity."""
    known = {one[by]: one for one in stored if by in one}
    former = {one[by]: one for one in was}
    merged: list[Mapping[str, Any]] = []
    for one in becomes:
        identity = one[by]
        before = former.get(identity, {})
        kept = {name: value for name, value in known.get(identity, {}).items() if name not in before or name in one}
        merged.append(
            kept | {name: value for name, value in one.items() if before.get(name) != value or name not in kept}
        )
    return [*merged, *(one for one in stored if by not in one)]
