"""The end of the dialogue: a request to the operator, and the page on which the owner of its address confirms it.

Nothing is fetched, and no short name is reserved: what was typed is kept until the operator has answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web

from gateway.notices.requests import RequestBook, Sent
from gateway.operate.desk import RefusedActError
from gateway.pages.base.door import Door
from gateway.pages.base.page import Answer, Language, Page
from gateway.pages.base.texts import texts_of
from gateway.pages.base.upload import Form
from gateway.pages.base.wording import spaced
from gateway.protocol.contact import clean_address
from gateway.protocol.join_request import JoinRequest, step_of
from gateway.protocol.journal import clean_name
from gateway.runtime.proxies import site_of
from schemas import localized

REQUEST: Mapping[Language, str] = {"fr": "/brancher/demande", "en": "/en/connect/request"}
_POINTERS = {"/name": "name", "/transport/url": "feed"}
_MAX_BYTES = 8 * 1024
_MAX_CHARACTERS = 2_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a request as a person has typed them. ``errors``: what is wrong, by field; empty for the whole."""

    name: str = ""
    feed: str = ""
    mail: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def typed_in(form: Form) -> Typed:
    """The fields of the form."""
    name, feed, mail = (form.text(f"request.{one}")[:_MAX_CHARACTERS].strip() for one in ("name", "feed", "mail"))
    return Typed(name, feed, mail)


class RequestDoor:
    """Takes requests for the operator of a gateway that sends mails. ``address``: the network of a request's client;
    ``loopback`` allows feeds of this machine, for tests and the demo.
    """

    def __init__(self, book: RequestBook, door: Door, address: Callable[[web.Request], str], *, loopback: bool) -> None:
        self._book = book
        self._door = door
        self._address = address
        self.loopback = loopback

    async def send(
        self, request: web.Request, typed: Typed, made: Mapping[str, Any], language: Language
    ) -> Mapping[str, str]:
        """Keep a request; what is wrong with it otherwise, by field. ``made``: of the sandbox. Raises LogError."""
        errors = _errors(typed, made, language)
        if errors:
            return errors
        sent = Sent(
            name=clean_name(typed.name),
            feed=typed.feed,
            format=made["format"],
            mapping=made["mapping"],
            address=typed.mail,
            language=language,
            network=site_of(self._address(request)),
        )
        try:
            request_id, edit = self._book.adding(sent)
            await self._book.change(edit)
        except RefusedActError as error:
            log.info("pages.refused", page="connect", code=error.refusal)
            return {"": str(texts_of("connect", language)(f"send_{error.refusal.replace('-', '_')}"))}
        log.info("pages.request_sent", request=request_id)
        return {}

    def page(self) -> Page:
        """The page on which an address is confirmed."""
        return Page("connect_request", REQUEST, self._get, self._post, private=True)

    async def _get(self, request: web.Request, _language: Language) -> Answer:
        return await self._answer(request.query.get("c", ""))

    async def _post(self, request: web.Request, _language: Language) -> Answer:
        form = await self._door.read_form(request, most_bytes=_MAX_BYTES)
        text = form.text("c")
        known = await self._book.owned(text)
        if isinstance(known, JoinRequest):
            erase = form.text("act") == "erase"
            await self._book.change((self._book.withdrawing if erase else self._book.confirming)(known.id))
            log.info("pages.request_answered", request=known.id, act="erase" if erase else "confirm")
        return await self._answer(text)

    async def _answer(self, text: str) -> Answer:
        known = await self._book.owned(text)
        values = {"text": text, "request": known, "step": "none" if known is None else step_of(known)}
        return Answer("connect/request.html", values, query={"c": text} if known else {})


def _errors(typed: Typed, made: Mapping[str, Any], language: Language) -> Mapping[str, str]:
    texts = texts_of("connect", language)
    errors: dict[str, str] = {}
    for problem in made["wrong"]:
        body = localized(problem, language)
        errors.setdefault(_POINTERS.get(body["pointer"], ""), spaced(f"{body['message']} {body['fix']}"))
    for name, check in (("name", clean_name), ("mail", clean_address)):
        try:
            check(getattr(typed, name))
        except ValueError:
            errors[name] = str(texts(f"send_wrong_{name}"))
    if not typed.feed:
        errors["feed"] = str(texts.send_wrong_feed)
    if made["missing"]:
        errors[""] = str(texts.send_missing)
    return errors
