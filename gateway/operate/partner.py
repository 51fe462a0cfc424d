"""A partner as the operator reads it, over the API and in the output of commands. Pure."""

from typing import Any

from gateway.operate.feeds import has_feed
from gateway.partners.credential import is_live
from gateway.partners.revocation import credential_of, newest_credential
from gateway.partners.session import open_sessions
from gateway.protocol.certificate import newest
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc


def partner_document(partner: Partner, *, now: int) -> dict[str, Any]:
    """A partner as the operator reads it: no secret, no hash of one, no nonce, and no session by its id."""
    live = [secret for secret in partner.secrets if is_live(secret, now=now)]
    certificates = [one.certificate for one in newest(partner.certificates)]
    document = {
        "platform": partner.platform,
        "name": partner.name,
        "revoked": partner.revoked,
        "joined_at": None if partner.joined_at is None else utc(partner.joined_at),
        "scopes": sorted(partner.scopes),
        "departments": sorted(partner.territory),
        "hosts": list(partner.hosts),
        "national_delivery": partner.national_delivery,
        "inbox": partner.inbox,
        "feed": partner.feed,
        "pulled": has_feed(partner),
        "newest_secret": newest_credential(partner, now=now),
        "secrets": [
            {
                "secret": credential_of(one),
                "created_at": utc(one.created_at),
                "ends_at": None if one.ends_at is None else utc(one.ends_at),
            }
            for one in live
        ],
        "jwks": partner.jwks,
        "issuer": partner.issuer,
        "public": partner.public and {"since": partner.public.since, "agreement": partner.public.agreement},
        "certificates": [
            {
                "id": one.id,
                "role": one.role,
                "profile": one.profile,
                "expires_at": utc(one.expires_at),
                "basis": one.basis,
            }
            for one in certificates
        ],
        "open_sessions": len(open_sessions(partner, now=now)),
    }
    return {name: value for name, value in document.items() if value is not None}
