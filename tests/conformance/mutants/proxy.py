"""A reverse proxy before our gateway that is wrong on purpose: one fault, everything else unchanged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import aiohttp
import orjson
from aiohttp import web
from multidict import MultiDict
from yarl import URL

_HOP = {"transfer-encoding", "content-length", "connection", "host", "accept-encoding", "date", "server"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request to the gateway. ``memory`` belongs to the mutant, for one run."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    memory: dict[str, Any] = field(repr=False)

    @property
    def json(self) -> Any:
        """The body's value, None where it is not JSON."""
        return _decoded(self.body)

    @property
    def publishes(self) -> bool:
        """Whether it is the publication of one offer."""
        return self.method == "PUT" and self.path.startswith("/v1/offers/")

    def carrying(self, document: Any) -> "Seen":
        """The same with another JSON body."""
        return replace(self, body=orjson.dumps(document))

    def asking(self, **query: str | None) -> "Seen":
        """The same with some parameters set or, where None, removed."""
        kept = [(name, value) for name, value in self.query.items() if name not in query]
        given = [(name, value) for name, value in query.items() if value is not None]
        return replace(self, query=MultiDict([*kept, *given]))

    def bearing(self, **headers: str | None) -> "Seen":
        """The same with some headers (``_`` for ``-``) set or removed."""
        names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in names}
        return replace(self, headers={**kept, **{name: value for name, value in names.items() if value is not None}})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value, None where it is not JSON."""
        return _decoded(self.body)

    def saying(self, document: Any) -> "Answer":
        """The same with another JSON body."""
        return replace(self, body=orjson.dumps(document))


def json_answer(status: int, document: Any) -> Answer:
    """An answer in JSON that the gateway did not give."""
    return Answer(status, {"Content-Type": "application/json"}, orjson.dumps(document))


Forward: TypeAlias = Callable[[Seen], Awaitable[Answer]]
Fault: TypeAlias = Callable[[Seen, Forward], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong gateway: what is wrong with it, and the case, or the requirement whose cases, must catch it."""

    name: str
    fault: str
    names: str
    answer: Fault
    issues: bool = False
    """Whether it is also a proxy of the address where tokens are issued."""


MUTANTS: dict[str, Mutant] = {}


def wrong(names: str, fault: str, *, issues: bool = False) -> Callable[[Fault], Fault]:
    """Register a wrong gateway under its function's name; ``names`` is a case, or a requirement (FEED-007)."""

    def register(answer: Fault) -> Fault:
        name = answer.__name__.replace("_", "-")
        if name in MUTANTS:
            raise ValueError(f"two wrong gateways with one name: {name}")
        MUTANTS[name] = Mutant(name, fault, names, answer, issues)
        return answer

    return register


async def honest(seen: Seen, forward: Forward) -> Answer:
    """No fault at all."""
    return await forward(seen)


@asynccontextmanager
async def proxied(target: str, answer: Fault, *, issues: bool = False) -> AsyncIterator[str]:
    """The URL of a gateway with this fault; tokens are issued without it, unless it ``issues`` them."""
    memory: dict[str, Any] = {}
    async with aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def forward(seen: Seen) -> Answer:
            url = URL(target + seen.path, encoded=True).with_query(seen.query)
            async with session.request(
                seen.method,
                url,
                headers=seen.headers,
                data=seen.body or None,
                allow_redirects=False,
                skip_auto_headers=("Accept-Encoding",),  # a fault has to read the answer
            ) as response:
                headers = {name: value for name, value in response.headers.items() if name.lower() not in _HOP}
                return Answer(response.status, headers, await response.read())

        async def handle(request: web.BaseRequest) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
            body = await request.read()
            seen = Seen(request.method, request.rel_url.raw_path, MultiDict(request.query), headers, body, memory)
            if seen.path == "/oauth/token" and not issues:
                answered = await forward(seen)
            else:
                _remember(seen)
                answered = await answer(seen, forward)
            return web.Response(status=answered.status, headers=answered.headers, body=answered.body)

        server = web.Server(handle, auto_decompress=False)
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
            await asyncio.sleep(0)


def _remember(seen: Seen) -> None:
    """Remember each platform's token, by the offers that it publishes, for mutants that use another's token."""
    if seen.publishes and "Authorization" in seen.headers:
        platform = seen.path.removeprefix("/v1/offers/").partition(":")[0]
        seen.memory.setdefault(f"token of {platform}", seen.headers["Authorization"])


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
