"""A real mail relay on loopback, with STARTTLS, that answers as a test wants; and what it has taken."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from demo.mailbox import HOST, SENDER, certified, serving_smtp
from gateway.notices.smtp import MailRelay

__all__ = ["SENDER", "Mailbox", "serving"]


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context, and the client's, which trusts its certificate alone."""
    with TemporaryDirectory() as folder:
        server, authority = certified(Path(folder))
        return server, ssl.create_default_context(cafile=str(authority))


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
    async with serving_smtp(box, server_context if starttls else None, port=port) as number:
        yield MailRelay(f"smtp://{HOST}:{number}", SENDER, client_context)
