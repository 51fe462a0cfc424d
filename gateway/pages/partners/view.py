"""The operator's pages of the platforms that take part. Each act is one of ``gateway.operate.desk``, for the person of
the session; a secret or a link is in the answer to its form, and nowhere else.
"""

from dataclasses import replace

import structlog
from aiohttp import web

from gateway.federation import Federation
from gateway.operate.desk import RefusedActError, add_partner, alter_partner, revoke_partner
from gateway.pages.base.columns import table_of, wants_file
from gateway.pages.base.door import Door, form_of, session_of
from gateway.pages.base.page import Answer, Download, Handler, Language, Page, PageError, Redirect, operator_page
from gateway.pages.base.texts import texts_of
from gateway.pages.partners.acts import Acts
from gateway.pages.partners.answers import Answers, done
from gateway.pages.partners.form import (
    WHY,
    Errors,
    PlatformForm,
    alteration_of,
    by_field,
    reason_in,
    typed_in,
    typed_of,
    version_of,
    wish_of,
)
from gateway.pages.partners.model import STATES, columns, row_of, rows_of
from gateway.partners.credential import live_secrets
from gateway.partners.onboarding import presets
from gateway.protocol.partner import SCOPES, Partner
from schemas.communes import plain_name

log = structlog.get_logger()


def pages(federation: Federation, door: Door) -> list[Page]:
    """Every page of the platforms."""
    answers = Answers(federation, door)
    shell, acts = _PartnersPages(federation, answers), Acts(federation, door, answers)
    found = [
        operator_page("partners", "/plateformes", "/platforms", shell.list_all),
        operator_page("partners_new", "/plateformes/nouvelle", "/platforms/new", shell.new, shell.add),
        operator_page("partners_one", "/plateforme", "/platform", shell.one, acts.act),
        operator_page("partners_alter", "/plateforme/modifier", "/platform/alter", shell.altering, shell.alter),
        operator_page("partners_revoke", "/plateforme/retirer", "/platform/revoke", shell.revoking, shell.revoke),
    ]
    return [replace(page, get=shell.fresh(page.get), post=shell.fresh(page.post)) for page in found]


