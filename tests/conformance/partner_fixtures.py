"""Partners under test: a small publisher and a small subscriber, correct by themselves, each wrong in a subclass; and
running cases against them, as the command does.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from conformance.clock import today
from conformance.model.case import Case, RoleName
from conformance.model.library import cases
from conformance.model.result import Result
from conformance.role.runner import playing, run_cases
from conformance.target.setup import Account, Setup

_PAUSE = 0.05
SECRET = "essai-secret"


class Partner:
    """A platform with a test interface. ``gateway`` is where it publishes or reads."""

    slug = "bretagne"

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
        form = {"grant_type": "client_credentials", "client_id": self.slug, "client_secret": SECRET}
        async with self.session.post(f"{self.gateway}/oauth/token", data=form) as response:
            self.token = (await response.json())["access_token"]

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        """Status, body, and the seconds of Retry-After; status 0 without a complete answer."""
        if not self.token:
            await self.renew()
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            async with self.session.request(method, self.gateway + path, json=body, headers=headers) as response:
                content = await response.read()
                retry = float(response.headers.get("Retry-After", 0))
                return response.status, orjson.loads(content) if content else None, retry
        except (aiohttp.ClientError, orjson.JSONDecodeError):
            return 0, None, 0.0

    def start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def offers(self) -> dict[str, Any]:
        return {}


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
                status, _, retry = await self.send(method, path, body)
                if status == 401:
                    await self.renew()
                elif status in {0, 429, 503}:
                    await asyncio.sleep(max(retry, _PAUSE))
                else:
                    return


class Subscriber(Partner):
    """Keeps offers, the last applied sequence of each (removals too), and its cursor."""

    slug = "grand-est"

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
        more = True
        while more:
            query = f"?cursor={self.cursor}" if self.cursor else ""
            status, page, retry = await self.send("GET", f"/v1/changes{query}")
            match status:
                case 200:
                    more = self.take(page)
                case 401:
                    await self.renew()
                case 410:
                    self.resync()
                case _:
                    more = await self.fail(retry)

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
        if change["sequence"] <= self.applied.get(change["id"], -1):
            return
        self.applied[change["id"]] = change["sequence"]
        if change["op"] == "upsert":
            self.held[change["id"]] = {"sequence": change["sequence"], "title": change["offer"]["title"]}
        else:
            self.held.pop(change["id"], None)

    def resync(self) -> None:
        self.forget()


@asynccontextmanager
async def interface(partner: Partner) -> AsyncIterator[str]:
    """The partner's test interface; its address."""

    async def handle(request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            return web.Response(body=orjson.dumps({"offers": partner.offers()}))
        given = orjson.loads(await request.read() or b"{}")
        try:
            answer = await partner.order(request.path.strip("/"), given)
        except (KeyError, TypeError) as error:  # a wrong partner may fail on an unexpected answer
            return web.Response(status=500, text=repr(error))
        return web.Response(body=orjson.dumps(answer))

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await partner.close()
        await runner.cleanup()


def cases_of(role: RoleName) -> list[Case]:
    return [case for case in cases() if role in case.roles]


def role_of(made: type[Partner]) -> RoleName:
    return "publisher" if issubclass(made, Publisher) else "subscriber"


def setup_for(made: type[Partner]) -> Setup:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    role = role_of(made)
    account = Account(platform=made.slug, client_id=made.slug, secret=SECRET)
    return Setup(role=role, target="", accounts={role: account}, listen=f"127.0.0.1:{port}", observe=0.1)


async def played(made: type[Partner], chosen: Sequence[Case], *, patience: float = 1.0) -> list[Result]:
    setup = replace(setup_for(made), patience=patience)
    async with interface(made(f"http://{setup.listen}")) as control:
        there = replace(setup, control=control)
        async with playing(there, seed="s") as player:
            return await run_cases(chosen, player, there, on=today())
