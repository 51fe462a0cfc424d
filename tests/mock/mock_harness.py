"""A mock in the test's own process, and a client of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import aiohttp
import orjson

from gateway.clock import Clock, now
from gateway.mock.faults import FaultScenario, read_scenario
from gateway.mock.mock import mocking
from gateway.mock.seeds import document_of
from gateway.protocol.paris_time import paris_date

JSON = "application/json"


def day_of(clock: Clock) -> date:
    return date.fromisoformat(paris_date(clock()))


def offer(number: int, *, clock: Clock = now, **more: Any) -> dict[str, Any]:
    return {**document_of(f"bretagne:{number}", day_of(clock)), **more}


class MockClient:
    """A client with any account: its token is taken on first use. ``lines`` are the lines that the mock printed."""

    def __init__(self, url: str, session: aiohttp.ClientSession, lines: list[tuple[str, int, dict[str, int]]]) -> None:
        self.url = url
        self.session = session
        self.lines = lines
        self._tokens: dict[str, str] = {}

    async def token(self, platform: str, secret: str = "any") -> dict[str, Any]:
        form = {"grant_type": "client_credentials", "client_id": platform, "client_secret": secret}
        async with self.session.post(f"{self.url}/oauth/token", data=form) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def ask(
        self,
        method: str,
        target: str,
        document: Any = None,
        *,
        platform: str = "bretagne",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        if platform not in self._tokens:
            self._tokens[platform] = (await self.token(platform))["access_token"]
        given = {"Authorization": f"Bearer {self._tokens[platform]}", **(headers or {})}
        body = None if document is None else orjson.dumps(document)
        if body is not None:
            given = {"Content-Type": JSON, **given}
        async with self.session.request(method, self.url + target, data=body, headers=given) as response:
            return response.status, response.headers, orjson.loads(await response.read() or b"{}")

    async def put(self, number: int, *, fault: str = "", **more: Any) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        """Publish an offer and wait for its decision."""
        headers = {"Prefer": "wait=5", **({"Passerelle-Mock-Fault": fault} if fault else {})}
        return await self.ask("PUT", f"/v1/offers/bretagne:{number}", offer(number, **more), headers=headers)


@asynccontextmanager
async def mocked(
    *, clock: Clock = now, scenario: Sequence[Mapping[str, Any]] = (), pause: float = 5.0
) -> AsyncIterator[MockClient]:
    lines: list[tuple[str, int, dict[str, int]]] = []
    async with (
        mocking(
            host="127.0.0.1",
            port=0,
            line=lambda asked, answered, verdicts, _fault: lines.append(
                (asked.target, answered.status, dict(verdicts))
            ),
            scenario=FaultScenario(read_scenario(list(scenario))),
            clock=clock,
            pause=pause,
        ) as url,
        aiohttp.ClientSession() as session,
    ):
        yield MockClient(url, session, lines)
