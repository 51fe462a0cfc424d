"""The operator's pages of the platforms that take part. Each act is one of ``gateway.operate.desk``, for the person of
the session; a secret or a link is in the answer to its form, and nowhere else.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import structlog
from aiohttp import web

from gateway.operate.certification import USUAL_NONCE_DAYS, issue_nonce, revoke_certificate
from gateway.operate.desk import (
    RefusedActError,
    add_partner,
    alter_partner,
    renew_secret,
    revoke_partner,
)
from gateway.operate.sign_in import end_sessions, make_link
from gateway.pages.base.door import SESSION, form_of, session_of
from gateway.pages.base.page import Answer, Download, Handler, Language, Page, PageError, Redirect
from gateway.pages.base.upload import Form
from gateway.pages.partners.form import (
    MOST_HOURS,
    WHY,
    Errors,
    Typed,
    alteration_of,
    by_field,
    hours_in,
    reason_in,
    typed_in,
    typed_of,
    version_of,
    wish_of,
)
from gateway.pages.partners.model import rows_of, whole_of
from gateway.pages.partners.port import PartnersPort
from gateway.pages.session import ENTER, LINK
from gateway.partners.credential import OVERLAP_MS
from gateway.partners.onboarding import presets
from gateway.partners.revocation import newest_credential
from gateway.partners.session import MOST_NAME, person_of
from gateway.protocol.certificate import ROLES
from gateway.protocol.partner import SCOPES, Partner
from schemas.rulebook import LANGUAGES

_HOUR_MS = 3_600_000
_DONE = ("added", "altered", "unchanged", "revoked", "ended", "uncertified")
"""What a page says was done before it."""

log = structlog.get_logger()


def pages(port: PartnersPort) -> list[Page]:
    """Every page of the platforms."""
    shell = _Shell(port)

    def page(name: str, french: str, english: str, get: Handler, post: Handler | None = None) -> Page:
        paths: Mapping[Language, str] = {"fr": f"/exploitation/{french}", "en": f"/en/operate/{english}"}
        posted = None if post is None else shell.fresh(post)
        return Page(name, paths, shell.fresh(get), posted, role="operator", private=True)

    return [
        page("partners", "plateformes", "platforms", shell.list_all),
        page("partners_new", "plateformes/nouvelle", "platforms/new", shell.new, shell.add),
        page("partners_one", "plateforme", "platform", shell.one, shell.act),
        page("partners_alter", "plateforme/modifier", "platform/alter", shell.altering, shell.alter),
        page("partners_revoke", "plateforme/retirer", "platform/revoke", shell.revoking, shell.revoke),
    ]


class _Shell:
    def __init__(self, port: PartnersPort) -> None:
        self._port = port

    def fresh(self, handler: Handler) -> Handler:
        """This handler, once what other processes wrote is known here: a page follows its act at another worker."""

        async def answer(request: web.Request, language: Language) -> Answer | Download | Redirect:
            await self._port.catch_up()
            return await handler(request, language)

        return answer

    async def list_all(self, _request: web.Request, _language: Language) -> Answer:
        rows = rows_of(self._port.all(), now=self._port.clock())
        active = [row for row in rows if row.state != "revoked"]
        return Answer("partners/partners.html", {"rows": rows, "active": len(active)})

    async def new(self, request: web.Request, _language: Language) -> Answer:
        return self._new(Typed(slug=request.query.get("slug", "")))

    async def add(self, request: web.Request, _language: Language) -> Answer | Redirect:
        typed = typed_in(form_of(request))
        wish = wish_of(typed)
        if isinstance(wish, dict):
            return self._new(replace(typed, errors=wish), status=422)
        try:
            desk = self._port.desk(session_of(request), typed.why)
            partner, minted = await add_partner(desk, typed.slug, wish)
        except RefusedActError as error:
            return self._new(replace(typed, errors=by_field(error.findings)), status=422)
        log.info("pages.partner_added", platform=partner.platform)
        if minted is None:
            return _done("added", partner)
        return self._secret(partner, minted.text, added=True)

    async def one(self, request: web.Request, language: Language) -> Answer:
        partner = self._asked(request)
        return await self.list_all(request, language) if partner is None else self._one(request, partner)

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        """One of the acts whose forms are on the page of a platform."""
        form, partner = form_of(request), self._known(form_of(request).text("slug"))
        acts: Mapping[str, Callable[[web.Request, Form, Partner, Language], Awaitable[Answer | Redirect]]] = {
            "rotate": self._rotate,
            "link": self._link,
            "sign-out": self._sign_out,
            "nonce": self._nonce,
            "uncertify": self._uncertify,
        }
        act = acts.get(form.text("act"))
        if act is None:
            raise PageError(400)
        try:
            return await act(request, form, partner, language)
        except RefusedActError as error:
            return self._one(request, self._known(partner.platform), refusal=error.refusal, status=409)

    async def altering(self, request: web.Request, language: Language) -> Answer:
        partner = self._asked(request)
        if partner is None:
            return await self.list_all(request, language)
        return self._one(request, partner) if partner.revoked else self._alter(partner, typed_of(partner))

    async def alter(self, request: web.Request, _language: Language) -> Answer | Redirect:
        typed = typed_in(form_of(request))
        desk = self._port.desk(session_of(request), typed.why)
        partner = self._known(typed.slug)
        if version_of(partner) != typed.known:
            return self._alter(partner, replace(typed, known=version_of(partner)), changed=True, status=409)
        alteration = alteration_of(typed, partner)
        if isinstance(alteration, dict):
            return self._alter(partner, replace(typed, errors=alteration), status=422)
        try:
            before, after = await alter_partner(desk, partner.platform, alteration)
        except RefusedActError as error:
            if error.refusal != "invalid":
                return self._one(request, self._known(partner.platform), refusal=error.refusal, status=409)
            return self._alter(partner, replace(typed, errors=by_field(error.findings)), status=422)
        self._follow(request, after)
        log.info("pages.partner_altered", platform=after.platform)
        return _done("unchanged" if before == after else "altered", after)

    async def revoking(self, request: web.Request, language: Language) -> Answer:
        partner = self._asked(request)
        if partner is None:
            return await self.list_all(request, language)
        return self._one(request, partner) if partner.revoked else self._revoke(request, partner)

    async def revoke(self, request: web.Request, _language: Language) -> Answer | Redirect:
        errors: Errors = {}
        form = form_of(request)
        why, partner = reason_in(form, WHY, errors), self._known(form.text("slug"))
        if not errors and not why:
            errors[WHY] = [("reason_missing", "")]
        if errors:
            return self._revoke(request, partner, why=form.text(WHY), errors=errors, status=422)
        desk = self._port.desk(session_of(request), why)
        try:
            after = await revoke_partner(desk, partner.platform)
        except RefusedActError as error:
            return self._one(request, self._known(partner.platform), refusal=error.refusal, status=409)
        log.info("pages.partner_revoked", platform=after.platform)
        return _done("revoked", after)

    async def _rotate(
        self, request: web.Request, form: Form, partner: Partner, _language: Language
    ) -> Answer | Redirect:
        errors: Errors = {}
        hours = hours_in(form, "overlap", errors)
        why = reason_in(form, "why_rotate", errors)
        if errors:
            return self._one(request, partner, form=form, errors=errors, status=422)
        desk = self._port.desk(session_of(request), why)
        after, minted = await renew_secret(desk, partner.platform, overlap_hours=hours, replaces=form.text("known"))
        self._follow(request, after)
        log.info("pages.partner_secret_rotated", platform=after.platform, overlap_hours=hours)
        return self._secret(after, minted.text)

    async def _link(self, request: web.Request, form: Form, partner: Partner, language: Language) -> Answer | Redirect:
        errors: Errors = {}
        person = person_of(form.text("person"))
        if person is None:
            errors["person"] = [("person_unusable", "")]
        lang = next((one for one in LANGUAGES if one == form.text("lang")), language)
        why = reason_in(form, "why_link", errors)
        if person is None or errors:
            return self._one(request, partner, form=form, errors=errors, status=422)
        desk = self._port.desk(session_of(request), why)
        text, until = await make_link(desk, self._port.sign_ins, partner.platform, person)
        log.info("pages.partner_link_made", platform=partner.platform)
        url = f"{self._port.url.rstrip('/')}{ENTER[lang]}?{urlencode({LINK: text})}"
        values = {"partner": partner, "link": url, "person": person, "until": until}
        return Answer("partners/link.html", values)

    async def _sign_out(
        self, request: web.Request, form: Form, partner: Partner, _language: Language
    ) -> Answer | Redirect:
        errors: Errors = {}
        why = reason_in(form, "why_sign_out", errors)
        if errors:
            return self._one(request, partner, form=form, errors=errors, status=422)
        desk = self._port.desk(session_of(request), why)
        ended = await end_sessions(desk, partner.platform)
        log.info("pages.partner_sessions_ended", platform=partner.platform, ended=ended)
        return _done("ended", partner)

    async def _nonce(
        self, request: web.Request, form: Form, partner: Partner, _language: Language
    ) -> Answer | Redirect:
        errors: Errors = {}
        why = reason_in(form, "why_nonce", errors)
        if errors:
            return self._one(request, partner, form=form, errors=errors, status=422)
        nonce = await issue_nonce(self._port.desk(session_of(request), why), partner.platform, days=USUAL_NONCE_DAYS)
        log.info("pages.partner_nonce_issued", platform=partner.platform)
        return Answer("partners/nonce.html", {"partner": partner, "nonce": nonce})

    async def _uncertify(
        self, request: web.Request, form: Form, partner: Partner, _language: Language
    ) -> Answer | Redirect:
        errors: Errors = {}
        role = next((one for one in ROLES if one == form.text("role")), None)
        why = reason_in(form, "why_uncertify", errors)
        if role is None:
            errors["role"] = [("role_missing", "")]
        if not why and "why_uncertify" not in errors:
            errors["why_uncertify"] = [("reason_missing", "")]
        if role is None or errors:
            return self._one(request, partner, form=form, errors=errors, status=422)
        await revoke_certificate(self._port.desk(session_of(request), why), partner.platform, role)
        log.info("pages.partner_certificate_revoked", platform=partner.platform, role=role)
        return _done("uncertified", partner)

    def _new(self, typed: Typed, *, status: int = 200) -> Answer:
        taking = {partner.platform for partner in self._port.all() if not partner.revoked}
        known = [(slug, one.name) for slug, one in sorted(presets().items()) if slug not in taking]
        values = {"typed": typed, "scopes": SCOPES, "known": known, "most_name": 150}
        return Answer("partners/new.html", values, status=status)

    def _alter(self, partner: Partner, typed: Typed, *, changed: bool = False, status: int = 200) -> Answer:
        values = {"partner": partner, "typed": typed, "scopes": SCOPES, "changed": changed}
        return Answer("partners/alter.html", values, status=status)

    def _revoke(
        self, request: web.Request, partner: Partner, *, why: str = "", errors: Errors | None = None, status: int = 200
    ) -> Answer:
        own = session_of(request).partner.platform == partner.platform
        whole = whole_of(partner, now=self._port.clock())
        values = {"whole": whole, "own": own, "why": why, "errors": errors or {}}
        return Answer("partners/revoke.html", values, status=status)

    def _one(
        self,
        request: web.Request,
        partner: Partner,
        *,
        form: Form | None = None,
        errors: Errors | None = None,
        refusal: str | None = None,
        status: int = 200,
    ) -> Answer:
        done = request.query.get("done") if form is None else None
        typed = {name: "" if form is None else form.text(name) for name in _FIELDS}
        if form is None or form.text("act") != "rotate":
            typed["overlap"] = str(OVERLAP_MS // _HOUR_MS)
        values: dict[str, Any] = {
            "whole": whole_of(partner, now=self._port.clock()),
            "known": newest_credential(partner, now=self._port.clock()),
            "done": done if done in _DONE else None,
            "refusal": refusal,
            "typed": typed,
            "errors": errors or {},
            "most_hours": MOST_HOURS,
            "most_name": MOST_NAME,
            "languages": LANGUAGES,
        }
        return Answer("partners/partner.html", values, status=status)

    def _secret(self, partner: Partner, secret: str, *, added: bool = False) -> Answer:
        former = whole_of(partner, now=self._port.clock()).secrets[1:]
        until = former[0].ends_at if former else None
        return Answer("partners/secret.html", {"partner": partner, "secret": secret, "added": added, "until": until})

    def _asked(self, request: web.Request) -> Partner | None:
        """The platform in the address; None without one."""
        slug = request.query.get("slug", "")
        return self._known(slug) if slug else None

    def _known(self, slug: str) -> Partner:
        partner = self._port.get(slug)
        if partner is None:
            raise PageError(404)
        return partner

    def _follow(self, request: web.Request, partner: Partner) -> None:
        """Let the own session go on, where its person has changed the credentials of the own platform."""
        signed = session_of(request)
        if signed.partner.platform == partner.platform:
            request[SESSION] = self._port.sign_ins.after_change(signed, partner)


_FIELDS = ("overlap", "why_rotate", "person", "lang", "why_link", "why_sign_out", "why_nonce", "why_uncertify", "role")


def _done(what: str, partner: Partner) -> Redirect:
    return Redirect("partners_one", {"slug": partner.platform, "done": what})
