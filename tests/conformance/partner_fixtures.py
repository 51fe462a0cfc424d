"""Partners under test: a small publisher and a small subscriber, correct by themselves, each wrong in a subclass; and
running cases against them, as the command does.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

from conformance.clock import today
from conformance.model.case import Case, RoleName
from conformance.model.library import cases
from conformance.model.result import Result
from conformance.role.runner import playing, run_cases
from conformance.target.setup import Setup, TargetAccount
from demo.broker import free_ports

_PAUSE = 0.1
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_UNDECIDED = {0, 408, 429, 500, 502, 503, 504}
SECRET = "essai-secret"
ENDPOINT = "/envois"


class Partner:
    """A platform with a test interface. ``gateway`` is where it publishes or reads."""

    slug = "bretagne"
    pushed = False
    """Whether it receives pushes, at ``address``."""
    address = ""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.session = aiohttp.ClientSession()
        self.token = ""
        self.tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.session.close()

    async def renew(self) -> None:
        self.token = (await self.token_answer())["access_token"]

    async def token_answer(self, secret: str = SECRET, *, form: str = "data", **more: str) -> Any:
        """The body of a token request's answer; ``form`` is how the client library is given the parameters."""
        given = {"grant_type": "client_credentials", "client_id": self.slug, "client_secret": secret, **more}
        sent: dict[str, Any] = {form: given}
        async with self.session.post(f"{self.gateway}/oauth/token", **sent) as response:
            return await response.json()

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        """Status, body, and the seconds of Retry-After; status 0 without a complete answer."""
        data = None if body is None else self.encode(body)
        return await self.exchange(method, path, data, {} if body is None else {"Content-Type": "application/json"})

    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        """``send`` with bytes."""
        if not self.token:
            await self.renew()
        url = URL(self.gateway + path, encoded=True)
        try:
            async with self.session.request(
                method, url, data=data, headers={**self.authorization(), **headers}, timeout=_TIMEOUT
            ) as response:
                content = await response.read()
                retry = float(response.headers.get("Retry-After", 0))
                return response.status, orjson.loads(content) if content else None, retry
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError):
            return 0, None, 0.0

    def encode(self, body: Any) -> bytes:
        return orjson.dumps(body)

    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def offers(self) -> dict[str, Any]:
        return {}

    async def receive(self, _headers: Mapping[str, str], _body: bytes) -> int:
        """The status of a push."""
        raise NotImplementedError


