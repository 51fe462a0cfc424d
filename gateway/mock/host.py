"""A host: a core behind a front, and what answers between them. The base of the mock, and of the kit's roles."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing

from aiohttp import hdrs

import schemas
from gateway.api.context import Limits
from gateway.api.problem import ProblemError
from gateway.api.query import ReaderQuery, read_changes_query
from gateway.clock import Clock, now
from gateway.errors import TokenError
from gateway.mock.core import Core, core
from gateway.mock.decisions import Decisions
from gateway.mock.front import (
    CLOSED,
    READING,
    Answering,
    Front,
    ReceivedRequest,
    SentAnswer,
    forwarding,
    fronted,
    refusal,
    retry_after,
)
from gateway.partners.revocation import Claims
from gateway.protocol.partner import Partner
from gateway.protocol.topic import OFFERS, RECEIPTS
from gateway.runtime.listening import bind, format_endpoint, reason
from schemas.bilingual import Bilingual, system_reason

_MAX_PAGE = 1_000
_SECONDS = 10.0


class ListenError(Exception):
    """The host cannot listen; ``reason`` says why."""

    def __init__(self, reason: Bilingual) -> None:
        super().__init__(reason)
        self.reason = reason


class Host(Decisions):
    """Answers as its core does. ``core``, ``front`` and ``forwarded``, the core's answer, are set by ``hosted``."""

    core: Core
    front: Front
    forwarded: Answering

    async def answer(self, received: ReceivedRequest) -> SentAnswer:
        """The answer to a request."""
        return await self.forward(received)

    async def forward(self, received: ReceivedRequest) -> SentAnswer:
        """The core's answer, once what the request submits is decided and can be read."""
        answered = await self.forwarded(received)
        if received.method not in READING:
            await self.settle(received.id)
            federation = self.core.federation
            await federation.offers.reached(await federation.log.ends(OFFERS), _SECONDS)
            await federation.receipts.reached(await federation.log.ends(RECEIPTS), _SECONDS)
        return answered

    async def fault(self, fault: str, received: ReceivedRequest, *, seconds: float) -> SentAnswer | None:
        """The answer of a fault that takes the place of the core's; None of another fault. ``seconds`` is the
        Retry-After.
        """
        match fault:
            case "unavailable":
                code = "view-behind" if received.method in READING else "outcome-unknown"
                return refusal(received, code, headers=retry_after(seconds))
            case "busy":
                limit = Limits().requests_per_minute
                return refusal(received, "rate-limited", headers=retry_after(seconds), expected=limit)
            case "resync":
                return refusal(received, "resync-required")
            case "lost":
                return CLOSED
            case "expired-token":
                self.core.tokens.end()
                return await self.forwarded(received)
        return None

    def seen(self, received: ReceivedRequest, answered: SentAnswer, milliseconds: int) -> None:
        """See a request with its answer, before it is sent; refusals of the front too."""

    async def claims(self, received: ReceivedRequest) -> Claims | None:
        """The claims of the request's token; None without one that holds."""
        kind, _, token = received.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        try:
            return await self.core.tokens.verify(token.strip()) if kind.lower() == "bearer" else None
        except TokenError:
            return None

    def changes_query(self, received: ReceivedRequest, platform: str) -> ReaderQuery | SentAnswer:
        """The query of a request of the changes feed, or its refusal."""
        partner = self.core.federation.partners.get(platform)
        if partner is None:
            return refusal(received, "token-invalid")
        try:
            return read_changes_query(received.url.query, partner, most=_MAX_PAGE)
        except ProblemError as error:
            return refusal(received, error)


@asynccontextmanager
async def hosted(
    host: Host,
    address: str,
    port: int,
    *,
    partners: Iterable[Partner],
    clients: Mapping[str, str] | None = None,
    clock: Clock = now,
    open_to_all: bool = False,
    activations: schemas.Activations = schemas.NOT_ACTIVATED,
) -> AsyncIterator[str]:
    """Serve a host at an address (port 0: any free one), with these partners; yields its URL. ``clients``: the platform
    of each client id that is not the platform's slug; ``activations``: the days that an operator would have set. Raises
    ListenError.
    """
    async with AsyncExitStack() as stack:
        try:
            listening = stack.enter_context(closing(bind(address, port)))
        except OSError as error:
            raise ListenError(Bilingual(reason(error), system_reason(error).fr)) from error
        url = f"http://{format_endpoint(address, listening.getsockname()[1])}"
        running = core(
            url=url,
            partners=partners,
            clients=clients or {},
            clock=clock,
            watch=host,
            open_to_all=open_to_all,
            activations=activations,
        )
        host.core = await stack.enter_async_context(running)
        host.forwarded = await stack.enter_async_context(forwarding(host.core.url))
        host.front = Front(host.answer, seen=host.seen)
        await fronted(stack, host.front, listening)
        yield url
