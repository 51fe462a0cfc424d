"""Records of ``partners``: a Partner as JSON (schema ``partner``) and back. Pure.

A change is applied to the record as stored, so that members written by a later version survive it, nested ones too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.protocol.certificate import Issued, Nonce, read_statement, statement
from gateway.protocol.partner import SCOPES, Generation, Partner, Secret, Session
from gateway.protocol.record import Record

_IDENTITIES: Mapping[str, str] = {"secrets": "hash", "certificates": "signed", "nonces": "text", "sessions": "id"}
"""Members that are lists of objects, each with the member that identifies an object."""


def partner_document(partner: Partner) -> dict[str, Any]:
    """The partner as JSON on the topic: sets sorted, unset members left out, secrets as hashes."""
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
    if partner.nonces:
        document["nonces"] = [_nonce_document(nonce) for nonce in partner.nonces]
    if partner.joined_at is not None:
        document["joined_at"] = partner.joined_at
    if partner.generation is not None:
        document["generation"] = {"id": partner.generation.id, "since": partner.generation.since}
    if partner.sessions:
        document["sessions"] = [_session_document(session) for session in partner.sessions]
    return document


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
    """The partner of a record's value. Members of later versions are ignored. Raises ValueError or KeyError for
    anything that the gateway did not write.
    """
    body: Mapping[str, Any] = orjson.loads(value)
    generation = body.get("generation")
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
            if "hash" in one
        ),
        jwks=body.get("jwks"),
        issuer=body.get("issuer"),
        profile=body.get("profile"),
        certificates=tuple(
            Issued(read_statement(one["statement"]), one["signed"])
            for one in body.get("certificates", ())
            if "signed" in one
        ),
        nonces=tuple(
            Nonce(
                text=one["text"],
                issued_at=one["issued_at"],
                expires_at=one["expires_at"],
                used_at=one.get("used_at"),
                release=one.get("release"),
            )
            for one in body.get("nonces", ())
            if "text" in one
        ),
        joined_at=body.get("joined_at"),
        generation=None if generation is None else Generation(id=generation["id"], since=generation["since"]),
        sessions=tuple(
            Session(
                id=one["id"],
                link=one["link"],
                begun_at=one["begun_at"],
                ends_at=one["ends_at"],
                ended=one.get("ended", False),
            )
            for one in body.get("sessions", ())
            if "id" in one
        ),
        revoked=body.get("revoked", False),
    )


def _secret_document(secret: Secret) -> dict[str, Any]:
    document: dict[str, Any] = {"hash": secret.hash, "created_at": secret.created_at}
    if secret.ends_at is not None:
        document["ends_at"] = secret.ends_at
    return document


def _nonce_document(nonce: Nonce) -> dict[str, Any]:
    document: dict[str, Any] = {
        "text": nonce.text,
        "issued_at": nonce.issued_at,
        "expires_at": nonce.expires_at,
    }
    if nonce.used_at is not None:
        document["used_at"] = nonce.used_at
    if nonce.release is not None:
        document["release"] = nonce.release
    return document


def _session_document(session: Session) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": session.id,
        "link": session.link,
        "begun_at": session.begun_at,
        "ends_at": session.ends_at,
    }
    if session.ended:
        document["ended"] = True
    return document


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
