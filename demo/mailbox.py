"""Mailbox of the demo: a real SMTP server on this machine that takes the gateway's mails, the page of them, and the
contacts that get them.
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP as POLICY
from html import escape
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway import clock
from gateway.log.port import EventLog
from gateway.notices.contacts import ContactBook
from gateway.notices.plan import KINDS
from gateway.protocol.contact import Choice, Contact, Contacts

HOST = "127.0.0.1"
SENDER = "avis@passerelle.example"
_AUTHORITY, _KEY = "relay.pem", "relay.key"
_MAX_MAILS = 200
_DAYS = timedelta(days=30)
_LINK = re.compile(r"https?://[^\s<>]+")
_PAGE = """<!doctype html>
<html lang="fr">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Courriels de la démonstration</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 44rem; margin: 0 auto; padding: 1rem }}
article {{ border-top: 1px solid; padding-bottom: 1rem }}
pre {{ font: inherit; white-space: pre-wrap; overflow-wrap: anywhere }}
</style>
<main>
<h1>Courriels de la démonstration</h1>
<p>{lead}</p>
{mails}
</main>
"""
_LEAD = (
    "Ce que la passerelle a envoyé, le plus récent d’abord. Rien ne quitte cette machine. Un avis vient deux minutes "
    "au plus tôt après son fait ; pour un courriel tout de suite, demandez un lien de connexion, au pied de chaque "
    "page, avec l’adresse contact@bretagne.example. Rechargez ensuite cette page."
)


class Mailbox:
    """The last mails that were taken, the newest first. A handler of aiosmtpd."""

    def __init__(self) -> None:
        self.mails: deque[EmailMessage] = deque(maxlen=_MAX_MAILS)

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - of aiosmtpd
        """Take a mail."""
        message: Message = message_from_bytes(cast("bytes", envelope.content), policy=POLICY)
        self.mails.appendleft(cast("EmailMessage", message))
        return "250 OK"

    def page(self) -> str:
        """The page of the mails, in HTML."""
        return _PAGE.format(lead=_LEAD, mails="\n".join(map(_article, self.mails)))


@asynccontextmanager
async def serving_smtp(handler: object, context: ssl.SSLContext | None, *, port: int = 0) -> AsyncIterator[int]:
    """Serve SMTP for the block, with STARTTLS required where a context is given; yields the port."""
    options: dict[str, Any] = {} if context is None else {"tls_context": context, "require_starttls": True}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname=HOST, loop=loop, **options), HOST, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def add_contacts(log: EventLog, secret: bytes, names: Mapping[str, str]) -> None:
    """Add a confirmed contact of each platform, under the address of a role, that gets everything at once."""
    book = ContactBook(log, secret=secret)
    additions = [
        book.adding(slug, address=f"contact@{slug}.example", name=f"Équipe {name}", language="fr")[1]
        for slug, name in names.items()
    ]
    choices: Mapping[str, Choice] = dict.fromkeys(KINDS, "now")

    def confirmed(contacts: Contacts) -> list[Contact]:
        added = [one for add in additions for one in add(contacts) if isinstance(one, Contact)]
        return [replace(one, confirmed_at=clock.now(), choices=choices) for one in added]

    try:
        await book.change(confirmed)
    finally:
        await book.close()


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a new certificate of this machine, and the file of the authority that clients trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)  # noqa: TID251 - clients check the certificate by the machine's clock
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - _DAYS, now + _DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority, private = folder / _AUTHORITY, folder / _KEY
    private.touch(0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_in(folder), authority


def certificate_in(folder: Path) -> ssl.SSLContext:
    """A server's context with the certificate that ``certified`` has written."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / _AUTHORITY, folder / _KEY)
    return context


def _article(mail: EmailMessage) -> str:
    text = escape(str(mail.get_content()), quote=False)
    linked = _LINK.sub(lambda found: f'<a href="{found[0]}" rel="noreferrer">{found[0]}</a>', text)
    subject, to, at = (escape(str(mail[name])) for name in ("Subject", "To", "Date"))
    return f"<article>\n<h2>{subject}</h2>\n<p>À {to}, {at}</p>\n<pre>{linked}</pre>\n</article>"
