"""The page of evolution and its route share one slot a platform."""

import pytest

from gateway.api.impact import IMPACTS
from tests.pages.desk import HTML
from tests.pages.partner.seeded import OTHER, seed
from tests.pages.signing import SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow


async def test_a_reader_who_asks_again_and_again_stops_no_other(site: PageHarness) -> None:
    """One question of a platform is judged at a time; the next one is refused, and that of another platform waits."""
    await seed(site)
    cookies = [await cookie_of(site.harness.federation, one.platform) for one in (SIGNED, OTHER)]
    with site.app[IMPACTS].one(SIGNED.platform):
        answers = [await site.client.get("/plateforme/evolutions", headers={**HTML, "Cookie": one}) for one in cookies]
    assert [503, 200] == [one.status for one in answers]
    assert "Retry-After" in answers[0].headers
    again = await site.client.get("/plateforme/evolutions", headers={**HTML, "Cookie": cookies[0]})
    assert 200 == again.status
