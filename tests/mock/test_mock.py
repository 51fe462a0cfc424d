"""The mock is the true gateway in memory, open to every client of this machine and marked as a mock."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gateway.clock import now
from gateway.mock.accounts import account
from gateway.mock.core import StoppedPartError
from gateway.mock.faults import FaultScenario
from gateway.mock.host import Host, ListenError, hosted
from gateway.mock.mock import mocking
from gateway.mock.seeds import MOVES, NUMBER, PLATFORM, Seeds
from tests.mock.mock_harness import day_of, mocked, offer


async def test_any_client_id_and_secret_get_a_token_to_publish_and_to_read_and_none_to_operate() -> None:
    """SEC-001: without the scope to operate nothing is signed or moderated."""
    async with mocked() as client:
        for platform, secret in (("bretagne", "a"), ("bretagne", "b"), ("chez-nous", "c")):
            answer = await client.token(platform, secret)
            assert "offers:publish offers:read" == answer["scope"]
        assert "invalid_client" == (await client.token("Not a slug"))["error"]
        assert 403 == (await client.ask("POST", "/v1/partners/bretagne/nonces", {"reason": "x"}))[0]


async def test_what_is_published_is_decided_and_read_as_on_a_gateway() -> None:
    """PUB-005, REV-002, FEED-001."""
    async with mocked() as client:
        assert [201, 200] == [(await client.put(1))[0] for _ in range(2)]
        status, _, body = await client.put(1, title="Autre titre")
        assert (409, "rejected") == (status, body["verdict"])
        status, _, body = await client.put(2, sector="x")
        assert (422, "not-in-list") == (status, body["problems"][0]["code"])
        assert 200 == (await client.ask("GET", "/v1/offers/bretagne:1", platform="normandie"))[0]
        assert [{"accepted": 1}, {"duplicate": 1}, {"rejected": 1}] == [line[2] for line in client.lines[1:4]]


async def test_each_answer_says_that_it_comes_from_a_mock() -> None:
    async with mocked() as client:
        answers = [
            await client.ask("GET", "/v1/changes"),
            await client.ask("GET", "/nowhere"),
            await client.ask("GET", "/v1/changes", headers={"Authorization": "Bearer x"}),
            await client.ask("GET", "/mock/requests"),
            await client.ask("GET", "/v1/changes", headers={"Expect": "tea"}),
        ]
        assert [("1", 200), ("1", 404), ("1", 401), ("1", 200), ("1", 417)] == [
            (headers["Passerelle-Mock"], status) for status, headers, _ in answers
        ]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]))
        writer.write(b"GARBAGE\r\n\r\n")
        assert b"\r\nPasserelle-Mock: 1\r\n" in await reader.read()
        writer.close()


async def test_the_port_behind_the_front_says_so_too() -> None:
    async with hosted(host := Host(), "127.0.0.1", 0, partners=[]), aiohttp.ClientSession() as session:
        for path in ("/.well-known/passerelle", "/nowhere"):
            async with session.get(host.core.url + path) as response:
                assert "1" == response.headers["Passerelle-Mock"]


async def test_seeded_offers_change_for_every_reason_while_they_are_read() -> None:
    """CHG-001."""
    async with mocked(pause=0) as client:
        _, _, page = await client.ask("GET", "/v1/changes?territory=all&limit=1000", platform="grand-est")
        assert NUMBER == len(page["changes"])
        assert any("name" not in change["offer"]["employer"] for change in page["changes"])
        seen: list[str] = []
        async with asyncio.timeout(30):
            while not set(MOVES[1:]) <= set(seen):
                target = f"/v1/changes?territory=all&wait=1&cursor={page['cursor']}"
                _, _, page = await client.ask("GET", target, platform="grand-est")
                seen += [change.get("reason", "upsert") for change in page["changes"]]
        assert "upsert" in seen


async def test_a_change_of_a_seed_wakes_a_reader_once() -> None:
    """CHG-001: the next poll waits."""
    async with mocked(pause=600) as client:
        page: dict[str, Any] = {"cursor": "", "changes": [], "more": True}
        while page["more"] or not page["changes"]:
            target = f"/v1/changes?territory=all&limit=1000&cursor={page['cursor']}".removesuffix("&cursor=")
            _, _, page = await client.ask("GET", target, platform="grand-est")
        seen = []
        for _ in range(3):
            target = f"/v1/changes?territory=all&wait=1&cursor={page['cursor']}"
            _, _, page = await client.ask("GET", target, platform="grand-est")
            seen.append(len(page["changes"]))
        assert [1, 0, 0] == seen


class Broken(Host):
    """A host whose relay stops."""

    async def deciding(self) -> None:
        raise RuntimeError("the relay stops")


async def test_it_ends_with_the_error_of_a_part_that_stops() -> None:
    async def run() -> None:
        async with hosted(broken := Broken(), "127.0.0.1", 0, partners=[account(PLATFORM)]):
            await Seeds(broken.core.federation).plant()
            await asyncio.sleep(60)

    with pytest.raises(StoppedPartError, match="the relay stops"):
        await run()


async def test_offers_are_judged_on_the_day_of_the_clock() -> None:
    day = 86_400_000
    later = lambda: now() + 30 * day  # noqa: E731
    async with mocked(clock=later) as client:
        ends = (day_of(later) - timedelta(days=1)).isoformat()
        assert 422 == (await client.put(1, clock=later, expires_on=ends))[0]
    async with mocked() as client:
        assert 201 == (await client.put(1, expires_on=ends))[0]


async def test_the_last_requests_are_listed_without_secrets() -> None:
    async with mocked() as client:
        await client.token("bretagne", "s3cret-of-ours")
        await client.put(1)
        for _ in range(200):
            await client.ask("GET", "/v1/offers/bretagne:1")
        kept = (await client.ask("GET", "/mock/requests"))[2]["requests"]
        assert (200, "/v1/offers/bretagne:1") == (len(kept), kept[0]["target"])
    async with mocked() as client:
        await client.token("bretagne", "s3cret-of-ours")
        await client.put(1)
        kept = (await client.ask("GET", "/mock/requests"))[2]["requests"]
        assert [("POST", 200), ("POST", 200), ("PUT", 201)] == [(one["method"], one["status"]) for one in kept]
        assert "Atelier du Port" in kept[2]["body"]
        assert "s3cret" not in str(kept)
        assert "eyJ" not in str(kept)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "gateway.example"])
async def test_it_answers_on_this_machine_only(host: str) -> None:
    with pytest.raises(ListenError, match="this machine only"):
        async with mocking(host=host, port=0, line=lambda *_: None, scenario=FaultScenario()):
            pass


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8090", 200), ("127.0.0.1", 200), ("[::1]:8090", 200), ("attacker.example:8090", 403), ("[::2]", 403)],
)
async def test_a_request_to_the_name_of_another_site_is_refused(host: str, status: int) -> None:
    """A page of that site, whose name leads to this machine, could read the answers (DNS rebinding)."""
    async with mocked() as client:
        assert status == (await client.ask("GET", "/mock/requests", headers={"Host": host}))[0]


async def test_an_upload_is_answered_as_by_a_gateway() -> None:
    """PUB-010, PUB-020."""
    async with mocked() as client:
        headers = {"Prefer": "wait=5"}
        status, _, body = await client.ask("POST", "/v1/offers/batch", [offer(1), offer(2)], headers=headers)
        assert (200, "aa") == (status, body["statuses"])
        assert {"accepted": 2} == client.lines[-1][2]
