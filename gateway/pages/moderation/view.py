"""The page of any offer. A moderation, and its end, are asked for with a reason, displayed with their consequences, and
done by the second form, which names the state that was displayed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.moderation import OfferFacts, moderate_offer, offer_facts
from gateway.federation.offers import find_offers, never_accepted
from gateway.federation.platform import platform_names
from gateway.operate.desk import Desk, Refusal, RefusedActError
from gateway.operate.moderation import DECISION_SECONDS, Action
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, Redirect, operator_page, views_behind
from gateway.pages.base.reason import ReasonField, read_reason
from gateway.pages.base.texts import texts_of
from gateway.pages.moderation.model import ModeratedOffer, offer_view
from gateway.pages.offers.listing import MAX_ROWS, offers_csv, read_listing
from gateway.pages.partner.history import refusal, steps
from gateway.pages.selection.chosen import MAX_CHOSEN
from gateway.protocol.identity import is_offer_id
from gateway.protocol.journal import MAX_CHARACTERS
from gateway.protocol.topic import JOURNAL, OFFERS
from gateway.runtime.loop import Wait
from gateway.store.offer_search import STATES, FoundOffers

_ACTIONS: Sequence[Action] = ("moderate", "lift")
_STATUSES: Mapping[str, int] = {"undecided": 202, "behind": 503, "offer-unknown": 404}
"""Of the pages that say why nothing was done, or not yet; all others are 409."""
_OUTCOMES: Mapping[Refusal, str] = {"view-behind": "behind", "superseded": "changed"}
_NOTHING = ReasonField("", None)
_MAX_SEQUENCE = 2**63


def pages(
    federation: Federation, wait: Callable[[web.Request], Wait], *, seconds: float = DECISION_SECONDS
) -> Sequence[Page]:
    """The page. ``wait``: for a decision, as long as the request's client and process go on, at most ``seconds``."""
    shell = _ModerationPage(federation, wait, seconds)
    return [operator_page("moderation", "/offre", "/offer", shell.show, shell.act)]