class _PartnersPages:
    def __init__(self, federation: Federation, answers: Answers) -> None:
        self._federation = federation
        self._answers = answers

    def fresh(self, handler: Handler | None) -> Handler | None:
        """This handler, once what other processes wrote is known here: a page follows its act at another worker."""
        if handler is None:
            return None

        async def answer(request: web.Request, language: Language) -> Answer | Download | Redirect:
            await self._federation.partners.catch_up()
            return await handler(request, language)

        return answer

    async def list_all(self, request: web.Request, language: Language) -> Answer | Download:
        rows, texts = (
            rows_of(self._federation.partners.all(), now=self._federation.clock()),
            texts_of("partners", language),
        )
        wanted = {name: request.query.get(name, "") for name in ("state", "scope")}
        if wanted["state"] not in ("", *STATES) or wanted["scope"] not in ("", *SCOPES):
            raise PageError(400)
        some = [
            row
            for row in rows
            if wanted["state"] in ("", row.state) and (not wanted["scope"] or wanted["scope"] in row.scopes)
        ]
        table = table_of(request.query, columns(texts), some, kept=wanted)
        if wants_file(request.query):
            return table.csv("plateformes.csv" if language == "fr" else "platforms.csv", texts)
        active = sum(row.state != "revoked" for row in rows)
        values = {"table": table, "wanted": wanted, "active": active, "states": STATES, "scopes": SCOPES}
        return Answer("partners/partners.html", values)

    async def new(self, request: web.Request, _language: Language) -> Answer:
        return self._new(PlatformForm(slug=request.query.get("slug", "")))

    async def add(self, request: web.Request, _language: Language) -> Answer | Redirect:
        typed = typed_in(form_of(request))
        wish = wish_of(typed)
        if isinstance(wish, dict):
            return self._new(replace(typed, errors=wish), status=422)
        try:
            desk = self._federation.desk(session_of(request).actor, typed.why)
            partner, minted = await add_partner(desk, typed.slug, wish)
        except RefusedActError as error:
            return self._new(replace(typed, errors=by_field(error.findings)), status=422)
        log.info("pages.partner_added", platform=partner.platform)
        if minted is None:
            return done("added", partner)
        return self._answers.secret(partner, minted.text, added=True)

    async def one(self, request: web.Request, language: Language) -> Answer | Download:
        partner = self._named(request)
        return await self.list_all(request, language) if partner is None else self._answers.one(request, partner)

    async def altering(self, request: web.Request, language: Language) -> Answer | Download:
        partner = self._named(request)
        if partner is None:
            return await self.list_all(request, language)
        return self._answers.one(request, partner) if partner.revoked else self._alter(partner, typed_of(partner))

    async def alter(self, request: web.Request, _language: Language) -> Answer | Redirect:
        typed = typed_in(form_of(request))
        desk = self._federation.desk(session_of(request).actor, typed.why)
        partner = self._answers.known(typed.slug)
        if version_of(partner) != typed.known:
            return self._changed(partner, typed)
        alteration = alteration_of(typed, partner)
        if isinstance(alteration, dict):
            return self._alter(partner, replace(typed, errors=alteration), status=422)
        try:
            before, after = await alter_partner(desk, partner.platform, alteration, known=partner)
        except RefusedActError as error:
            if error.refusal == "superseded":
                return self._changed(self._answers.known(partner.platform), typed)
            if error.refusal != "invalid":
                return self._answers.one(
                    request, self._answers.known(partner.platform), refusal=error.refusal, status=409
                )
            return self._alter(partner, replace(typed, errors=by_field(error.findings)), status=422)
        self._answers.follow(request, after)
        log.info("pages.partner_altered", platform=after.platform)
        return done("unchanged" if before == after else "altered", after)

    async def revoking(self, request: web.Request, language: Language) -> Answer | Download:
        partner = self._named(request)
        if partner is None:
            return await self.list_all(request, language)
        return self._answers.one(request, partner) if partner.revoked else self._revoke(request, partner)

    async def revoke(self, request: web.Request, _language: Language) -> Answer | Redirect:
        errors: Errors = {}
        form = form_of(request)
        why, partner = reason_in(form, WHY, errors), self._answers.known(form.text("slug"))
        if not errors and not why:
            errors[WHY] = [("reason_missing", "")]
        if errors:
            return self._revoke(request, partner, why=form.text(WHY), errors=errors, status=422)
        desk = self._federation.desk(session_of(request).actor, why)
        try:
            after = await revoke_partner(desk, partner.platform)
        except RefusedActError as error:
            return self._answers.refused(request, partner.platform, error)
        log.info("pages.partner_revoked", platform=after.platform)
        return done("revoked", after)

    def _new(self, typed: PlatformForm, *, status: int = 200) -> Answer:
        taking = {partner.platform for partner in self._federation.partners.all() if not partner.revoked}
        known = [one for slug, one in presets().items() if slug not in taking]
        known.sort(key=lambda one: plain_name(one.name))
        values = {"typed": typed, "scopes": SCOPES, "known": known, "most_name": 150}
        return Answer("partners/new.html", values, status=status)

    def _changed(self, partner: Partner, typed: PlatformForm) -> Answer:
        """The form again, with what was typed, for a platform that another operator has altered meanwhile."""
        return self._alter(partner, replace(typed, known=version_of(partner)), changed=True, status=409)

    def _alter(self, partner: Partner, typed: PlatformForm, *, changed: bool = False, status: int = 200) -> Answer:
        values = {"partner": partner, "typed": typed, "scopes": SCOPES, "changed": changed}
        return Answer("partners/alter.html", values, status=status)

    def _revoke(
        self, request: web.Request, partner: Partner, *, why: str = "", errors: Errors | None = None, status: int = 200
    ) -> Answer:
        own = session_of(request).partner.platform == partner.platform
        now = self._federation.clock()
        found = {"partner": partner, "row": row_of(partner, now=now), "secrets": live_secrets(partner.secrets, now=now)}
        values = {**found, "own": own, "why": why, "errors": errors or {}}
        return Answer("partners/revoke.html", values, status=status)

    def _named(self, request: web.Request) -> Partner | None:
        """The platform in the address; None without one."""
        slug = request.query.get("slug", "")
        return self._answers.known(slug) if slug else None
