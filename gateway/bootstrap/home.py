"""What the home page needs of the federation: counts and systems, computed at most every five seconds."""

from gateway.federation import Federation
from gateway.operate.health import systems
from gateway.operate.status import Facts
from gateway.pages.home import HomePort
from gateway.pages.home.model import HomeFacts
from gateway.partners.onboarding import presets
from gateway.runtime.cached import Cached
from gateway.settings import Settings

_KEPT_MS = 5_000


def home_port(settings: Settings, federation: Federation) -> HomePort:
    """The port of the home page; all its requests share one computation. That a view is behind is not kept."""
    kept = Cached(lambda: home_facts(federation), milliseconds=_KEPT_MS)

    async def facts() -> HomeFacts | None:
        return await kept.get() if federation.caught_up else None

    return HomePort(
        facts=facts,
        late_exchanges=settings.late_exchanges,
        down_hours=settings.down_hours,
        map_bounds=settings.map_bounds,
    )


async def home_facts(federation: Federation) -> HomeFacts:
    """The counts and systems at this moment."""
    partners = {partner.platform: partner for partner in federation.partners.all()}
    known = Facts(
        now=federation.clock(),
        partners=partners,
        live={slug: await federation.offers.count(slug) for slug in presets() if slug in partners},
        receipts=await federation.receipts.counts(),
        runs=await federation.runs.last(),
        accounts=await federation.deliveries.accounts(),
    )
    counts = await federation.offers.public_counts()
    return HomeFacts(at=known.now, counts=counts, systems=systems(known, federation.terms))
