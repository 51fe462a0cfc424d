"""The client of the site over real HTTP: quota, network faults, and secrets that never leave it."""

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from structlog.testing import capture_logs

from adapters.national.site.accounts import Account
from adapters.national.site.answer import AlreadyDeleted, NameTaken, Unrecognized, outcome_of
from adapters.national.site.client import MAX_BYTES, TRIES, HttpSite
from adapters.national.site.site import LoginRefusedError, OutcomeUnknownError, SiteUnavailableError
from adapters.national.site.timing import MINUTE
from demo.national_site.fault import CallFault
from demo.national_site.simulator import NationalSimulator
from tests.log.kafka.certificate import Authority
from tests.national.site.harness import EMAIL, NAME, NOW, OLD_TOKEN, PASSWORD, creation, row_of
from tests.national.site.server import SteppedTime, account_at, connect, serving


async def test_all_five_calls_reach_the_site(site: HttpSite, simulator: NationalSimulator) -> None:
    assert 201 == (await site.create(creation())).status
    assert "Autre titre" == (await site.update(NAME, creation(title="Autre titre"))).body["title"]
    assert 1 == (await site.index(1)).body["pagination"]["totalInternshipOffers"]
    assert 1 == len((await site.search(1, keyword="autre")).body["internshipOffers"])
    assert 0 == len((await site.search(1, keyword="boulangerie")).body["internshipOffers"])
    assert 200 == (await site.delete(NAME)).status
    row = row_of(simulator)
    assert not row.kept
    assert 1 == simulator.answered["POST", 200]  # one login served them all


