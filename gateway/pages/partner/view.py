"""The pages of a platform. Each is about the platform of the session, which no parameter can name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import orjson
import structlog
from aiohttp import web

from gateway.federation import Federation
from gateway.federation.offers import find_offers, never_accepted, offer_history, titles_of
from gateway.federation.platform import DAYS, renew_own_secret, today_of
from gateway.federation.public_offers import end_public_offers
from gateway.federation.refused import count_refusals, most_first, refused_offers
from gateway.federation.statistics import count_row, counts_csv
from gateway.pages.base.csv_file import csv_file
from gateway.pages.base.door import SESSION, Door, form_of, session_of
from gateway.pages.base.page import Answer, Download, Handler, Language, Page, PageError, Redirect, views_behind
from gateway.pages.base.texts import texts_of
from gateway.pages.offers.listing import MAX_ROWS, offers_csv, read_listing
from gateway.pages.partner.content import offer_rows
from gateway.pages.partner.days import days_of
from gateway.pages.partner.history import refusal, standing, steps
from gateway.pages.partner.moderations import moderations
from gateway.pages.partner.refused import fields_at_fault, refusals
from gateway.pages.partner.rules import RuleText, of_problem, of_rule
from gateway.pages.partner.today import todos
from gateway.partners.credential import OVERLAP_MS, live_secrets
from gateway.partners.revocation import newest_credential
from gateway.protocol.delivery import STATES as DELIVERY_STATES
from gateway.protocol.delivery import DeliveryPart
from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.statistics import Dimension
from gateway.protocol.visibility import Filter, Reader
from gateway.store.offer_search import STATES, OfferSearch
from gateway.store.refused_documents import RefusedFilter
from gateway.store.statistics import SubmissionCount

PERIODS = (7, 30, 90, 365)
"""Days that the statistics may show, today included."""
MAX_LISTED = 100
_ROWS: tuple[Dimension, ...] = ("day", "verdict", "rule")
_AT_ONCE = "at-once"
_DAY_MS = 24 * 3_600_000

log = structlog.get_logger()


def pages(federation: Federation, door: Door) -> Sequence[Page]:
    """Every page of a platform."""
    shell = _PartnerPages(federation, door)

    def page(name: str, french: str, english: str, get: Handler, post: Handler | None = None) -> Page:
        paths: Mapping[Language, str] = {"fr": f"/plateforme{french}", "en": f"/en/platform{english}"}
        return Page(name, paths, get, post, role="platform", private=True)

    return [
        page("today", "", "", shell.today),
        page("offers", "/offres", "/offers", shell.offers, shell.end_public),
        page("offers_history", "/offre", "/offer", shell.offer),
        page("deliveries", "/remises", "/deliveries", shell.deliveries),
        page("keys", "/cles", "/keys", shell.keys, shell.rotate),
        page("figures", "/statistiques", "/statistics", shell.figures),
    ]


class _PartnerPages:
    def __init__(self, federation: Federation, door: Door) -> None:
        self._federation = federation
        self._door = door

    async def today(self, request: web.Request, language: Language) -> Answer:
        partner = self._partner(request)
        facts = await today_of(self._federation, partner.platform)
        found = todos(facts, partner, required=self._federation.terms.require_certificate, language=language)
        last = date.fromisoformat(paris_date(facts.now))
        days = days_of(facts.days, first=last - timedelta(days=DAYS - 1), last=last)
        moderated = moderations(facts.moderations)
        publishes = "offers:publish" in partner.scopes or facts.every_ms is not None or bool(facts.live)
        values = {"facts": facts, "todos": found, "days": days, "moderated": moderated, "publishes": publishes}
        return Answer("partner/today.html", values)

    async def offers(self, request: web.Request, language: Language) -> Answer | Download | Redirect:
        return await self._offers(request, language)

    async def _offers(
        self, request: web.Request, language: Language, *, unknown: bool = False
    ) -> Answer | Download | Redirect:
        partner, offers = self._partner(request), self._federation.offers
        listing = read_listing(request.query, language, states=STATES)
        search = listing.search([partner.platform], hidden=True)
        if request.query.get("format") == "csv":
            whole = await find_offers(offers, replace(search, limit=MAX_ROWS), listing.typed)
            return offers_csv(whole.states, language)
        listing, found = await listing.page(search, lambda one: find_offers(offers, one, listing.typed))
        if not found.total and (known := await never_accepted(self._federation, [partner.platform], listing.typed)):
            return Redirect("offers_history", {"id": known})
        values = listing.values(found, language, now=self._federation.clock())
        ended = partner.public is None and request.query.get("done") == "end"
        values = {**values, "public": partner.public, "ended": ended, "unknown": unknown}
        return Answer("partner/offers.html", values, status=404 if unknown else 200)

    async def end_public(self, request: web.Request, _language: Language) -> Answer | Redirect:
        """End the agreement that everybody may see the offers. The first form is answered with the consequences, the
        second one acts; sent again, it does nothing.
        """
        partner = self._partner(request)
        if form_of(request).text("sure") != "1":
            search = OfferSearch(criteria=Filter(platform=frozenset({partner.platform})), limit=0)
            found = await self._federation.offers.search(search)
            return Answer("partner/end_public.html", {"number": found.total})
        await end_public_offers(self._federation, partner.platform, by=session_of(request).actor)
        return Redirect("offers", {"done": "end"})

    async def offer(self, request: web.Request, language: Language) -> Answer | Download | Redirect:
        partner = self._partner(request)
        named = request.query.get("id", "").strip()
        if not named:
            return await self._offers(request, language)
        offer_id = named if ":" in named else f"{partner.platform}:{named}"
        if not is_offer_id(offer_id) or platform_of(offer_id) != partner.platform:
            return await self._offers(request, language, unknown=True)
        reader = Reader(partner.platform) if "offers:read" in partner.scopes else None
        facts = await offer_history(self._federation, offer_id, duplicates_for=reader)
        if facts is None:
            return await self._offers(request, language, unknown=True)
        offer, found = None if facts.state is None else facts.state.offer, steps(facts, language)
        values = {
            "id": offer_id,
            "facts": facts,
            "steps": found,
            "refusal": refusal(found),
            "standing": standing(facts),
            "rows": () if offer is None else offer_rows(offer, language),
        }
        return Answer("partner/offer.html", values)

    async def deliveries(self, request: web.Request, language: Language) -> Answer | Download:
        partner = self._partner(request)
        state = request.query.get("state", "")
        if state not in ("", *DELIVERY_STATES):
            raise PageError(400)
        deliveries = self._federation.deliveries
        summary = (await deliveries.summaries()).get(partner.platform)
        in_file = request.query.get("format") == "csv"
        most = MAX_ROWS if in_file else MAX_LISTED
        listed = await deliveries.listed(partner.platform, state, most) if state else ()
        lines = [
            (delivery.id, part, [of_problem(problem, language) for problem in part.problems])
            for delivery in listed
            for part in delivery.current()
            if part.state == state
        ]
        if in_file:
            return _deliveries_csv(lines, language)
        titles = await titles_of(self._federation.offers, [offer_id for offer_id, _, _ in lines])
        values = {
            "titles": titles,
            "summary": summary,
            "state": state,
            "states": DELIVERY_STATES,
            "lines": lines,
            "most": MAX_LISTED,
        }
        return Answer("partner/deliveries.html", {**values, "self_delivery": partner.national_delivery == "self"})

    async def keys(self, request: web.Request, _language: Language) -> Answer:
        return self._keys(self._partner(request))

    async def rotate(self, request: web.Request, _language: Language) -> Answer:
        """A new secret, displayed in this answer only. A form that is sent again is refused: it names the secret that
        it replaces.
        """
        form = form_of(request)
        at_once = form.text("overlap") == _AT_ONCE
        signed, overlap = session_of(request), 0 if at_once else OVERLAP_MS
        rotated = await renew_own_secret(self._federation, signed.partner, known=form.text("known"), overlap=overlap)
        if rotated is None:
            return self._keys(self._partner(request), changed=True, status=409)
        partner, minted = rotated
        request[SESSION] = self._door.sign_ins.after_change(signed, partner)
        log.info("pages.secret_rotated", platform=partner.platform, at_once=at_once)
        return self._keys(request[SESSION].partner, secret=minted.text)

    async def figures(self, request: web.Request, language: Language) -> Answer | Download:
        partner = self._partner(request)
        period = request.query.get("days", str(DAYS))
        form = request.query.get("format", "html")
        if period not in map(str, PERIODS) or form not in ("html", "csv", "json"):
            raise PageError(400)
        last = date.fromisoformat(paris_date(self._federation.clock()))
        first = last - timedelta(days=int(period) - 1)
        count, own = self._federation.statistics.counts, (partner.platform,)
        if form != "html":
            return _download(form, await count(first, last, by=_ROWS, platforms=own), first, last)
        days = await count(first, last, by=("day", "verdict"), platforms=own)
        rules = most_first(count_refusals(await count(first, last, by=("verdict", "rule"), platforms=own), "rule"))
        found = await refused_offers(self._federation, RefusedFilter(first=first, last=last, platforms=own))
        named = refusals(found, language)
        values = {
            "days": days_of(days, first=first, last=last),
            "rules": [(of_rule(rule, language), refused) for rule, refused in rules],
            "refusals": named,
            "fields": fields_at_fault(named),
            "more": found.more,
            "period": int(period),
            "periods": PERIODS,
        }
        return Answer("partner/figures.html", values)

    def _keys(self, partner: Partner, *, secret: str | None = None, changed: bool = False, status: int = 200) -> Answer:
        live = live_secrets(partner.secrets, now=self._federation.clock())
        values = {
            "partner": partner,
            "live": live,
            "known": newest_credential(partner, now=self._federation.clock()),
            "secret": secret,
            "changed": changed,
            "at_once": _AT_ONCE,
            "days": OVERLAP_MS // _DAY_MS,
        }
        return Answer("partner/keys.html", values, status=status)

    def _partner(self, request: web.Request) -> Partner:
        if not self._federation.caught_up:
            raise views_behind()
        return session_of(request).partner


def _deliveries_csv(lines: Sequence[tuple[str, DeliveryPart, Sequence[RuleText]]], language: Language) -> Download:
    """The deliveries of a state as a file for spreadsheets."""
    t = texts_of("partner", language)
    heads = [str(t(head)) for head in ("offer", "level_group", "since", "why")]
    rows = [
        (
            offer_id,
            str(t(f"group_{part.group}")),
            paris_date(part.since),
            ", ".join(one.name.striptags() for one in problems),
        )
        for offer_id, part, problems in lines
    ]
    return csv_file("remises.csv" if language == "fr" else "deliveries.csv", heads, rows)


def _download(form: str, counts: Sequence[SubmissionCount], first: date, last: date) -> Download:
    """As ``/v1/statistics`` writes them, under the same names."""
    rows = [count_row(_ROWS, count) for count in counts]
    name = f"statistics-{first.isoformat()}-{last.isoformat()}.{form}"
    if form == "json":
        document = {"from": first.isoformat(), "to": last.isoformat(), "group": _ROWS, "statistics": rows}
        return Download(name, "application/json", orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return Download(name, "text/csv; charset=utf-8; header=present", counts_csv(_ROWS, rows))
