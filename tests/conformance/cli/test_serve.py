"""``serve`` as a process: it says where it listens, answers as a gateway, and prints what it received."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.conformance.standin.request_generator import offer

pytestmark = pytest.mark.slow

COMMAND = "import sys; from conformance.cli.app import main; sys.argv[0] = 'kit'; main()"
HEAD_LINES = 4
DEADLINE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Served:
    """The process, its first lines, and a client with a token of each account."""

    process: asyncio.subprocess.Process
    head: list[str]
    url: str
    secret: str
    session: aiohttp.ClientSession

    async def ask(self, client: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": self.secret}
        async with self.session.post(f"{self.url}/oauth/token", data=form) as response:
            token = (await response.json())["access_token"]
        assert "POST /oauth/token  200" == await self.line()
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.request(method, self.url + path, headers=headers, **more) as response:
            return response.status, await response.json(content_type=None)

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            return (await self.process.stdout.readline()).decode().rstrip()


@asynccontextmanager
async def served(*options: str) -> AsyncIterator[Served]:
    environment = {**os.environ, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, "serve", "--port", "0", *options, stdout=asyncio.subprocess.PIPE, env=environment
    )
    try:
        async with aiohttp.ClientSession() as session:
            made = Served(process, [], "", "", session)
            head = [await made.line() for _ in range(HEAD_LINES)]
            url, secret = re.search(r"http://[0-9.]+:[0-9]+", head[0]), re.search(r"client_secret (\S+)$", head[1])
            assert url is not None, head
            assert secret is not None, head
            yield Served(process, head, url[0], secret[1], session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_keeps_a_gateway_up_and_prints_what_it_receives() -> None:
    async with served("--lang", "en", "--secret", "essai") as it:
        assert it.head[0].startswith("The kit's gateway answers at http://127.0.0.1:")
        assert "essai" == it.secret
        assert (202, "pending") == _verdict(await it.ask("bretagne", "PUT", "/v1/offers/bretagne:1", json=offer("1")))
        assert "PUT /v1/offers/bretagne:1  202  accepted" == await it.line()
        assert 202 == (await it.ask("bretagne", "PUT", "/v1/offers/bretagne:1", json=offer("1")))[0]
        assert "PUT /v1/offers/bretagne:1  202  duplicate" == await it.line()
        wrong = offer("2", sector="x")
        assert 422 == (await it.ask("bretagne", "PUT", "/v1/offers/bretagne:2", json=wrong))[0]
        line = await it.line()
        assert line.startswith("PUT /v1/offers/bretagne:2  422  refused: ")
        assert line.endswith("(/sector)")
        assert 404 == (await it.ask("bretagne", "GET", "/v1/offer"))[0]
        assert (await it.line()).startswith("GET /v1/offer  404  ")


def _verdict(answer: tuple[int, Any]) -> tuple[int, Any]:
    return answer[0], answer[1]["verdict"]


async def test_a_subscriber_reads_pages_and_then_changes_for_every_reason() -> None:
    async with served() as it:
        assert it.head[2].startswith("abonné : client_id grand-est")
        status, page = await it.ask("grand-est", "GET", "/v1/changes")
        assert (200, 100, True) == (status, len(page["changes"]), page["more"])
        await it.line()
        seen: list[str] = []
        while len(seen) < 10 and not {"filled", "cancelled", "expired", "absent", "moderated", "out-of-scope"} <= set(
            seen
        ):
            status, page = await it.ask("grand-est", "GET", f"/v1/changes?cursor={page['cursor']}&limit=1000")
            assert 200 == status
            seen += [change.get("reason", "upsert") for change in page["changes"][-1:]]
            await it.line()
        assert ["upsert", "upsert", "filled", "cancelled", "expired", "absent", "moderated", "out-of-scope"] == seen


async def test_it_reports_a_port_that_is_taken() -> None:
    async with served() as it:
        port = it.url.rpartition(":")[2]
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", COMMAND, "serve", "--port", port, stderr=asyncio.subprocess.PIPE
        )
        _, error = await other.communicate()
        assert 3 == other.returncode
        assert f"127.0.0.1:{port}" in error.decode()
        assert "--port" in error.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["sigint", "sigterm"])
async def test_it_ends_in_order(number: signal.Signals) -> None:
    async with served("--lang", "en") as it:
        it.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (line := await it.line()) != "Stopped.":
                assert line  # from before
            assert 0 == await it.process.wait()
