"""``passerelle mock`` as a process: it says where it listens, prints what it receives, and touches no real gateway."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.cli.mock import ended_by
from gateway.mock.core import StoppedPartError
from gateway.protocol.paris_time import paris_midnight
from schemas.evolution.process import TREE
from schemas.texts import LANGUAGES, Language
from tests.mock.mock_harness import offer
from tests.schemas.evolution.waiting import FIELD, RELEASE, waiting_tree

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-c", "from gateway.cli import main; main()", "mock")
HEAD_LINES = 3
DEADLINE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Running:
    """The process, its first lines, and a client."""

    process: asyncio.subprocess.Process
    head: list[str]
    url: str
    session: aiohttp.ClientSession

    async def ask(self, client: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": "essai"}
        async with self.session.post(f"{self.url}/oauth/token", data=form) as response:
            token = (await response.json())["access_token"]
        assert "POST /oauth/token  200" == await self.line()
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        async with self.session.request(method, self.url + path, headers=headers, **more) as response:
            return response.status, await response.json(content_type=None)

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            return (await self.process.stdout.readline()).decode().rstrip()


async def started(*options: str, root: str = ".", **environment: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    environ = {**os.environ, "COLUMNS": "200", **environment}
    return await asyncio.create_subprocess_exec(*COMMAND, *options, stdout=pipe, stderr=pipe, env=environ, cwd=root)


async def refused(*options: str, **environment: str) -> tuple[int | None, str]:
    """The exit code and the message of a mock that does not start."""
    process = await started(*options, "--lang", "en", **environment)
    async with asyncio.timeout(DEADLINE_SECONDS):
        _, error = await process.communicate()
    return process.returncode, error.decode()


@asynccontextmanager
async def running(*options: str, root: str = ".", **environment: str) -> AsyncIterator[Running]:
    process = await started("--port", "0", *options, root=root, **environment)
    try:
        async with aiohttp.ClientSession() as session:
            made = Running(process, [], "", session)
            head = [await made.line() for _ in range(HEAD_LINES)]
            url = re.search(r"http://[0-9.]+:[0-9]+", head[0])
            assert url is not None, head
            yield Running(process, head, url[0], session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_keeps_a_gateway_up_and_prints_what_it_receives() -> None:
    async with running("--lang", "en") as it:
        assert it.head[0].startswith("A mock of the gateway answers at http://127.0.0.1:")
        assert (202, "pending") == _verdict(await it.ask("bretagne", "PUT", "/v1/offers/bretagne:1", json=offer(1)))
        assert "PUT /v1/offers/bretagne:1  202  accepted" == await it.line()
        assert 202 == (await it.ask("bretagne", "PUT", "/v1/offers/bretagne:1", json=offer(1)))[0]
        assert "PUT /v1/offers/bretagne:1  202  duplicate" == await it.line()
        assert 404 == (await it.ask("bretagne", "GET", "/v1/offer"))[0]
        assert (await it.line()).startswith("GET /v1/offer  404  ")


@pytest.mark.parametrize(
    ("console", "text"), [("en", "is not an allowed value"), ("fr", "n’est pas une valeur permise")], ids=["en", "fr"]
)
async def test_the_console_speaks_its_language_whatever_the_partner_asks_for(console: str, text: str) -> None:
    async with running("--lang", console) as it:
        for language in ("fr", "en"):
            sent = {"json": offer(2, sector="x"), "headers": {"Accept-Language": language}}
            assert 422 == (await it.ask("bretagne", "PUT", "/v1/offers/bretagne:2", **sent))[0]
            line = await it.line()
            assert text in line
            assert "(/sector)" in line


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_part_that_stops_is_reported_with_a_remedy(lang: Language) -> None:
    error = ended_by(StoppedPartError("RuntimeError: the relay stops"), "127.0.0.1:8090", lang)
    assert "RuntimeError: the relay stops" in str(error)
    assert "TMPDIR" in error.step
    assert lang == error.language


def _verdict(answer: tuple[int, Any]) -> tuple[int, Any]:
    return answer[0], answer[1]["verdict"]


async def test_a_scenario_and_a_day_come_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"fault": "busy", "on": "GET /v1/platforms"}]')
    async with running("--faults", str(file), "--clock", "2027-03-01") as it:
        assert 429 == (await it.ask("grand-est", "GET", "/v1/platforms"))[0]
        assert (await it.line()).startswith("GET /v1/platforms  429  panne busy: ")
        sent = {**offer(1), "expires_on": "2027-02-28"}
        status, problem = await it.ask("bretagne", "PUT", "/v1/offers/bretagne:1", json=sent)
        assert (422, True) == (status, "2027-03-01" in str(problem))


@pytest.mark.parametrize(
    ("options", "environment", "text"),
    [
        ((), {"PASSERELLE_DATA": "/tmp/x"}, "PASSERELLE_DATA names a real gateway"),
        ((), {"PASSERELLE_KAFKA": "127.0.0.1:9092"}, "PASSERELLE_KAFKA names a real gateway"),
        (("--address", "0.0.0.0"), {}, "this machine only, not on 0.0.0.0"),
        (("--clock", "soon"), {}, "soon is no day"),
        (("--clock", "2999-01-01"), {}, "until the last mandatory week"),
        (("--clock", "2028-07-15"), {}, "until the last mandatory week"),
        (("--clock", "2023-08-31"), {}, "from 2023-09-01"),
        (("--faults", "pyproject.toml"), {}, "pyproject.toml is no scenario"),
    ],
)
async def test_it_refuses_to_start_with_a_remedy(
    options: tuple[str, ...], environment: dict[str, str], text: str
) -> None:
    code, error = await refused(*options, **environment)
    assert 2 == code, error
    assert text in error
    assert "→" in error or "Next" in error


async def test_it_reports_a_port_that_is_taken() -> None:
    async with running() as it:
        port = it.url.rpartition(":")[2]
        code, error = await refused("--port", port)
        assert 2 == code
        assert f"127.0.0.1:{port}" in error
        assert "--port" in error
        assert "PASSERELLE" not in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["sigint", "sigterm"])
async def test_it_ends_in_order(number: signal.Signals) -> None:
    async with running("--lang", "en") as it:
        it.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (line := await it.line()) != "Stopped.":
                assert line
            assert 0 == await it.process.wait()


async def test_it_starts_without_the_pages_the_connector_and_kafka() -> None:
    """They would take half of the processor time of its start."""
    look = (
        "import sys, gateway.cli.mock; "
        "print([name for name in ('gateway.pages.site', 'adapters.national.connector', 'adapters.pull', 'aiokafka') "
        "if name in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", look, stdout=asyncio.subprocess.PIPE)
    assert b"[]\n" == (await process.communicate())[0]


async def test_a_vendor_plays_the_day_of_a_release(tmp_path: Path) -> None:
    """OFR-050: the eve, and the day."""
    tree, answers = waiting_tree(tmp_path), []
    for day in ("2027-02-28", "2027-03-01"):
        options = ("--activated", f"{RELEASE}=2027-03-01", "--clock", day)
        async with running(*options, root=tree, PYTHONPATH=str(TREE)) as mock:
            document = {**offer(1, clock=partial(paris_midnight, date.fromisoformat(day))), FIELD: True}
            status, body = await mock.ask("bretagne", "PUT", "/v1/offers/bretagne:1", json=document)
            async with mock.session.get(f"{mock.url}/.well-known/passerelle") as response:
                days = (await response.json())["activations"]
            refused = "field-not-begun" in [one["code"] for one in body.get("problems", ())]
            answers.append((status, refused, days))
    found = {RELEASE: "2027-03-01"}
    assert [(422, True, found), (202, False, found)] == answers
