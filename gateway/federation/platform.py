"""One platform: how it does today, its deliveries, and the new secret that its own persons give it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.federation.federation import Federation
from gateway.federation.offers import ModerationFacts, moderated_offers
from gateway.federation.refused import Refused, RefusedFacts, count_refusals, refused_offers
from gateway.operate.desk import RefusedActError, renewal
from gateway.operate.status import is_platform
from gateway.partners.credential import MintedSecret, mint_secret
from gateway.partners.onboarding import presets
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import SourceRun, period_ms
from gateway.store.deliveries import DeliverySummary
from gateway.store.refused_documents import RefusedFilter
from gateway.store.statistics import SubmissionCount
from schemas.communes import plain_name

DAYS = 30
"""Days that the facts of today look back on, today included."""
_WEEK_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayFacts:
    """The state of a platform. ``every_ms``: between two runs of its feed, None where it publishes by itself.
    ``rules``: refusals of this week by rule, and ``refused`` some of them by name; ``days``: of thirty days, by day and
    verdict; ``moderations``: of thirty days, the newest offers. ``paused_at``: since when the operator has its feed
    paused (ms).
    """

    now: int
    live: int
    run: SourceRun | None
    every_ms: int | None
    deliveries: DeliverySummary | None
    rules: Sequence[SubmissionCount]
    days: Sequence[SubmissionCount]
    month: Refused
    refused: RefusedFacts
    moderations: Sequence[ModerationFacts]
    paused_at: int | None = None


def platform_names(federation: Federation) -> Mapping[str, str]:
    """The platforms by slug, in the order of their names: those of the federation, and all others that take part."""
    known = {slug: preset.name for slug, preset in presets().items()}
    known |= {partner.platform: partner.name for partner in federation.partners.all() if is_platform(partner)}
    return dict(sorted(known.items(), key=lambda one: plain_name(one[1])))


async def today_of(federation: Federation, platform: str) -> TodayFacts:
    """The present state of a platform."""
    now, count = federation.clock(), federation.statistics.counts
    last = date.fromisoformat(paris_date(now))
    week, month = last - timedelta(days=_WEEK_DAYS - 1), last - timedelta(days=DAYS - 1)
    partner, paused = federation.partners.get(platform), (await federation.runs.paused()).get(platform)
    return TodayFacts(
        now=now,
        live=await federation.offers.count(platform),
        run=(await federation.runs.last()).get(platform),
        every_ms=None if partner is None else period_ms(partner.profile),
        deliveries=(await federation.deliveries.summaries()).get(platform),
        rules=await count(week, last, by=("verdict", "rule"), platforms=(platform,)),
        days=await count(month, last, by=("day", "verdict"), platforms=(platform,)),
        month=count_refusals(await count(month, last, by=("verdict",), platforms=(platform,))).get("", Refused()),
        refused=await refused_offers(federation, RefusedFilter(first=week, last=last, platforms=(platform,))),
        moderations=await moderated_offers(federation, platform),
        paused_at=None if paused is None else paused.at,
    )


async def renew_own_secret(
    federation: Federation, partner: Partner, *, known: str, overlap: int
) -> tuple[Partner, MintedSecret] | None:
    """The partner with a new secret; None where the newest one is not the known one any more, and where there is none:
    a platform that proves itself by its keys gets its first secret from the operator alone. The former one is valid for
    ``overlap`` milliseconds.
    """
    if not known:
        return None
    minted = mint_secret(now=federation.clock(), entropy=os.urandom)
    edit = renewal(partner.platform, minted, clock=federation.clock, overlap=overlap, replaces=known)
    try:
        return await federation.partners.change(partner.platform, edit), minted
    except RefusedActError:
        return None