class Publisher(Partner):
    """Keeps a queue per offer, sends until the decision, and never decreases a revision."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.revisions: dict[str, int] = {}
        self.titles: dict[str, int] = {}
        self.locks: dict[str, asyncio.Lock] = {}

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        if action == "reset":
            return {}
        offer_id = self.id_of(given["offer"], action)
        if action == "change":
            self.titles[offer_id] = self.titles.get(offer_id, 0) + 1
        self.revisions[offer_id] = self.next_revision(offer_id, action)
        if action == "withdraw":
            self.start(self.withdraw(offer_id, self.revisions[offer_id]))
        else:
            self.start(self.publish(self.document(offer_id, self.revisions[offer_id])))
        return {"id": offer_id}

    def id_of(self, key: str, _action: str) -> str:
        return f"{self.slug}:{key}"

    def next_revision(self, offer_id: str, _action: str) -> int:
        return self.revisions.get(offer_id, 0) + 1

    def document(self, offer_id: str, revision: int) -> dict[str, Any]:
        return {
            "id": offer_id,
            "revision": revision,
            "title": f"Atelier {self.titles.get(offer_id, 0)}",
            "description": "Observer la fabrication d'un meuble.",
            "employer": {"name": "Atelier du Port", "description": "Menuiserie."},
            "location": {"postal_code": "35000", "city": "Rennes"},
            "levels": ["troisieme"],
            "weeks": ["2027-W24"],
            "sector": "s5",
            "apply_url": f"https://stages.example/{offer_id.partition(':')[2]}",
        }

    async def publish(self, document: dict[str, Any]) -> None:
        await self.deliver(document["id"], "PUT", f"/v1/offers/{document['id']}", document)

    async def withdraw(self, offer_id: str, revision: int) -> None:
        await self.deliver(offer_id, "DELETE", f"/v1/offers/{offer_id}?revision={revision}&reason=filled", None)

    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        async with self.locks.setdefault(offer_id, asyncio.Lock()):
            while True:
                status, answer, retry = await self.send(method, path, body)
                if not await self.repeats(status, answer, retry):
                    return

    async def repeats(self, status: int, _answer: Any, retry: float) -> bool:
        """Whether the same is to be sent again, once what the answer asks for is done."""
        if status == 401:
            await self.renew()
        elif status in _UNDECIDED:
            await self.wait(status, retry)
        else:
            return False
        return True

    async def wait(self, _status: int, retry: float) -> None:
        await asyncio.sleep(max(retry, _PAUSE))


class Subscriber(Partner):
    """Keeps offers, the last applied sequence of each (removals too), and its cursor."""

    slug = "grand-est"
    filters: Mapping[str, str] = {}

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.forget()

    def forget(self) -> None:
        self.held: dict[str, Any] = {}
        self.applied: dict[str, int] = {}
        self.cursor: str | None = None

    async def order(self, action: str, _given: dict[str, Any]) -> dict[str, Any]:
        if action == "reset":
            self.forget()
        else:
            await self.sync()
        return {}

    def offers(self) -> dict[str, Any]:
        return self.held

    async def sync(self) -> None:
        """Read to the end of the feed."""
        while await self.read():
            pass

    async def read(self) -> bool:
        """Read the next page; whether there may be more."""
        status, page, retry = await self.send("GET", self.next_page())
        match status:
            case 200:
                return self.take(page)
            case 400:
                raise KeyError(page["code"])
            case 401:
                await asyncio.sleep(_PAUSE)
                await self.renew()
            case 410:
                self.resync()
            case _:
                return await self.fail(retry)
        return True

    def next_page(self) -> str:
        """Path and query of the next page."""
        filters = {**self.filters, **({"cursor": self.cursor} if self.cursor else {})}
        return f"/v1/changes?{urlencode(filters)}" if filters else "/v1/changes"

    async def fail(self, retry: float) -> bool:
        """After a failure: wait for Retry-After, and continue."""
        await asyncio.sleep(max(retry, _PAUSE))
        return True

    def take(self, page: dict[str, Any]) -> bool:
        for change in page["changes"]:
            self.apply(change)
        self.cursor = page["cursor"]
        return bool(page["more"])

    def apply(self, change: dict[str, Any]) -> None:
        if self.is_seen(change):
            return
        self.applied[change["id"]] = change["sequence"]
        if change["op"] == "upsert":
            self.held[change["id"]] = self.row(change)
        else:
            self.held.pop(change["id"], None)

    def is_seen(self, change: dict[str, Any]) -> bool:
        return bool(change["sequence"] <= self.applied.get(change["id"], -1))

    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        """What is kept of an offer."""
        return {"sequence": change["sequence"], "title": change["offer"]["title"]}

    def resync(self) -> None:
        self.forget()


@asynccontextmanager
async def interface(partner: Partner) -> AsyncIterator[str]:
    """The partner's test interface; its address."""

    async def handle(request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            return web.Response(body=orjson.dumps({"offers": partner.offers()}))
        if request.path == ENDPOINT:
            return web.Response(status=await partner.receive(request.headers, await request.read()))
        given = orjson.loads(await request.read() or b"{}")
        try:
            answer = await partner.order(request.path.strip("/"), given)
        except (KeyError, TypeError) as error:  # a wrong partner may fail on an unexpected answer
            return web.Response(status=500, text=repr(error))
        return web.Response(body=orjson.dumps(answer))

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    partner.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield partner.address
    finally:
        await partner.close()
        await runner.cleanup()


def cases_of(role: RoleName) -> list[Case]:
    return [case for case in cases() if role in case.roles]


def role_of(made: type[Partner]) -> RoleName:
    return "publisher" if issubclass(made, Publisher) else "subscriber"


def setup_for(made: type[Partner]) -> Setup:
    [port] = free_ports(1)  # not an ephemeral one: an outgoing connection could take it before the kit listens
    role = role_of(made)
    account = TargetAccount(platform=made.slug, client_id=made.slug, secret=SECRET)
    features = {"push": made.pushed} if role == "subscriber" else {}
    return Setup(
        role=role, target="", accounts={role: account}, listen=f"127.0.0.1:{port}", observe=0.1, features=features
    )


async def played(
    made: type[Partner], chosen: Sequence[Case], *, patience: float = 1.0, before: Sequence[Case] = ()
) -> list[Result]:
    """The results of these cases; with cases ``before`` them, up to the first failure of these."""
    setup = replace(setup_for(made), patience=patience)
    async with interface(made(f"http://{setup.listen}")) as control:
        there = replace(setup, control=control)
        async with playing(there, seed="s") as player:
            first = await run_cases(before, player, there, on=today())
            return first + await run_cases(chosen, player, there, on=today(), fail_fast=bool(before))
