"""Notices of a gateway: the sender with its relay, and the addresses that its mails name."""

from collections.abc import Sequence
from math import inf
from urllib.parse import urlencode

from gateway.clock import Clock
from gateway.federation import Federation
from gateway.federation.moment import Moments
from gateway.notices.mail import MailLinks, compose
from gateway.notices.notice import Notice
from gateway.notices.plan import CONFIRM, JOIN_APPROVED, JOIN_CONFIRM, JOIN_REFUSED, SIGN_IN
from gateway.notices.sender import Sender
from gateway.notices.smtp import MailRelay
from gateway.pages.connect.request import REQUEST
from gateway.pages.notices.view import ASK, CONTACT, LEAVE
from gateway.pages.session.view import link_url
from gateway.protocol.contact import Contact
from gateway.protocol.join_request import JoinRequest
from gateway.settings import Settings


def relay_of(settings: Settings) -> MailRelay | None:
    """The mail relay; None where none is set."""
    return None if settings.smtp is None else MailRelay(settings.smtp, settings.smtp_from or "")


def open_sender(settings: Settings, federation: Federation, erasing: Clock) -> Sender:
    """The sender of this process; without a relay it only erases what is over by the clock ``erasing``."""
    return Sender(
        log=federation.log,
        book=federation.contacts,
        relay=relay_of(settings),
        facts=Moments(federation, settings.data).events,
        compose=Mails(settings, federation).compose,
        begun=lambda: {one.platform: inf if one.revoked else one.joined_at or 0 for one in federation.partners.all()},
        clock=federation.clock,
        erasing=erasing,
        ceiling=settings.mails_per_hour,
        count=federation.metrics.count_mail,
    )


class Mails:
    """Composes the mails of a federation whose pages are at the public URL."""

    def __init__(self, settings: Settings, federation: Federation) -> None:
        self._base = (settings.public_url or "").rstrip("/")
        self._sender = settings.smtp_from or ""
        self._federation = federation

    def compose(self, contact: Contact, notices: Sequence[Notice]) -> bytes:
        """The mail of these notices."""
        partner = self._federation.partners.get(contact.platform)
        book, language = self._federation.contacts, contact.language
        kind = notices[0].event.kind
        now = self._federation.clock()
        if kind in (JOIN_CONFIRM, JOIN_REFUSED):
            links = self._request_links(contact)
            return compose(contact, notices, links, platform="", sender=self._sender, now=now)
        enter = ""
        if kind in (SIGN_IN, JOIN_APPROVED) and partner is not None:
            enter = link_url(self._base, self._federation.sign_ins.link(partner, contact.name)[0], language)
        choose = f"{self._base}{CONTACT[language]}?"
        operator = partner is not None and "operate" in partner.scopes
        home = {"fr": ("/plateforme", "/exploitation"), "en": ("/en/platform", "/en/operate")}[language][operator]
        links = MailLinks(
            page=f"{self._base}{home}",
            choose=choose + urlencode({"c": book.token(contact)}),
            leave=f"{self._base}{LEAVE[language]}?" + urlencode({"c": book.token(contact)}),
            confirm=choose + urlencode({"c": book.confirm_token(contact)}) if kind == CONFIRM else "",
            enter=enter,
            ask=f"{self._base}{ASK[language]}",
        )
        name = contact.platform if partner is None else " ".join(partner.name.split())
        return compose(contact, notices, links, platform=name, sender=self._sender, now=now)

    def _request_links(self, person: Contact) -> MailLinks:
        """The address at which a person confirms its request, and the reason if it was refused."""
        requests = self._federation.contacts.requests
        request = requests.state.get(person.id)
        return MailLinks(
            confirm=f"{self._base}{REQUEST[person.language]}?" + urlencode({"c": requests.token(person)}),
            reason=(request.refused or "") if isinstance(request, JoinRequest) else "",
        )
