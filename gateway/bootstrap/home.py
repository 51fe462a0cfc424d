"""What the home page needs of the parts: counts and systems, computed at most every five seconds."""

from collections.abc import Iterable

from adapters.profile.profile import DEFAULT_MINUTES, NATIVE
from gateway.bootstrap.parts import Parts
from gateway.operate.health import HOUR_MS, HealthTerms, systems
from gateway.operate.status import Facts
from gateway.pages.home import HomePort
from gateway.pages.home.model import HomeFacts
from gateway.partners.onboarding import presets
from gateway.protocol.partner import Partner
from gateway.runtime.cached import Cached
from gateway.settings import Settings

_KEPT_MS = 5_000


def home_port(parts: Parts) -> HomePort:
    """The port of the home page; all its requests share one computation. That a view is behind is not kept."""
    settings = parts.settings
    kept = Cached(lambda: home_facts(parts), milliseconds=_KEPT_MS)

    async def facts() -> HomeFacts | None:
        return await kept.get() if parts.caught_up else None

    return HomePort(
        facts=facts,
        late_exchanges=settings.late_exchanges,
        down_hours=settings.down_hours,
        map_bounds=settings.map_bounds,
    )


async def home_facts(parts: Parts) -> HomeFacts:
    """The counts and systems at this moment."""
    settings, partners = parts.settings, {partner.platform: partner for partner in parts.partners.all()}
    known = Facts(
        now=parts.clock(),
        partners=partners,
        live={slug: await parts.offers.count(slug) for slug in presets() if slug in partners},
        receipts=await parts.receipts.counts(),
        runs=await parts.runs.last(),
        accounts=await parts.deliveries.accounts(),
    )
    terms = health_terms(settings, partners.values())
    return HomeFacts(at=known.now, counts=await parts.offers.public_counts(), systems=systems(known, terms))


def health_terms(settings: Settings, partners: Iterable[Partner]) -> HealthTerms:
    """When a system is late or down, by these settings."""
    return HealthTerms(
        schedules=schedules(partners),
        late_exchanges=settings.late_exchanges,
        down_ms=settings.down_hours * HOUR_MS,
        publish_ms=settings.publish_hours * HOUR_MS,
        require_certificate=settings.require_certificate,
    )


def schedules(partners: Iterable[Partner]) -> dict[str, int]:
    """The milliseconds between two runs of each platform's feed."""
    transports = {partner.platform: (partner.profile or {}).get("transport") for partner in partners}
    return {
        slug: int(transport.get("every_minutes", DEFAULT_MINUTES)) * 60_000
        for slug, transport in transports.items()
        if isinstance(transport, dict) and transport.get("kind") != NATIVE
    }
