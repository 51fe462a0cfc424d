"""The mock as ``passerelle mock`` runs it: open to every client, with seeded offers, faults and a list of requests."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

import schemas
from gateway.clock import Clock, now
from gateway.log.tasks import start_tasks
from gateway.mock.accounts import account
from gateway.mock.core import watching
from gateway.mock.faults import HEADER, Fault, FaultError, FaultScenario
from gateway.mock.front import ReceivedRequest, SentAnswer, refusal
from gateway.mock.host import Host, ListenError, hosted
from gateway.mock.requests import PATH, SeenRequests
from gateway.mock.seeds import PLATFORM, Seeds
from gateway.protocol.submission import Publish, Submission, Withdraw
from gateway.runtime.listening import is_loopback
from schemas.bilingual import Bilingual
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "mock")
_CHANGES = "/v1/changes"
_KEY = "Idempotency-Key"
_PORT = re.compile(r":[0-9]*$")
_PAUSE = 5.0
"""Seconds."""

Line: TypeAlias = Callable[[ReceivedRequest, SentAnswer, Mapping[str, int], str], None]
"""Is shown each request with its answer, the number of its submissions by verdict, and its fault, empty without."""


class Mock(Host):
    """Answers requests by the core, but for faults and ``/mock/requests``."""

    def __init__(self, scenario: FaultScenario, line: Line) -> None:
        super().__init__()
        self.requests = SeenRequests()
        self.seeds: Seeds
        self._scenario = scenario
        self._line = line
        self._faults: dict[str, str] = {}
        self._verdicts: dict[str, Counter[str]] = {}
        self._late_until = 0.0

    async def answer(self, received: ReceivedRequest) -> SentAnswer:
        """The answer to a request; none but a refusal to one that a page of another site made by its own name."""
        named = received.headers.get("Host", "")
        if not is_loopback(_PORT.sub("", named).strip("[]")):
            return refusal(
                received,
                "parameter-invalid",
                status=403,
                parameter="Host",
                expected="localhost, 127.0.0.1",
                actual=named,
            )
        self._verdicts[received.id] = Counter()
        if received.url.path == PATH:
            return self.requests.answer() if received.method == "GET" else refusal(received, "method-not-allowed")
        try:
            fault = self._scenario.next(received)
        except FaultError as error:
            return refusal(
                received, "parameter-invalid", parameter=HEADER, expected=error.reason, actual=received.headers[HEADER]
            )
        if fault is None:
            return await self._forward(received)
        self._faults[received.id] = fault.fault
        return await self._play(fault, received)

    def seen(self, received: ReceivedRequest, answered: SentAnswer, milliseconds: int) -> None:
        """Keep and print a request."""
        verdicts, fault = self._verdicts.pop(received.id, Counter()), self._faults.pop(received.id, "")
        self.requests.note(received, answered, milliseconds, fault)
        if received.url.path != PATH:
            self._line(received, answered, verdicts, fault)

    async def deciding(self) -> None:
        """Hold decisions back while they are to be late."""
        await asyncio.sleep(max(0.0, self._late_until - asyncio.get_running_loop().time()))

    def decided_one(self, request: str, submission: Submission, receipt: Mapping[str, Any]) -> None:
        """Count the verdict on a submission of a request that is being answered."""
        if request in self._verdicts and isinstance(submission, Publish | Withdraw):
            self._verdicts[request][receipt["verdict"]] += 1

    async def _forward(self, received: ReceivedRequest) -> SentAnswer:
        late = asyncio.get_running_loop().time() < self._late_until
        answered = await (self.forwarded(received) if late else self.forward(received))
        if received.url.path == _CHANGES and answered.status == 200 and answered.document.get("more") is False:
            self.seeds.read_whole.set()
        return answered

    async def _play(self, fault: Fault, received: ReceivedRequest) -> SentAnswer:
        """The answer of a fault."""
        received = received.with_headers(HEADER)
        if fault.stored:  # the key would be answered from this first time
            await self._forward(received if fault.fault == "lost" else received.with_headers(_KEY))
        if (answer := await self.fault(fault.fault, received, seconds=fault.seconds)) is not None:
            return answer
        match fault.fault:
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "late":
                self._late_until = asyncio.get_running_loop().time() + fault.seconds
            case "duplicate":
                await self._forward(received)
        answered = await self._forward(received)
        return replace(answered, cut=True) if fault.fault == "cut" else answered


@asynccontextmanager
async def mocking(
    *,
    host: str,
    port: int,
    line: Line,
    scenario: FaultScenario,
    clock: Clock = now,
    activations: schemas.Activations = schemas.NOT_ACTIVATED,
    pause: float = _PAUSE,
) -> AsyncIterator[str]:
    """Run a mock whose seeds rest for ``pause`` seconds after a change; yields its URL. Raises ListenError where it
    cannot listen, or for an address of a network.
    """
    if not is_loopback(host):
        raise ListenError(Bilingual(*(_WORDS[language].away.format(host=host) for language in ("en", "fr"))))
    mock = Mock(scenario, line)
    async with (
        hosted(
            mock, host, port, partners=[account(PLATFORM)], clock=clock, open_to_all=True, activations=activations
        ) as url,
        AsyncExitStack() as stack,
    ):
        mock.seeds = Seeds(mock.core.federation)
        await mock.seeds.plant()
        await stack.enter_async_context(watching(start_tasks({"seeds": partial(mock.seeds.run, pause)}, stack)))
        yield url
