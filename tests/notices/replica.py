"""Processes that a test kills: a sender of notices on a log that replicas share, and a mail relay.

``python -m tests.notices.replica send PORT AUTHORITY TIME…``, with its settings in the environment;
``… serve PORT FOLDER`` appends a line for each mail that it takes, its Message-ID, to ``taken`` in the folder.
"""

import asyncio
import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.mailbox import HOST, SENDER, Mailbox, certificate_in, serving_smtp
from demo.process import FastTime
from gateway.bootstrap.log import open_log
from gateway.notices.contacts import ContactBook
from gateway.notices.mail import MailLinks, compose
from gateway.notices.notice import Event, Ledger, Notice
from gateway.notices.sender import Sender
from gateway.notices.smtp import MailRelay
from gateway.protocol.contact import Contact, Contacts
from gateway.runtime.loop import run
from gateway.settings import Settings

KINDS = ("feed-failed", "moderated", "lifted", "feed-recovered")
CONTACTS = 250
_LINKS = MailLinks(page="https://p.example/a", choose="https://p.example/b", leave="https://p.example/c")


def contact_ids() -> Sequence[str]:
    """The contacts, to each of which a fact of each kind is due."""
    return [f"c{number}" for number in range(CONTACTS)]


def events() -> Sequence[Event]:
    """A thousand facts."""
    return [Event(contact=one, kind=kind, about="bretagne", window="1") for one in contact_ids() for kind in KINDS]


async def send(port: str, authority: str, *words: str) -> None:
    """Send what is due, as a replica of the gateway does, until the process is killed."""
    settings, time = Settings.from_env(os.environ), FastTime.from_words(*words)
    relay = MailRelay(f"smtp://{HOST}:{port}", SENDER, ssl.create_default_context(cafile=authority))

    async def facts(_contacts: Contacts, _ledger: Ledger) -> Sequence[Event]:
        return events()

    def mail(contact: Contact, notices: Sequence[Notice]) -> bytes:
        return compose(contact, notices, _LINKS, platform="IDÉO", sender=SENDER, now=time.clock())

    async with open_log(settings) as log:
        sender = Sender(
            log=log,
            book=ContactBook(log, secret=b"of a test".ljust(32)),
            relay=relay,
            facts=facts,
            compose=mail,
            begun=dict,
            clock=time.clock,
            erasing=time.clock,
            ceiling=1_000_000,
            every=0.2,
            away=(0.5, 2.0),
        )
        await sender.run()


class _Written(Mailbox):
    """Each mail is in the file before it is acknowledged."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - of aiosmtpd
        """Take a mail."""
        answer = await super().handle_DATA(server, session, envelope)  # type: ignore[arg-type]  # as aiosmtpd calls it
        with self._path.open("a") as file:
            file.write(f"{self.mails[0]['Message-ID']}\n")
        return answer


async def serve(port: str, folder: str) -> None:
    """Serve until the process is killed."""
    async with serving_smtp(_Written(Path(folder, "taken")), certificate_in(Path(folder)), port=int(port)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    run(send(*rest) if what == "send" else serve(*rest))
