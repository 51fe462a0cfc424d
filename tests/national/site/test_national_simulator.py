"""The simulated site as a server: its own behaviour, and its start by hand."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo.national_site.fault import CallFault
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator
from tests.national.site.harness import EMAIL, NOW, OLD_TOKEN, PASSWORD, made_there, offer_of, ready, row_of
from tests.national.site.server import SteppedTime

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
OFFERS = "/api/v2/internship_offers"
OLD = "/api/v1/internship_offers"
LOGIN = "/api/v2/auth/login"


@pytest.fixture
async def session(simulator: NationalSimulator, operator: Operator) -> AsyncIterator[aiohttp.ClientSession]:
    assert EMAIL == operator.email
    async with aiohttp.ClientSession(simulator.url) as session:
        yield session


async def bearer(session: aiohttp.ClientSession) -> dict[str, str]:
    async with session.post(LOGIN, json={"email": EMAIL, "password": PASSWORD}) as response:
        return {"Authorization": f"Bearer {(await response.json())['token']}"}


async def status_of(session: aiohttp.ClientSession, method: str, path: str, **request: Any) -> int:
    async with session.request(method, path, **request) as response:
        return response.status


@pytest.mark.parametrize("sent", [{"email": EMAIL, "password": "wrong"}, {}, [], "text"])
async def test_a_failed_login_has_an_error_and_no_code(sent: Any, session: aiohttp.ClientSession) -> None:
    async with session.post(LOGIN, json=sent) as response:
        assert (401, {"error": "Invalid email or password"}) == (response.status, await response.json())


async def test_a_token_expires_after_a_day(session: aiohttp.ClientSession, time: SteppedTime) -> None:
    headers = await bearer(session)
    time.now += 24 * 3_600_000 - 1000
    assert 200 == await status_of(session, "GET", OFFERS, headers=headers)
    time.now += 1000
    assert 401 == await status_of(session, "GET", OFFERS, headers=headers)


async def test_services_are_counted_apart(session: aiohttp.ClientSession, simulator: NationalSimulator) -> None:
    headers = await bearer(session)
    simulator.counted[EMAIL, "offers", NOW // 60_000] = 100
    assert 429 == await status_of(session, "GET", OFFERS, headers=headers)
    assert 200 == await status_of(session, "GET", "/api/v2/sectors", headers=headers)


async def test_the_minute_of_the_rate_is_the_clocks(
    session: aiohttp.ClientSession, simulator: NationalSimulator, time: SteppedTime
) -> None:
    headers = await bearer(session)
    time.now = NOW // 60_000 * 60_000 + 59_999
    simulator.counted[EMAIL, "offers", NOW // 60_000] = 100
    assert 429 == await status_of(session, "GET", OFFERS, headers=headers)
    time.now += 1
    assert 200 == await status_of(session, "GET", OFFERS, headers=headers)


async def test_the_old_interface_takes_two_weeks_without_period_and_for_any_other_period(
    session: aiohttp.ClientSession, simulator: NationalSimulator
) -> None:
    headers = {"Authorization": f"Bearer {OLD_TOKEN}"}
    offer = {**ready(offer_of(weeks=["2027-W24"]), one_week=True).named("a"), "period": 3, "grades": ["troisieme"]}
    assert 201 == await status_of(session, "POST", OLD, headers=headers, json={"internship_offer": offer})
    assert 400 == await status_of(session, "PATCH", f"{OLD}/a", headers=headers, json={"internship_offer": offer})
    del offer["period"]
    offer["remote_id"] = "b"
    assert 201 == await status_of(session, "POST", OLD, headers=headers, json={"internship_offer": offer})
    for name in ("a", "b"):
        row = row_of(simulator, name)
        assert (("2027-W24", "2027-W25"), ("seconde",)) == (row.weeks, row.grades)


async def test_an_offer_without_any_real_week_breaks_the_site(
    session: aiohttp.ClientSession, simulator: NationalSimulator
) -> None:
    college = ready(offer_of(levels=["troisieme"], weeks=["2027-W10"], stay_weeks=1)).named("a")
    body = {"internship_offer": {**college, "weeks": ["2027-W60"]}}
    assert 500 == await status_of(session, "POST", OFFERS, headers=await bearer(session), json=body)
    assert [] == simulator.stock.rows


async def test_a_refused_patch_changes_nothing(session: aiohttp.ClientSession, simulator: NationalSimulator) -> None:
    headers = await bearer(session)
    offer = ready(offer_of()).named("a")
    assert 201 == await status_of(session, "POST", OFFERS, headers=headers, json={"internship_offer": offer})
    worse = {"internship_offer": {**offer, "title": "Autre", "description": "a" * 1501}}
    assert 400 == await status_of(session, "PATCH", f"{OFFERS}/a", headers=headers, json=worse)
    row = row_of(simulator, "a")
    assert offer["title"] == row.title


async def test_unpublishing_and_republishing(session: aiohttp.ClientSession, simulator: NationalSimulator) -> None:
    headers = await bearer(session)
    offer = ready(offer_of()).named("a")
    assert 201 == await status_of(session, "POST", OFFERS, headers=headers, json={"internship_offer": offer})
    for published_at, live in ((None, 0), ("2026-11-20T10:00:00+01:00", 1)):
        body = {"internship_offer": {**offer, "published_at": published_at}}
        assert 200 == await status_of(session, "PATCH", f"{OFFERS}/a", headers=headers, json=body)
        assert live == len(simulator.stock.live())


async def test_offers_of_an_account_without_open_data_are_not_found_by_others(
    session: aiohttp.ClientSession, simulator: NationalSimulator, operator: Operator
) -> None:
    headers = await bearer(session)
    operator.open_data = False
    offer = {"internship_offer": ready(offer_of()).named("a")}
    assert 201 == await status_of(session, "POST", OFFERS, headers=headers, json=offer)
    simulator.publish_on_site(**made_there())
    async with session.get(f"{OFFERS}/search", headers=headers) as response:
        found = await response.json()
    assert [None] == [item["remote_id"] for item in found["internshipOffers"]]
    operator.departments = frozenset({"35"})
    async with session.get(f"{OFFERS}/search", headers=headers) as response:
        assert [] == (await response.json())["internshipOffers"]


async def test_faults_occur_as_often_as_configured(
    session: aiohttp.ClientSession, simulator: NationalSimulator
) -> None:
    headers = await bearer(session)
    simulator.faults.order(CallFault("status", "GET", status=502, times=2))
    simulator.faults.order(CallFault("status", "DELETE"))
    statuses = [await status_of(session, "GET", OFFERS, headers=headers) for _ in range(3)]
    assert [502, 502, 200] == statuses
    simulator.faults.clear()
    assert 404 == await status_of(session, "DELETE", f"{OFFERS}/a", headers=headers)
    assert (2, 1) == (simulator.answered["GET", 502], simulator.answered["GET", 200])


async def test_its_page_shows_the_visible_offers_and_runs_no_script(
    session: aiohttp.ClientSession, simulator: NationalSimulator
) -> None:
    simulator.publish_on_site(**made_there(title="<script>alert(1)</script>"))
    simulator.discard(simulator.publish_on_site(**made_there(title="Supprimée")))
    simulator.hide(simulator.publish_on_site(**made_there(title="Masquée")))
    async with session.get("/") as response:
        page = await response.text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page
    assert "Supprimée" not in page
    assert "Masquée" not in page
    assert "Offres visibles : 1 ; en tout : 3." in page


async def test_it_starts_by_hand_and_says_how_to_use_it() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "demo.national_site.simulator",
        "--port",
        "0",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        url, email, password, _token = line.split()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        async with (
            aiohttp.ClientSession(url) as session,
            session.post(LOGIN, json={"email": email, "password": password}) as response,
        ):
            assert 200 == response.status
    finally:
        process.terminate()
        await process.communicate()
