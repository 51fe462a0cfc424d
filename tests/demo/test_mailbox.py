"""The demo's mailbox takes mails as a relay does, and its page shows them, the newest first."""

import ssl
from email.message import EmailMessage
from pathlib import Path

from demo.mailbox import HOST, SENDER, Mailbox, certified, serving_smtp
from gateway.notices.smtp import MailRelay


def mail(subject: str, text: str) -> bytes:
    message = EmailMessage()
    message["To"], message["Subject"] = "contact@bretagne.example", subject
    message.set_content(text)
    return message.as_bytes()


async def test_mails_are_taken_over_tls_and_listed_the_newest_first_with_their_links(tmp_path: Path) -> None:
    box, (context, authority) = Mailbox(), certified(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority))
    async with serving_smtp(box, context) as port:
        relay = MailRelay(f"smtp://{HOST}:{port}", SENDER, trusting)
        for subject, text in (("Premier", "a <b> & c"), ("Second", "voir http://127.0.0.1:1/avis?c=x&d=y")):
            async with relay.session() as session:
                assert "sent" == await session.send("contact@bretagne.example", mail(subject, text))
    page = box.page()
    assert page.index("<h2>Second</h2>") < page.index("<h2>Premier</h2>")
    assert "a &lt;b&gt; &amp; c" in page
    assert 'href="http://127.0.0.1:1/avis?c=x&amp;d=y"' in page
    assert "À contact@bretagne.example" in page
