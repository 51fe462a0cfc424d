"""The acts whose forms are on the page of a platform: its secret, links and sessions, nonces and certificates."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
from aiohttp import web

from gateway.federation import Federation
from gateway.operate.certification import USUAL_NONCE_DAYS, issue_nonce, revoke_certificate
from gateway.operate.desk import Desk, RefusedActError, renew_secret
from gateway.operate.sign_in import end_sessions, make_link
from gateway.pages.base.door import Door, form_of, session_of
from gateway.pages.base.page import Answer, Language, PageError, Redirect
from gateway.pages.partners.answers import Answers, done
from gateway.pages.partners.form import Errors, hours_in, reason_in
from gateway.pages.session.view import link_url
from gateway.partners.session import person_of
from gateway.protocol.certificate import ROLES
from gateway.protocol.partner import Partner
from schemas.rulebook import LANGUAGES

log = structlog.get_logger()


class Acts:
    """The acts on the platforms of a federation."""

    def __init__(self, federation: Federation, door: Door, answers: Answers) -> None:
        self._federation = federation
        self._door = door
        self._answers = answers

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        """One of the acts whose forms are on the page of a platform; that page again if something is wrong with it."""
        form, partner = form_of(request), self._answers.known(form_of(request).text("slug"))
        acts: Mapping[str, Callable[[web.Request, Desk, Partner, Errors], Awaitable[Answer | Redirect | None]]] = {
            "rotate": self._rotate,
            "link": partial(self._link, language),
            "sign-out": self._sign_out,
            "nonce": self._nonce,
            "uncertify": self._uncertify,
        }
        name = form.text("act")
        if name not in acts:
            raise PageError(400)
        errors: Errors = {}
        why = reason_in(form, f"why_{name.replace('-', '_')}", errors)
        desk = self._federation.desk(session_of(request).actor, why)
        try:
            answer = await acts[name](request, desk, partner, errors)
        except RefusedActError as error:
            return self._answers.refused(request, partner.platform, error)
        return answer or self._answers.one(request, partner, form=form, errors=errors, status=422)

    async def _rotate(self, request: web.Request, desk: Desk, partner: Partner, errors: Errors) -> Answer | None:
        form = form_of(request)
        hours = hours_in(form, "overlap", errors)
        if errors:
            return None
        after, minted = await renew_secret(desk, partner.platform, overlap_hours=hours, replaces=form.text("known"))
        self._answers.follow(request, after)
        log.info("pages.partner_secret_rotated", platform=after.platform, overlap_hours=hours)
        return self._answers.secret(after, minted.text)

    async def _link(
        self, language: Language, request: web.Request, desk: Desk, partner: Partner, errors: Errors
    ) -> Answer | None:
        form = form_of(request)
        person = person_of(form.text("person"))
        if person is None:
            errors["person"] = [("person_unusable", "")]
        if person is None or errors:
            return None
        lang = next((one for one in LANGUAGES if one == form.text("lang")), language)
        text, until = await make_link(desk, self._door.sign_ins, partner.platform, person)
        log.info("pages.partner_link_made", platform=partner.platform)
        values = {"text": link_url(self._door.url, text, lang), "person": person, "until": until}
        return Answer("partners/handed.html", {"kind": "link", "partner": partner, **values})

    async def _sign_out(self, _request: web.Request, desk: Desk, partner: Partner, errors: Errors) -> Redirect | None:
        if errors:
            return None
        ended = await end_sessions(desk, partner.platform)
        log.info("pages.partner_sessions_ended", platform=partner.platform, ended=ended)
        return done("ended", partner)

    async def _nonce(self, _request: web.Request, desk: Desk, partner: Partner, errors: Errors) -> Answer | None:
        if errors:
            return None
        nonce = await issue_nonce(desk, partner.platform, days=USUAL_NONCE_DAYS)
        log.info("pages.partner_nonce_issued", platform=partner.platform)
        values = {"text": nonce.text, "person": "", "until": nonce.expires_at}
        return Answer("partners/handed.html", {"kind": "nonce", "partner": partner, **values})

    async def _uncertify(self, request: web.Request, desk: Desk, partner: Partner, errors: Errors) -> Redirect | None:
        role = next((one for one in ROLES if one == form_of(request).text("role")), None)
        if role is None:
            errors["role"] = [("role_missing", "")]
        if not desk.why:
            errors.setdefault("why_uncertify", [("reason_missing", "")])
        if role is None or errors:
            return None
        await revoke_certificate(desk, partner.platform, role)
        log.info("pages.partner_certificate_revoked", platform=partner.platform, role=role)
        return done("uncertified", partner)
