"""What the pages of a platform need of the federation; each question names the platform that asks."""

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta

from gateway.bootstrap.moderated_offers import moderated_offers
from gateway.bootstrap.offer_pages import offer_history, search_offers
from gateway.bootstrap.refused_offers import refused_offers
from gateway.federation import Federation
from gateway.pages.partner import PartnerPort
from gateway.pages.partner.port import DeliveryFacts, HistoryFacts, OfferPage, RefusedFacts, TodayFacts
from gateway.pages.partner.view import DAYS, MOST_LISTED
from gateway.partners.credential import MintedSecret, mint_secret, rotate
from gateway.partners.revocation import newest_credential
from gateway.partners.sign_in import Signed, SignIns
from gateway.protocol.decide import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import period_ms
from gateway.protocol.statistics import Dimension
from gateway.protocol.visibility import Reader
from gateway.store.statistics import Count

_EXAMINED = 10_000
"""Offers that one request compares with a searched text."""
_WEEK_DAYS = 7


def partner_port(federation: Federation, sign_ins: SignIns) -> PartnerPort:
    """The port of the pages of a platform."""
    reads = _Reads(federation, sign_ins)
    return PartnerPort(
        clock=federation.clock,
        ready=lambda: federation.caught_up,
        required=federation.terms.require_certificate,
        today=reads.today,
        offers=reads.offers,
        history=reads.history,
        deliveries=reads.deliveries,
        counts=reads.counts,
        refused=reads.refused,
        rotate=reads.rotate,
    )


class _Reads:
    def __init__(self, federation: Federation, sign_ins: SignIns) -> None:
        self._federation = federation
        self._sign_ins = sign_ins

    async def today(self, platform: str) -> TodayFacts:
        federation, now = self._federation, self._federation.clock()
        last = date.fromisoformat(paris_date(now))
        week = last - timedelta(days=_WEEK_DAYS - 1)
        partner, paused = federation.partners.get(platform), (await federation.runs.paused()).get(platform)
        return TodayFacts(
            now=now,
            live=await federation.offers.count(platform),
            run=(await federation.runs.last()).get(platform),
            every_ms=None if partner is None else period_ms(partner.profile),
            deliveries=(await federation.deliveries.summaries()).get(platform),
            rules=await self.counts(platform, week, last, ("verdict", "rule")),
            days=await self.counts(platform, last - timedelta(days=DAYS - 1), last, ("day", "verdict")),
            refused=await self.refused(platform, week, last),
            moderations=await moderated_offers(federation, platform),
            paused_at=None if paused is None else paused.at,
        )

    async def refused(self, platform: str, first: date, last: date) -> RefusedFacts:
        return await refused_offers(self._federation, (platform,), first, last)

    async def counts(self, platform: str, first: date, last: date, by: Collection[Dimension]) -> Sequence[Count]:
        return await self._federation.statistics.counts(first, last, by=by, platforms=(platform,))

    async def offers(self, platform: str, query: str, after: str | None) -> OfferPage:
        """As ``search_offers``; the continuation of one platform is its log offset alone."""
        start = None if after is None else f"{platform}:{after}"
        found = await search_offers(self._federation.offers, [platform], query, start, most=_EXAMINED)
        further = found.further and (found.further.rpartition(":")[2] or None)
        return replace(found, further=further)

    async def history(self, partner: Partner, offer_id: str) -> HistoryFacts | None:
        """The history of an offer of this partner; None where nothing is known of it. Its possible duplicates are for a
        partner that may read others' offers.
        """
        reader = Reader(partner.platform) if "offers:read" in partner.scopes else None
        return await offer_history(self._federation, offer_id, duplicates_for=reader)

    async def deliveries(self, platform: str, state: str) -> DeliveryFacts:
        deliveries = self._federation.deliveries
        listed = await deliveries.listed(platform, state, MOST_LISTED) if state else ()
        return DeliveryFacts(summary=(await deliveries.summaries()).get(platform), listed=listed)

    async def rotate(self, signed: Signed, known: str, overlap: int) -> tuple[Signed, MintedSecret] | None:
        """The session with the changed partner, and its new secret; None where the newest secret is not the known one
        any more. The former one is valid for ``overlap`` milliseconds.
        """
        now = self._federation.clock()
        minted = mint_secret(now=now, entropy=os.urandom)
        replaced: list[bool] = []

        def edit(present: Partner | None) -> Partner:
            partner = present or signed.partner
            same = not partner.revoked and bool(partner.secrets) and newest_credential(partner, now=now) == known
            replaced[:] = [same]
            if not same:
                return partner
            return rotate(partner, replace(minted.kept, created_at=now), now=now, overlap=overlap)

        partner = await self._federation.partners.change(signed.partner.platform, edit)
        return (self._sign_ins.after_change(signed, partner), minted) if replaced[-1] else None
