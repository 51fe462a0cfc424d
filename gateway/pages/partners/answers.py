"""The page of one platform, as it follows an act and its refusal, and the answers that several pages share."""

from typing import Any

from aiohttp import web

from gateway.federation import Federation
from gateway.operate.desk import RefusedActError
from gateway.pages.base.door import SESSION, Door, session_of
from gateway.pages.base.page import Answer, PageError, Redirect
from gateway.pages.base.upload import Form
from gateway.pages.partners.form import Errors
from gateway.pages.partners.model import roles_of, row_of
from gateway.partners.credential import MAX_OVERLAP_HOURS, OVERLAP_HOURS, live_secrets
from gateway.partners.revocation import newest_credential
from gateway.partners.session import MAX_NAME_CHARACTERS
from gateway.protocol.partner import Partner
from schemas.rulebook import LANGUAGES

_DONE = ("added", "altered", "unchanged", "revoked", "ended", "uncertified")
"""The act that a page reports as done."""
_FIELDS = ("overlap", "why_rotate", "person", "lang", "why_link", "why_sign_out", "why_nonce", "why_uncertify", "role")


class Answers:
    """The answers for the platforms of a federation."""

    def __init__(self, federation: Federation, door: Door) -> None:
        self._federation = federation
        self._door = door

    def known(self, slug: str) -> Partner:
        """The platform of a slug. Raises PageError 404."""
        partner = self._federation.partners.get(slug)
        if partner is None:
            raise PageError(404)
        return partner

    def one(
        self,
        request: web.Request,
        partner: Partner,
        *,
        form: Form | None = None,
        errors: Errors | None = None,
        refusal: str | None = None,
        status: int = 200,
    ) -> Answer:
        """The page of one platform, with the content of a form on it and its findings."""
        outcome = request.query.get("done") if form is None else None
        typed = {name: "" if form is None else form.text(name) for name in _FIELDS}
        if form is None or form.text("act") != "rotate":
            typed["overlap"] = str(OVERLAP_HOURS)
        now = self._federation.clock()
        values: dict[str, Any] = {
            "partner": partner,
            "row": row_of(partner, now=now),
            "roles": roles_of(partner, now=now),
            "secrets": live_secrets(partner.secrets, now=now),
            "known": newest_credential(partner, now=now),
            "done": outcome if outcome in _DONE else None,
            "refusal": refusal,
            "typed": typed,
            "errors": errors or {},
            "most_hours": MAX_OVERLAP_HOURS,
            "most_name": MAX_NAME_CHARACTERS,
            "languages": LANGUAGES,
        }
        return Answer("partners/partner.html", values, status=status)

    def refused(self, request: web.Request, slug: str, error: RefusedActError) -> Answer:
        """The page of one platform as it is now, with why an act cannot be."""
        return self.one(request, self.known(slug), refusal=error.refusal, status=409)

    def secret(self, partner: Partner, secret: str, *, added: bool = False) -> Answer:
        """The one answer that has a new secret."""
        former = live_secrets(partner.secrets, now=self._federation.clock())[1:]
        until = former[0].ends_at if former else None
        return Answer("partners/secret.html", {"partner": partner, "secret": secret, "added": added, "until": until})

    def follow(self, request: web.Request, partner: Partner) -> None:
        """Let the own session go on, where its person has changed the credentials of the own platform."""
        signed = session_of(request)
        if signed.partner.platform == partner.platform:
            request[SESSION] = self._door.sign_ins.after_change(signed, partner)


def done(what: str, partner: Partner) -> Redirect:
    """The page of a platform, which says what was done."""
    return Redirect("partners_one", {"slug": partner.platform, "done": what})