class _ModerationPage:
    def __init__(self, federation: Federation, wait: Callable[[web.Request], Wait], seconds: float) -> None:
        self._federation = federation
        self._wait = wait
        self._seconds = seconds

    async def show(self, request: web.Request, language: Language) -> Answer | Download | Redirect:
        self._require_ready()
        offer_id = request.query.get("id", "").strip()
        if not offer_id:
            return await self._search(request, language)
        facts = await self._known(offer_id)
        if facts is None:
            return await self._search(request, language, unknown=offer_id)
        return self._offer(offer_id, facts, language, done=request.query.get("done", ""))

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        """The first form is answered with the consequences, the second one acts."""
        self._require_ready()
        form, signed = form_of(request), session_of(request)
        offer_id, sequence = form.text("id"), whole_number(form.text("sequence"), most=_MAX_SEQUENCE)
        action = next((one for one in _ACTIONS if one == form.text("act")), None)
        if action is None or (form.text("sequence") and sequence is None):
            raise PageError(400)
        facts = await self._find(offer_id)
        reason = read_reason(form.text("reason"), required=True)
        if reason.wrong:
            return self._offer(offer_id, facts, language, reason=reason, status=422)
        view = offer_view(offer_id, facts, language)
        if sequence is None:
            return self._confirm(view, facts, action, reason)
        desk = self._federation.desk(signed.actor, reason.kept)
        outcome = await self._moderate(desk, action, offer_id, sequence, self._wait(request))
        if outcome == "done":
            return Redirect("moderation", {"id": offer_id, "done": action})
        facts = await self._find(offer_id)
        return self._refused(offer_view(offer_id, facts, language), facts, action, outcome)

    async def _moderate(self, desk: Desk, action: Action, offer_id: str, seen: int, wait: Wait) -> str:
        """The outcome: ``done``; ``undecided``, queued and not decided in time; ``overtaken`` by a newer change of the
        offer; or why it was refused. Raises LogError.
        """
        federation = self._federation
        try:
            command = await moderate_offer(federation, desk, action, offer_id, wait=wait, seen=seen)
        except RefusedActError as error:
            return _OUTCOMES.get(error.refusal, error.refusal)
        receipt = await wait(federation.receipts.wait(command.receipt, self._seconds), None)
        await federation.wait_until_displayed(OFFERS, JOURNAL)
        if receipt is None:
            return "undecided"
        return "done" if receipt["verdict"] == "accepted" else "overtaken"

    async def _search(
        self, request: web.Request, language: Language, *, unknown: str = ""
    ) -> Answer | Download | Redirect:
        names, offers = platform_names(self._federation), self._federation.offers
        listing = read_listing(request.query, language, names=names, states=STATES)
        search = listing.of_operator(names)
        if request.query.get("format") == "csv":
            whole = await find_offers(offers, replace(search, limit=MAX_ROWS), listing.typed)
            return offers_csv(whole.states, language)
        listing, found = await listing.page(search, lambda one: find_offers(offers, one, listing.typed))
        if not found.total and (
            known := await never_accepted(self._federation, search.criteria.platform, listing.typed)
        ):
            return Redirect("moderation", {"id": known})
        values = listing.values(found, language, now=self._federation.clock())
        values = {**values, "names": names, "acts": _acts_on(found), "most_chosen": MAX_CHOSEN, "unknown": unknown}
        return Answer("moderation/search.html", values, status=404 if unknown else 200)

    async def _known(self, offer_id: str) -> OfferFacts | None:
        return await offer_facts(self._federation, offer_id) if is_offer_id(offer_id) else None

    async def _find(self, offer_id: str) -> OfferFacts:
        """Raises PageError 404 for an offer of which nothing is known."""
        facts = await self._known(offer_id)
        if facts is None:
            raise PageError(404)
        return facts

    def _offer(
        self,
        offer_id: str,
        facts: OfferFacts,
        language: Language,
        *,
        reason: ReasonField = _NOTHING,
        done: str = "",
        status: int = 200,
    ) -> Answer:
        view, found = offer_view(offer_id, facts, language), steps(facts.history, language)
        agrees = done in _ACTIONS and view.action is not None and done != view.action
        values = {
            "offer": view,
            "name": platform_names(self._federation).get(view.platform, view.platform),
            "facts": facts,
            "steps": found,
            "refusal": None if reason.wrong or done else refusal(found),
            "texts_of_steps": texts_of("partner", language),
            "reason": reason,
            "most": MAX_CHARACTERS,
            "done": done if agrees else "",
        }
        return Answer("moderation/offer.html", values, status=status)

    def _confirm(self, view: ModeratedOffer, facts: OfferFacts, action: Action, reason: ReasonField) -> Answer:
        if view.state is None:
            return self._refused(view, facts, action, "offer-unknown")
        if view.action != action:
            return self._refused(view, facts, action, "already-moderated" if action == "moderate" else "not-moderated")
        name = platform_names(self._federation).get(view.platform, view.platform)
        return Answer("moderation/confirm.html", {"offer": view, "name": name, "act": action, "reason": reason})

    def _refused(self, view: ModeratedOffer, facts: OfferFacts, action: Action, outcome: str) -> Answer:
        last = next((one for one in facts.acts if one.entry.failed is None), None)
        values = {"offer": view, "act": action, "outcome": outcome.replace("-", "_"), "last": last}
        headers = views_behind().headers if outcome == "behind" else {}
        return Answer("moderation/outcome.html", values, status=_STATUSES.get(outcome, 409), headers=headers)

    def _require_ready(self) -> None:
        if not self._federation.caught_up:
            raise views_behind()


def _acts_on(found: FoundOffers) -> Sequence[Action]:
    """The acts that some of the offers of a list allow."""
    reasons = [(state.known.reason == "moderated", state.offer is not None) for state in found.states]
    moderated = {by_operator for by_operator, live in reasons if by_operator or live}
    return [act for act in _ACTIONS if (act == "lift") in moderated]
