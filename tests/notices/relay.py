"""A real mail relay on loopback, with STARTTLS, that answers as a test wants; and what it has taken."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.notices.smtp import MailRelay

SENDER = "avis@passerelle.example"


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context with a certificate of localhost, and the client's, which trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251 - of a certificate that is checked now
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    text = certificate.public_bytes(serialization.Encoding.PEM)
    client.load_verify_locations(cadata=text.decode())
    with TemporaryDirectory() as folder:
        file = Path(folder, "both.pem")
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + text)
        server.load_cert_chain(file)
    return server, client


class Mailbox:
    """What the relay has taken. ``rcpt`` and ``data`` answer for an address: a line of SMTP, ``cut`` to take the mail
    and cut the connection, or ``slow`` to take it and never answer.
    """

    def __init__(self) -> None:
        self.rcpt: Callable[[str], str] = lambda _: "250 OK"
        self.data: Callable[[str], str] = lambda _: "250 OK"
        self.taken: list[EmailMessage] = []
        self.copies: Counter[str] = Counter()

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        """A recipient."""
        answer = self.rcpt(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """A mail."""
        answer = self.data(envelope.rcpt_tos[0])
        if answer[0] in "45":
            return answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=POLICY)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.copies[message["Message-ID"]] += 1
        if answer == "slow":
            await asyncio.Event().wait()
        if answer == "cut":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return answer

    def text(self, number: int = -1) -> str:
        """The text of a mail that was taken."""
        return str(self.taken[number].get_content())


@asynccontextmanager
async def serving(box: Mailbox, *, port: int = 0, starttls: bool = True) -> AsyncIterator[MailRelay]:
    """A relay for this mailbox, and the sender's side of it."""
    server_context, client_context = contexts()
    options: dict[str, Any] = {"tls_context": server_context, "require_starttls": True} if starttls else {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="localhost", loop=loop, **options), "localhost", port)
    try:
        number = server.sockets[0].getsockname()[1]
        yield MailRelay(f"smtp://localhost:{number}", SENDER, client_context)
    finally:
        server.close()
