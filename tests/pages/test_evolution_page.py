"""The page of evolution and its route share one slot a platform."""

import pytest

from gateway.api.impact import IMPACTS
from gateway.federation.impact import Affected, Impact, Judged, RuleImpact
from gateway.pages.evolution.model import lines_of
from gateway.pages.partner.rules import of_rule
from tests.pages.desk import HTML
from tests.pages.partner.seeded import OTHER, seed
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow


def test_the_nearest_day_is_first_then_the_most_offers() -> None:
    """What only the release refuses has no day, and may concern more offers than are named."""

    def of(rule: str, day: str | None, **offers: int) -> RuleImpact:
        found = [Affected(platform=slug, offers=number, examples=[f"{slug}:1"]) for slug, number in offers.items()]
        return RuleImpact(rule=rule, error_from=day, platforms=found)

    judged = Judged(live=9, examined=9, cleaned=0, rules=[of("field-missing", None, bretagne=1)])
    warned = [
        of("text-invisible", "2027-09-01", bretagne=2, normandie=5),
        of("week-malformed", "2027-03-01", bretagne=1),
    ]
    impact = Impact(release="1.0", on="2026-12-01", warned=warned, judged=judged)
    rules = {one.rule: of_rule(one.rule, "fr") for one in (*warned, *judged.rules)}
    names = {"bretagne": "Bretagne", "normandie": "Normandie"}
    assert [("field-missing", 1, True), ("week-malformed", 1, False), ("text-invisible", 5, False)] == [
        (line.rule.code, line.offers, line.least) for line in lines_of(impact, rules, names, days={})[:3]
    ]
    assert {"Normandie"} == {line.platform for line in lines_of(impact, rules, names, "normandie", days={})}


async def test_the_list_is_a_file_and_refuses_what_it_does_not_have(site: PageHarness) -> None:
    await seed(site)
    cookie = await cookie_of(site.harness.federation, OPERATOR.platform)
    for query, status in (("format=csv", 200), ("sort=-offers", 200), ("sort=never", 400), ("platform=never", 400)):
        address = f"/exploitation/evolutions?{query}"
        answer = await site.client.get(address, headers={**HTML, "Cookie": cookie})
        assert status == answer.status, query
        if query == "format=csv":
            assert "Règle;Code;Refuse;Plateforme;Offres;Exemples" in await answer.text()


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


async def test_without_an_offer_concerned_there_is_nothing_to_do_before_the_next_rule(site: PageHarness) -> None:
    """The page announces no offers that will be refused where there are none."""
    await seed(site)
    text = await (await site.client.get("/plateforme/evolutions", headers=HTML)).text()
    assert "Rien à faire. Prochaine" in text
    assert not any(part in text for part in ("que les règles en vigueur refuseront", "C’est un minimum", "Sans effet"))