async def test_pitfall_12_a_call_over_the_rate_waits_for_the_next_clock_minute(
    site: HttpSite, simulator: NationalSimulator, time: SteppedTime
) -> None:
    """429 comes without Retry-After. Another client uses up the account's minute."""
    simulator.counted[EMAIL, "offers", NOW // MINUTE] = 100
    assert 200 == (await site.index(1)).status
    assert 1 == simulator.answered["GET", 429]
    assert NOW // MINUTE + 1 == time.clock() // MINUTE


async def test_a_site_that_never_lets_a_call_in_is_unavailable(account: Account, time: SteppedTime) -> None:
    async with NationalSimulator(clock=time.clock, limit=0) as closed:
        closed.add_operator(EMAIL, PASSWORD)
        async with connect(account_at(closed.url), time) as site:
            with pytest.raises(SiteUnavailableError, match="rate"):
                await site.create(creation())
        assert TRIES == closed.answered["POST", 429]
        assert [] == closed.stock.rows
    assert "gateway" == account.name


async def test_pitfall_13_the_site_counts_at_most_a_hundred_calls_a_minute(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    for number in range(250):
        await site.create(creation(remote_id=f"bretagne:{number}"))
    assert {100, 50} >= set(simulator.counted.values())
    assert 0 == simulator.answered["POST", 429]


async def test_nothing_was_done_at_a_site_that_cannot_be_reached(time: SteppedTime) -> None:
    async with connect(account_at(f"http://127.0.0.1:{unused_port()}"), time) as site:
        with pytest.raises(SiteUnavailableError, match="cannot be reached"):
            await site.create(creation())


@pytest.mark.parametrize("kind", ["hang", "reset"])
async def test_a_write_without_answer_may_have_been_done(
    kind: Any, simulator: NationalSimulator, account: Account, time: SteppedTime
) -> None:
    async with connect(account, time, answer_seconds=2) as site:
        await site.index(1)
        simulator.faults.order(CallFault(kind, "POST", done=True))
        with pytest.raises(OutcomeUnknownError):
            await site.create(creation())
        assert simulator.row(NAME) is not None
        assert NameTaken() == outcome_of(await site.create(creation()))


async def test_a_write_that_was_cut_before_it_was_done_is_unknown_too(
    site: HttpSite, simulator: NationalSimulator
) -> None:
    await site.index(1)
    simulator.faults.order(CallFault("reset", "PATCH"))
    with pytest.raises(OutcomeUnknownError):
        await site.update(NAME, creation())


async def test_a_deletion_without_answer_is_found_done(site: HttpSite, simulator: NationalSimulator) -> None:
    await site.create(creation())
    simulator.faults.order(CallFault("status", "DELETE", status=502, done=True))
    assert Unrecognized(502, "") == outcome_of(await site.delete(NAME))
    assert AlreadyDeleted() == outcome_of(await site.delete(NAME))


async def test_a_read_without_answer_has_changed_nothing(
    simulator: NationalSimulator, account: Account, time: SteppedTime
) -> None:
    async with connect(account, time, answer_seconds=2) as site:
        await site.index(1)
        simulator.faults.order(CallFault("hang", "GET"))
        with pytest.raises(SiteUnavailableError):
            await site.index(1)


async def test_a_page_of_maintenance_with_200_is_no_success(site: HttpSite, simulator: NationalSimulator) -> None:
    simulator.faults.order(CallFault("garbage", "POST"))
    answer = await site.create(creation())
    assert (200, "<html>") == (answer.status, answer.body[:6])
    assert Unrecognized(200, "") == outcome_of(answer)


async def test_redirects_are_not_followed(time: SteppedTime) -> None:
    requested: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        requested.append(request.path)
        return web.Response(status=302, headers={"Location": "/stolen"})

    async with serving(elsewhere) as url, connect(account_at(url), time) as site:
        with pytest.raises(SiteUnavailableError, match="redirect"):
            await site.index(1)
    assert ["/api/v2/internship_offers"] == requested


async def test_an_answer_without_end_is_given_up(time: SteppedTime) -> None:
    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MAX_BYTES // 65_536 + 2):
            await response.write(b" " * 65_536)
        return response

    async with serving(pour) as url, connect(account_at(url), time) as site:
        with pytest.raises(SiteUnavailableError, match="bytes"):
            await site.index(1)
        with pytest.raises(OutcomeUnknownError, match="bytes"):
            await site.create(creation())


async def test_a_certificate_of_an_unknown_authority_is_refused(time: SteppedTime, tmp_path: Path) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({})

    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("site"))
    async with serving(answer, tls=context) as url:
        async with connect(account_at(url), time) as site:
            with pytest.raises(SiteUnavailableError, match="certificate"):
                await site.index(1)
        vouched_for = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=authority.file))
        async with aiohttp.ClientSession(connector=vouched_for) as session, session.get(url) as found:
            assert 200 == found.status


async def test_no_secret_is_logged_or_displayed(
    simulator: NationalSimulator, account: Account, time: SteppedTime
) -> None:
    with capture_logs() as entries:
        async with connect(account, time) as site:
            simulator.counted[EMAIL, "offers", NOW // MINUTE] = 100
            await site.create(creation())
        async with connect(account_at(simulator.url, password="an old one"), time) as refused:
            with pytest.raises(LoginRefusedError) as caught:
                await refused.index(1)
    assert {"national.logged_in", "national.rate_exceeded"} == {entry["event"] for entry in entries}
    text = f"{entries} {caught.value} {caught.value.step} {account!r}"
    for secret in (EMAIL, PASSWORD, "an old one", OLD_TOKEN, "atelier", "eyJ"):
        assert secret not in text


async def test_names_out_of_reach_and_calls_without_their_token_are_mistakes_of_the_caller(
    site: HttpSite, simulator: NationalSimulator, time: SteppedTime
) -> None:
    with pytest.raises(ValueError, match="reach"):
        await site.delete("bretagne:a.b")
    async with connect(account_at(simulator.url), time) as without:
        with pytest.raises(ValueError, match="period"):
            await without.create(creation(period=1))
    with pytest.raises(RuntimeError, match="context manager"):
        await connect(account_at(simulator.url), time).index(1)
