"""Four pages: the contacts of a platform; what comes to one contact, and its end, by the sealed text of its mails; and
a link that a person asks for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web

from gateway.errors import LogError
from gateway.federation import Federation
from gateway.notices.contacts import Edit
from gateway.notices.notice import MailFacts
from gateway.notices.plan import OPERATOR_KINDS, PLATFORM_KINDS, choice_of
from gateway.operate.desk import RefusedActError
from gateway.pages.base.door import Door, form_of, session_of
from gateway.pages.base.page import Answer, Language, Page, PageError, Redirect
from gateway.pages.base.upload import Form
from gateway.protocol.contact import CHOICES, Choice, Contact, clean_address
from gateway.protocol.partner import Partner
from schemas.rulebook import LANGUAGES

CONTACT: Mapping[Language, str] = {"fr": "/avis", "en": "/en/notices"}
LEAVE: Mapping[Language, str] = {"fr": "/avis/fin", "en": "/en/notices/end"}
ASK: Mapping[Language, str] = {"fr": "/connexion/lien", "en": "/en/enter/link"}
_MAX_BYTES = 8 * 1024
_LOOK_UPS_AT_ONCE = 100
_MAX_TYPED = 254
_ACTS = ("add", "choose", "stop", "erase")
_NOTHING: Mapping[str, str] = {"name": "", "address": ""}

log = structlog.get_logger()


def pages(federation: Federation, door: Door) -> Sequence[Page]:
    """The four pages; a gateway that sends no mails has none of them."""
    shell = _NoticePages(federation, door)
    own: Mapping[Language, str] = {"fr": "/plateforme/avis", "en": "/en/platform/notices"}
    return [
        Page("contacts", own, shell.contacts, shell.act, role="platform", private=True),
        Page("contact", CONTACT, shell.contact, shell.choose, private=True),
        Page("contact_end", LEAVE, shell.ending, shell.leave),
        Page("ask_link", ASK, shell.ask, shell.send_link, private=True),
    ]


class _NoticePages:
    def __init__(self, federation: Federation, door: Door) -> None:
        self._federation = federation
        self._book = federation.contacts
        self._door = door
        self._asking: set[asyncio.Task[None]] = set()

    async def contacts(self, request: web.Request, language: Language) -> Answer:
        await self._catch_up()
        done = next((one for one in _ACTS if one == request.query.get("done")), "")
        return self._list(session_of(request).partner, language, done=done)

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        form, partner = form_of(request), session_of(request).partner
        act, contact_id, platform = form.text("act"), form.text("contact"), partner.platform
        edit: Edit
        try:
            match act:
                case "add":
                    spoken = next((one for one in LANGUAGES if one == form.text("language")), language)
                    contact_id, edit = self._book.adding(
                        platform, address=form.text("address"), name=form.text("name"), language=spoken
                    )
                case "choose":
                    edit = self._book.choosing(contact_id, _choices(form, partner), platform)
                case "stop":
                    edit = self._book.stopping(contact_id, "left", platform)
                case "erase":
                    if form.text("sure") != "1" and (known := await self._confirm_erasing(contact_id, platform)):
                        return known
                    edit = self._book.erasing(contact_id, platform)
                case _:
                    raise PageError(HTTPStatus.BAD_REQUEST)
            await self._book.change(edit)
        except RefusedActError as error:
            await self._catch_up()
            typed = {name: form.text(name) for name in _NOTHING} if act == "add" else _NOTHING
            return self._list(partner, language, refusal=error.refusal, typed=typed)
        log.info("pages.contact_changed", platform=platform, contact=contact_id, act=act)
        return Redirect("contacts", {"done": act})

    async def _confirm_erasing(self, contact_id: str, platform: str) -> Answer | None:
        """The consequences of erasing a contact; None where there is none of this id."""
        await self._catch_up()
        own = self._book.of(platform)
        contact = next((one for one in own if one.id == contact_id), None)
        if contact is None:
            return None
        return Answer("notices/erase.html", {"contact": contact, "last": len(own) == 1})

    async def contact(self, request: web.Request, _language: Language) -> Answer:
        text = request.query.get("c", "")
        await self._book.catch_up()
        return self._contact(text)

    async def choose(self, request: web.Request, _language: Language) -> Answer:
        form = await self._door.read_form(request, most_bytes=_MAX_BYTES)
        text = form.text("c")
        await self._book.catch_up()
        new, contact = self._book.confirming(text), self._book.owned(text)
        if new is not None:
            await self._change(self._book.agreeing(new.id))
            return self._contact(self._book.token(new), done="agreed")
        if contact is None or contact.confirmed_at is None:  # this text is no consent
            return self._contact(text)
        if form.text("act") == "erase":
            await self._change(self._book.erasing(contact.id))
            return self._contact(text, done="erased")
        await self._change(self._book.agreeing(contact.id))
        await self._change(self._book.choosing(contact.id, _choices(form, self._partner(contact))))
        return self._contact(text, done="chosen")

    async def ending(self, request: web.Request, _language: Language) -> Answer:
        await self._book.catch_up()
        text = request.query.get("c", "")
        return _ending(text, known=self._book.owned(text) is not None, done=False)

    async def leave(self, request: web.Request, _language: Language) -> Answer:
        """A mail program sends this with one click, from no page (RFC 8058): its sealed text opens nothing else."""
        await self._book.catch_up()
        text = request.query.get("c", "")
        contact = self._book.owned(text)
        if contact is not None and contact.stopped is None:
            await self._change(self._book.stopping(contact.id, "left"))
            log.info("pages.contact_left", contact=contact.id)
        return _ending(text, known=contact is not None, done=contact is not None)

    async def ask(self, _request: web.Request, _language: Language) -> Answer:
        return Answer("notices/ask.html", {"sent": False, "wrong": False, "typed": ""})

    async def send_link(self, request: web.Request, _language: Language) -> Answer:
        """The answer is the same for every address, and made before one is looked up; a text that is none is wrong."""
        form = await self._door.read_form(request, most_bytes=_MAX_BYTES)
        typed = form.text("address")
        try:
            clean_address(typed)
        except ValueError:
            values = {"sent": False, "wrong": True, "typed": typed[:_MAX_TYPED]}
            return Answer("notices/ask.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        if len(self._asking) < _LOOK_UPS_AT_ONCE:
            task = asyncio.create_task(self._look_up(typed))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return Answer("notices/ask.html", {"sent": True})

    async def _look_up(self, address: str) -> None:
        try:
            await self._book.ask_link(address)
        except LogError:
            log.warning("pages.link_not_asked")

    async def _change(self, edit: Edit) -> None:
        try:
            await self._book.change(edit)
        except RefusedActError:  # it was erased meanwhile
            raise PageError(HTTPStatus.NOT_FOUND) from None

    async def _catch_up(self) -> None:
        await self._book.catch_up()
        await self._book.notices.catch_up()

    def _partner(self, contact: Contact) -> Partner | None:
        return self._federation.partners.get(contact.platform)

    def _list(
        self,
        partner: Partner,
        language: Language,
        *,
        done: str = "",
        refusal: str = "",
        typed: Mapping[str, str] = _NOTHING,
    ) -> Answer:
        values = {
            "done": done,
            "contacts": [
                (one, _lines(one, partner), MailFacts.of(self._book.notices.state, one.id))
                for one in self._book.of(partner.platform)
            ],
            "choices": CHOICES,
            "refusal": refusal,
            "typed": typed,
            "languages": LANGUAGES,
            "spoken": language,
        }
        return Answer("notices/contacts.html", values, status=HTTPStatus.CONFLICT if refusal else HTTPStatus.OK)

    def _contact(self, text: str, *, done: str = "") -> Answer:
        new, contact = self._book.confirming(text), self._book.owned(text)
        if contact is not None and contact.confirmed_at is None:
            contact = None
        named = contact or new
        partner = None if named is None else self._partner(named)
        values = {
            "text": text,
            "new": new is not None and new.confirmed_at is None,
            "contact": contact,
            "platform": "" if partner is None else partner.name,
            "lines": () if contact is None else _lines(contact, partner),
            "choices": CHOICES,
            "done": done,
        }
        return Answer("notices/contact.html", values, query={"c": text} if named else {})


def _ending(text: str, *, known: bool, done: bool) -> Answer:
    values = {"known": known, "text": text, "done": done}
    kept = {"c": text} if known else {}
    return Answer("notices/end.html", values, headers={hdrs.CACHE_CONTROL: "no-store"}, query=kept)


def _kinds(partner: Partner | None) -> Sequence[str]:
    operator = partner is not None and "operate" in partner.scopes
    return [*PLATFORM_KINDS, *(OPERATOR_KINDS if operator else ())]


def _lines(contact: Contact, partner: Partner | None) -> Sequence[tuple[str, Choice]]:
    return [(kind, choice_of(contact, kind)) for kind in _kinds(partner)]


def _choices(form: Form, partner: Partner | None) -> Mapping[str, Choice]:
    chosen = {kind: form.text(kind) for kind in _kinds(partner)}
    return {kind: one for kind, one in chosen.items() if one in CHOICES}
