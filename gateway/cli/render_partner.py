"""Render partners as a table row or in full, never with a hash; a secret only when it is new."""

from gateway.cli.console import OUT
from gateway.clock import now
from gateway.partners.credential import MintedSecret, live_secrets
from gateway.partners.session import open_sessions
from gateway.protocol.certificate import certified_until, newest
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc

LABELS = ("Platform", "Name", "May", "Territory", "To the national site", "Certificate", "Credentials")
_TO_DAYS = len("2027-06-14")


def secret_document(partner: Partner, minted: MintedSecret | None) -> dict[str, str]:
    """The credentials with a new secret, for scripts; empty without one."""
    return {} if minted is None else {"client_id": partner.platform, "client_secret": minted.text}


def print_secret(partner: Partner, minted: MintedSecret | None) -> None:
    """Print the credentials with a new secret, if there is one."""
    if minted is not None:
        OUT.print("[yellow]Displayed only once: store it safely, and transmit it over a secure channel.[/]")
        OUT.print(f"  client_id      {partner.platform}\n  client_secret  {minted.text}")


def partner_row(partner: Partner) -> tuple[str, ...]:
    """The cells of a partner's table row, in the order of ``LABELS``."""
    return (
        partner.platform,
        partner.name,
        ", ".join(sorted(partner.scopes)),
        ", ".join(sorted(partner.territory)) or "all",
        "by itself" if partner.national_delivery == "self" else "by the gateway",
        _certificate(partner),
        _credentials(partner),
    )


def partner_details(partner: Partner) -> dict[str, str]:
    """All fields of a partner, by label."""
    kafka_roles = [role for role, used in (("publishes", partner.inbox), ("subscribes", partner.feed)) if used]
    secrets = (
        f"made {utc(one.created_at)}" + ("" if one.ends_at is None else f", ends {utc(one.ends_at)}")
        for one in partner.secrets
    )
    return {
        **dict(zip(LABELS, partner_row(partner), strict=True)),
        "Since": "unknown" if partner.joined_at is None else utc(partner.joined_at),
        "Hosts": ", ".join(partner.hosts) or "none",
        "By Kafka": " and ".join(kafka_roles) or "no",
        "Secrets": "; ".join(secrets) or "none",
        "Issuer": partner.issuer or "this gateway",
        "Public offers": "no" if partner.public is None else f"from {partner.public.since}, {partner.public.agreement}",
        "Open sessions": str(len(open_sessions(partner, now=now()))),
    }


def _certificate(partner: Partner) -> str:
    """Validity of the publisher certificate, then of other roles; else the end of the last expired one."""
    at = now()
    until = certified_until(partner.certificates, now=at)
    certificates = [one.certificate for one in newest(partner.certificates)]
    parts = [] if until is None else [f"until {_day(until)}"]
    parts += [
        f"as {one.role} until {_day(one.expires_at)}"
        for one in certificates
        if one.role != "publisher" and one.expires_at > at
    ]
    ended = [one.expires_at for one in certificates if one.expires_at <= at]
    return ", ".join(parts) or (f"ended {_day(max(ended))}" if ended else "none")


def _day(at: int) -> str:
    return utc(at)[:_TO_DAYS]


def _credentials(partner: Partner) -> str:
    if partner.revoked:
        return "revoked"
    secrets = len(live_secrets(partner.secrets, now=now()))
    found = (
        (f"{secrets} secret{'s' * (secrets > 1)}", secrets > 0),
        ("keys", partner.jwks is not None),
        ("own issuer", partner.issuer is not None),
    )
    return ", ".join(text for text, there in found if there) or "none"
