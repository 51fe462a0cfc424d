"""The mock as ``passerelle mock`` runs it: open to every client, with seeded offers, faults and a list of requests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from gateway.api.context import Limits
from gateway.bootstrap.serving import listen
from gateway.clock import Clock, now
from gateway.errors import SettingsError
from gateway.mock.accounts import account
from gateway.mock.core import Core, core
from gateway.mock.decisions import Decisions
from gateway.mock.faults import HEADER, Fault, FaultError, FaultScenario
from gateway.mock.front import CLOSED, Answered, Asked, Front, Way, forwarding, fronted, refusal
from gateway.mock.requests import PATH, SeenRequests
from gateway.mock.seeds import PLATFORM, Seeds, ShiftedClock
from gateway.protocol.submission import Publish, Submission, Withdraw
from gateway.runtime.listening import format_endpoint

_CHANGES = "/v1/changes"
_READING = frozenset({"GET", "HEAD"})
_KEY = "Idempotency-Key"

Line = Callable[[Asked, Answered, Mapping[str, int]], None]
"""Is shown each request with its answer and the number of its submissions by verdict."""


class Mock(Decisions):
    """Answers requests by the core, but for faults and ``/mock/requests``."""

    def __init__(self, scenario: FaultScenario, line: Line) -> None:
        super().__init__()
        self.requests = SeenRequests()
        self.core: Core
        self.way: Way
        self.seeds: Seeds
        self._scenario = scenario
        self._line = line
        self._verdicts: dict[str, Counter[str]] = {}
        self._late_until = 0.0

    async def answer(self, asked: Asked) -> Answered:
        """The answer to a request."""
        if asked.url.path == PATH:
            return self.requests.answer() if asked.method == "GET" else refusal(asked, "method-not-allowed")
        try:
            fault = self._scenario.next(asked)
        except FaultError as error:
            return refusal(
                asked, "parameter-invalid", parameter=HEADER, expected=str(error), actual=asked.headers[HEADER]
            )
        return await self._forward(asked) if fault is None else await self._play(fault, asked)

    def seen(self, asked: Asked, answered: Answered, milliseconds: int) -> None:
        """Keep and print a request."""
        self.requests.note(asked, answered, milliseconds)
        if asked.url.path != PATH:
            self._line(asked, answered, self._verdicts.pop(asked.id, {}))

    async def deciding(self) -> None:
        """Hold decisions back while they are to be late."""
        await asyncio.sleep(max(0.0, self._late_until - asyncio.get_running_loop().time()))

    def decided_one(self, request: str, submission: Submission, receipt: Mapping[str, Any]) -> None:
        """Count the verdict on a submission of a request that is being answered."""
        if request and isinstance(submission, Publish | Withdraw):
            self._verdicts.setdefault(request, Counter())[receipt["verdict"]] += 1

    async def _forward(self, asked: Asked) -> Answered:
        answered = await self.way.forward(asked)
        if asyncio.get_running_loop().time() >= self._late_until:
            await self.settle(asked.id)
        if asked.url.path == _CHANGES and answered.status == 200 and answered.document.get("more") is False:
            await self.seeds.move()
        return answered

    async def _play(self, fault: Fault, asked: Asked) -> Answered:
        """The answer of a fault."""
        asked = replace(asked.with_headers(HEADER))
        if fault.stored:  # the key would be answered from this first time
            await self._forward(asked if fault.fault == "lost" else asked.with_headers(_KEY))
        retry = {"Retry-After": str(max(1, round(fault.seconds)))}
        match fault.fault:
            case "unavailable":
                code = "view-behind" if asked.method in _READING else "outcome-unknown"
                return refusal(asked, code, headers=retry)
            case "busy":
                return refusal(asked, "rate-limited", headers=retry, expected=Limits().requests_per_minute)
            case "resync":
                return refusal(asked, "resync-required")
            case "lost":
                return CLOSED
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "late":
                self._late_until = asyncio.get_running_loop().time() + fault.seconds
            case "expired-token":
                self.core.tokens.end()
            case "duplicate":
                await self._forward(asked)
        answered = await self._forward(asked)
        return replace(answered, cut=True) if fault.fault == "cut" else answered


@asynccontextmanager
async def mocking(
    *, host: str, port: int, line: Line, scenario: FaultScenario, clock: Clock = now
) -> AsyncIterator[str]:
    """Run a mock; yields its URL. Raises SettingsError where it cannot listen, or for an address of a network."""
    if not _is_loopback(host):
        raise SettingsError(f"a mock answers on this machine only, not on {host}: it accepts every client and secret")
    async with AsyncExitStack() as stack:
        listening = await listen(stack, host, port, patience=0)
        url = f"http://{format_endpoint(host, listening.getsockname()[1])}"
        mock = Mock(scenario, line)
        at = ShiftedClock(clock)
        mock.core = await stack.enter_async_context(
            core(url=url, partners=[account(PLATFORM)], clock=at, watch=mock, open_to_all=True)
        )
        mock.way = await stack.enter_async_context(forwarding(mock.core.url))
        mock.seeds = Seeds(mock.core.federation, at)
        await mock.seeds.plant()
        await fronted(stack, Front(mock.answer, seen=mock.seen), listening)
        yield url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
