"""The site's own request tests, as facts: the simulator agrees with each of them."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from demo.national_site.simulator import NationalSimulator
from tests.national.site.harness import JUNE, PASSWORD
from tests.national.site.rule_site import Got, RuleSite
from tests.national.site.server import SteppedTime
from tests.national.site.site_facts import FACTS, Fact, Setting

RUNS = [(fact, version) for fact in FACTS for version in fact.versions]
TOURS, PARIS, BORDEAUX, BOUSCAT = (47.39, 0.69), (48.8566, 2.3522), (44.8624, -0.5848), (44.865, -0.6033)
LOGIN = "/api/v2/auth/login"


@pytest.fixture
async def site(simulator: NationalSimulator, time: SteppedTime, request: Any) -> AsyncIterator[RuleSite]:
    async with aiohttp.ClientSession(simulator.url) as session:
        site = RuleSite(session, simulator, time, getattr(request, "param", "v2"))
        site.stock.geocoder.street, site.stock.geocoder.zipcode = "Rue de Grenelle", "75007"
        site.stock.geocoder.point = (48.8602244, 2.333)
        await site.login()
        yield site


async def prepare(site: RuleSite, fact: Fact) -> None:
    """The offers that a test of the site starts from."""
    if fact.setting in {"own", "deleted"}:
        await site.made()
    if fact.setting == "deleted":
        await site.delete()
    if fact.test.endswith("republishing"):
        await site.patch(published_at=None)
    if fact.setting in {"others", "two"}:
        await site.login(site.add("other@example.org"))
        await site.made()
        await site.login()
    if fact.setting == "two":
        await site.made(remote_id="b")
        await site.made(remote_id="c")
    publish(site, fact.setting)


def publish(site: RuleSite, setting: Setting) -> None:
    """The offers of employers that a search of the site's tests finds."""
    match setting:
        case "offers":
            spring = {"weeks": ("2027-W14", "2027-W15"), "grades": ("troisieme",)}
            site.publish(title="Avocat", city="Tours", coordinates=TOURS, sector="s9", **spring)
            site.publish(title="Menuisier", city="Paris", coordinates=PARIS, sector="s26", **spring)
            site.publish(title="Pharmacienne", city="Bordeaux", coordinates=BORDEAUX, weeks=tuple(JUNE))
        case "towns":
            site.publish(city="Tours", coordinates=TOURS)
            site.publish(city="Paris", coordinates=PARIS)
            site.simulator.hide(site.publish(city="Bordeaux", coordinates=BORDEAUX))
        case "near":
            site.publish(city="Bordeaux", coordinates=BORDEAUX)
            site.publish(city="Le Bouscat", coordinates=BOUSCAT)
            site.simulator.hide(site.publish(city="Bordeaux", coordinates=BORDEAUX))
        case "many":
            for _ in range(31):
                site.publish()
        case "titles":
            for title in ("Chef de chantier", "Avocat", "Cheffe de cuisine"):
                site.publish(title=title)


async def send(site: RuleSite, fact: Fact) -> Got:
    """The request of a fact; the token is a parameter, as in the site's own tests."""
    token = site.token
    if fact.token == "other":
        await site.login(site.add("other@example.org"))
        token = site.token
    if fact.token == "junk":
        token = "abcdefghijklmnop"
    params = [*fact.query] + ([] if fact.token == "none" else [("token", f"Bearer {token}")])
    body = None
    if fact.body is not None:
        body = {"internship_offer": site.body(**fact.body) if fact.method == "POST" else dict(fact.body)}
    return await site.call(fact.method, f"{site.offers}{fact.path}", body, bearer=False, params=params)


def test_no_fact_is_listed_twice() -> None:
    assert len(FACTS) == len({(fact.test, fact.versions) for fact in FACTS})


@pytest.mark.parametrize(("fact", "site"), RUNS, indirect=["site"], ids=[f"{v} {f.test}" for f, v in RUNS])
async def test_the_simulator_agrees_with_the_sites_own_test(fact: Fact, site: RuleSite) -> None:
    await prepare(site, fact)
    got = await send(site, fact)
    assert (fact.status, fact.code) == (got.status, got.code), got.body
    assert fact.check(site, got), got.body


async def test_the_site_writes_na_where_the_geocoder_knows_no_street(site: RuleSite) -> None:
    site.stock.geocoder.street = None
    await site.made(street=..., coordinates={"latitude": 148, "longitude": 14})
    assert "N/A" == site.row().street


async def test_offers_of_an_account_that_is_not_open_are_not_open(site: RuleSite) -> None:
    site.operator.open_data = False
    assert not (await site.made()).open_data


@pytest.mark.parametrize("site", ["v1", "v2"], indirect=True)
async def test_offers_and_sectors_have_a_limit_each(site: RuleSite) -> None:
    for path in (f"{site.offers}/search", f"/api/{site.version}/sectors"):
        answers = [(await site.call("GET", path)).status for _ in range(101)]
        assert [200] * 100 + [429] == answers


@pytest.mark.parametrize("site", ["v1", "v2"], indirect=True)
async def test_the_sectors_are_listed_for_a_token(site: RuleSite) -> None:
    path = f"/api/{site.version}/sectors"
    assert (401, "UNAUTHORIZED") == ((got := await site.call("GET", path, bearer=False)).status, got.code)
    assert 51 == len((await site.call("GET", path)).body["sectors"])


async def test_a_login_needs_the_right_password(site: RuleSite) -> None:
    right = {"email": site.operator.email, "password": PASSWORD}
    assert (await site.call("POST", LOGIN, bearer=False, params=right)).body["token"]
    assert 401 == (await site.call("POST", LOGIN, bearer=False, params={**right, "password": "wrong"})).status


@pytest.mark.parametrize("site", ["v1"], indirect=True)
async def test_a_token_is_taken_from_the_header_or_a_parameter(site: RuleSite) -> None:
    token = f"Bearer {site.token}"
    for sent in ({"params": {"token": token}}, {"headers": {"Authorization": token}}):
        assert 404 == (await site.call("DELETE", f"{site.offers}/anything", bearer=False, **sent)).status


@pytest.mark.parametrize("site", ["v1"], indirect=True)
async def test_schools_are_sought_without_a_token(site: RuleSite) -> None:
    nothing = {"match_by_city": {}, "match_by_name": [], "no_match": True}
    for sent in ({}, {"term": "eeeeeeeee"}):
        assert nothing == (await site.call("POST", "/api/v1/schools/search", bearer=False, data=sent)).body
    here = {"latitude": "44.83", "longitude": "-0.57"}
    assert 200 == (await site.call("POST", "/api/v1/schools/nearby", bearer=False, data=here)).status
