"""Accounts and their tokens over real HTTP: renewed early, replaced once, and refused with a next step."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.national.site.answer import RightMissing, outcome_of
from adapters.national.site.client import HttpSite
from adapters.national.site.site import LoginRefusedError, SiteUnavailableError
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator
from tests.national.site.harness import EMAIL, NAME, OLD_TOKEN, PASSWORD, offer_of, ready
from tests.national.site.server import SteppedTime, account_at, connect, serving

HOUR = 3600.0


async def test_a_token_is_renewed_before_it_expires(
    site: HttpSite, simulator: NationalSimulator, time: SteppedTime
) -> None:
    await site.index(1)
    await time.sleep(22 * HOUR)
    await site.index(1)
    assert 1 == simulator.answered["POST", 200]
    await time.sleep(1 * HOUR)
    await site.index(1)
    assert 2 == simulator.answered["POST", 200]
    assert 0 == simulator.answered["GET", 401]


@pytest.fixture
async def hasty(time: SteppedTime) -> AsyncIterator[tuple[NationalSimulator, SteppedTime]]:
    """A site with its own clock: its tokens expire early."""
    its_time = SteppedTime(time.now)
    async with NationalSimulator(clock=its_time.clock) as simulator:
        simulator.add_operator(EMAIL, PASSWORD)
        yield simulator, its_time


async def test_a_token_that_is_refused_is_replaced_once(
    hasty: tuple[NationalSimulator, SteppedTime], time: SteppedTime
) -> None:
    simulator, its_time = hasty
    async with connect(account_at(simulator.url), time) as site:
        await site.index(1)
        await its_time.sleep(25 * HOUR)
        assert 200 == (await site.index(1)).status
    assert 1 == simulator.answered["GET", 401]
    assert 2 == simulator.answered["POST", 200]


async def test_one_login_serves_all_whose_token_was_refused(
    hasty: tuple[NationalSimulator, SteppedTime], time: SteppedTime
) -> None:
    simulator, its_time = hasty
    async with connect(account_at(simulator.url), time) as site:
        await site.index(1)
        await its_time.sleep(25 * HOUR)
        answers = await asyncio.gather(site.index(1), site.index(1), site.index(1))
    assert [200, 200, 200] == [answer.status for answer in answers]
    assert 3 == simulator.answered["GET", 401]
    assert 2 == simulator.answered["POST", 200]


async def test_a_token_that_is_refused_again_is_an_error_with_a_next_step(time: SteppedTime) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"code": "UNAUTHORIZED", "error": "wrong api token"}, status=401)

    async with serving(refuse) as url, connect(account_at(url), time) as site:
        with pytest.raises(LoginRefusedError, match="gives the account gateway a token") as caught:
            await site.index(1)
    assert "support" in (caught.value.step or "")


async def test_a_refused_login_names_the_account_and_what_to_do(
    simulator: NationalSimulator, operator: Operator, time: SteppedTime
) -> None:
    assert EMAIL == operator.email
    async with connect(account_at(simulator.url, password="an old one"), time) as site:
        with pytest.raises(LoginRefusedError, match="the account gateway") as caught:
            await site.index(1)
    assert "pre-production" in (caught.value.step or "")


async def test_a_refused_old_token_names_the_old_interface(
    simulator: NationalSimulator, operator: Operator, time: SteppedTime
) -> None:
    assert OLD_TOKEN == operator.v1_token
    one_week = ready(offer_of(weeks=["2027-W24"]), one_week=True)
    async with connect(account_at(simulator.url, v1_token="another"), time) as site:
        with pytest.raises(LoginRefusedError, match="old interface"):
            await site.create(one_week.named(NAME))


@pytest.mark.parametrize("answer", [{"status": 503}, {"status": 200}])
async def test_a_site_whose_login_fails_is_unavailable(answer: dict[str, int], time: SteppedTime) -> None:
    async def answer_login(_request: web.Request) -> web.Response:
        return web.json_response({}, status=answer["status"])

    app = web.Application()
    app.add_routes([web.post("/api/v2/auth/login", answer_login)])
    async with TestServer(app) as server, connect(account_at(str(server.make_url("")).rstrip("/")), time) as site:
        with pytest.raises(SiteUnavailableError, match=f"login was answered by status {answer['status']}"):
            await site.index(1)


@pytest.mark.parametrize(
    "url",
    [
        "http://site.example.fr",
        "https://site.example.fr/api/v2",
        "https://user:secret@site.example.fr",
        "ftp://127.0.0.1",
        "127.0.0.1",
        "",
    ],
)
def test_an_account_has_the_origin_of_an_encrypted_site(url: str) -> None:
    with pytest.raises(ValueError, match=r"origin|URL"):
        account_at(url)


def test_the_simulator_on_this_machine_needs_no_encryption() -> None:
    for url in ("https://site.example.fr", "https://site.example.fr/", "http://127.0.0.1:80", "http://localhost:8090"):
        assert url == account_at(url).url


async def test_search_without_the_right_says_so(simulator: NationalSimulator, time: SteppedTime) -> None:
    simulator.add_operator(EMAIL, PASSWORD)
    async with connect(account_at(simulator.url), time) as site:
        assert RightMissing() == outcome_of(await site.search(1))
        assert 200 == (await site.index(1)).status
    assert 1 == simulator.answered["POST", 200]


async def test_a_login_during_maintenance_reports_the_maintenance(
    simulator: NationalSimulator, operator: Operator, time: SteppedTime
) -> None:
    simulator.stock.unknown.maintenance = "all"
    async with connect(account_at(simulator.url), time) as site:
        with pytest.raises(SiteUnavailableError, match="redirect") as caught:
            await site.index(1)
    assert "maintenance" in (caught.value.step or "")
    assert EMAIL == operator.email


async def test_too_many_logins_of_one_address_are_an_outage_that_says_so(
    simulator: NationalSimulator, operator: Operator, time: SteppedTime
) -> None:
    simulator.stock.unknown.logins = 0
    async with connect(account_at(simulator.url), time) as site:
        with pytest.raises(SiteUnavailableError, match="too many logins") as caught:
            await site.index(1)
        assert "address" in (caught.value.step or "")
        simulator.stock.unknown.logins = 100
        assert 200 == (await site.index(1)).status
    assert EMAIL == operator.email


async def test_a_user_that_the_site_deleted_cannot_log_in_again(
    simulator: NationalSimulator, operator: Operator, time: SteppedTime
) -> None:
    async with connect(account_at(simulator.url), time) as site:
        assert 200 == (await site.index(1)).status
        operator.gone = True
        with pytest.raises(LoginRefusedError, match="the account gateway"):
            await site.index(1)
