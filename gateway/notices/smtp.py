"""The mail relay: one connection for each mail, over TLS; what its answers mean for a copy (RFC 5321, 4.2)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from gateway.notices.notice import Outcome

SECONDS = 60.0
"""Longest exchange with the relay once a mail is sent; shorter than the deadline of a copy."""
_CONNECT_SECONDS = 20.0
_OF_ADDRESS, _UNKNOWN_RECIPIENT = ("5.1.", "5.2.1"), frozenset({550, 551, 553})
"""Refusals of an address for good: by their status code (RFC 3463), or, where there is none, as an answer to RCPT (RFC
5321, 4.2.3). A refusal of the content, or of the sender, would otherwise stop every address.
"""
_PORTS = {"smtp": 587, "smtps": 465}


class RelayAwayError(Exception):
    """The relay takes no mail now: nothing was sent."""


@dataclass(frozen=True, slots=True)
class MailRelay:
    """A relay at ``smtp://user:password@host:587`` (STARTTLS is required) or ``smtps://…:465``, for mails from
    ``sender``. Raises ValueError for another URL.
    """

    url: str = field(repr=False)
    sender: str
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.port == 0 or parts.path.strip("/"):
            raise ValueError("a relay is smtp://user:password@host:587 or smtps://user:password@host:465")

    @asynccontextmanager
    async def session(self) -> AsyncIterator["MailSession"]:
        """A connection that is ready for a mail. Raises RelayAwayError."""
        parts = urlsplit(self.url)
        client = SMTP(
            hostname=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=parts.scheme == "smtp",
            tls_context=self.context,
            timeout=None,  # asyncio.timeout alone: before Python 3.12, asyncio.wait_for may swallow a cancellation
        )
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await client.connect()
                await client.mail(self.sender)
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()
            code = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
            raise RelayAwayError(f"{type(error).__name__}{code}") from error
        try:
            yield MailSession(client)
        finally:
            with suppress(SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await client.quit()
            client.close()


class MailSession:
    """A connection with a relay that has taken the sender of a mail."""

    def __init__(self, client: SMTP) -> None:
        self._client = client

    async def send(self, address: str, message: bytes) -> Outcome | None:
        """Send a mail; None where the relay may have taken it without an answer."""
        begun = False
        try:
            async with asyncio.timeout(SECONDS):
                await self._client.rcpt(address)
                begun = True
                await self._client.data(message)
        except SMTPResponseException as error:
            if error.code <= 0:  # an answer that is none
                return None if begun else "later"
            unnamed = not begun and error.code in _UNKNOWN_RECIPIENT and not error.message.startswith("5.")
            return "refused" if unnamed or error.message.startswith(_OF_ADDRESS) else "later"
        except (SMTPException, OSError, TimeoutError):
            return None if begun else "later"
        return "sent"
