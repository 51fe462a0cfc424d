"""Partners and targets whose fault hides every other one: they answer, send or stay silent as they should not."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web

from conformance.model.case import RoleName
from conformance.model.library import cases
from conformance.model.result import Result, Run
from conformance.role.runner import CaseSelection, cases_for, drive
from conformance.target.setup import Setup, TargetAccount
from tests.conformance.partner_fixtures import SECRET, Partner, Publisher, Subscriber, interface, setup_for


class Markup(Publisher):
    """Correct but for one field, wrong in every document."""

    def document(self, offer_id: str, revision: int) -> dict[str, Any]:
        return {**super().document(offer_id, revision), "description": "Observer <b>tout</b>."}


class Insists(Markup):
    """Sends a refused document again, without a pause and without end."""

    async def deliver(self, _offer_id: str, method: str, path: str, body: Any) -> None:
        while not self.session.closed:
            await self.send(method, path, body)
            await asyncio.sleep(0.02)


class OtherEncoding(Publisher):
    """Sends batches in an encoding that no gateway takes."""

    async def publish(self, document: dict[str, Any]) -> None:
        await self.renew()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Encoding": "br"}
        path, body = f"{self.gateway}/v1/offers/batch", orjson.dumps(document)
        async with self.session.post(path, data=body, headers=headers) as response:
            await response.read()


class CutsToken(Publisher):
    """Keeps the first characters of its token only."""

    async def renew(self) -> None:
        await super().renew()
        self.token = self.token[:8]

    async def deliver(self, _offer_id: str, method: str, path: str, body: Any) -> None:
        while not self.session.closed:
            await self.send(method, path, body)
            await asyncio.sleep(0.05)


class WrongSecret(Publisher):
    """Asks for a token with another secret, again and again."""

    async def renew(self) -> None:
        await self.token_answer("faux")

    async def deliver(self, _offer_id: str, _method: str, _path: str, _body: Any) -> None:
        while True:
            await self.renew()
            await asyncio.sleep(0.1)


class NeverSends(Publisher):
    """Accepts every order and sends nothing."""

    async def deliver(self, _offer_id: str, _method: str, _path: str, _body: Any) -> None:
        pass


class OwnToken(Publisher):
    """Sends a token from elsewhere, and never asks the kit for one."""

    async def renew(self) -> None:
        self.token = "jeton-d-ailleurs"


class WithoutHeader(Publisher):
    """Obtains a token and does not send it."""

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        await self.renew()
        async with self.session.request(method, self.gateway + path, json=body) as response:
            await response.read()
            return 422, None, 0.0


class BasePath(Publisher):
    """Has one path too many in its configuration."""

    def __init__(self, gateway: str) -> None:
        super().__init__(f"{gateway}/api")
        self.token = "x"

    async def renew(self) -> None:
        self.gateway = self.gateway.removesuffix("/api")
        await super().renew()
        self.gateway += "/api"

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        if self.token == "x":
            await self.renew()
        return await super().send(method, path, body)


class OtherPath(Publisher):
    """Calls an address that no gateway has."""

    async def publish(self, document: dict[str, Any]) -> None:
        await self.deliver(document["id"], "PUT", f"/v1/stages/{document['id']}", document)


class WithoutId(Publisher):
    """Answers every order without the offer's id."""

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        await super().order(action, given)
        return {}


class Early(Publisher):
    """Correct, after other requests: an address that the kit's gateway does not have, and one without a token."""

    async def publish(self, document: dict[str, Any]) -> None:
        async with self.session.get(f"{self.gateway}/health") as response:
            await response.read()
        async with self.session.get(f"{self.gateway}/v1/changes") as response:
            await response.read()
        await self.renew()
        await self.send("GET", "/v1/reference/sectors")
        await asyncio.sleep(1.5)
        await super().publish(document)


class OtherSlug(Publisher):
    """Publishes under another slug than that of its account."""

    def id_of(self, key: str, _action: str) -> str:
        return f"normandie:{key}"


class Stuck(Publisher):
    """Never answers an order, except to reset."""

    async def order(self, action: str, _given: dict[str, Any]) -> dict[str, Any]:
        while action != "reset" and not self.session.closed:
            await asyncio.sleep(0.05)
        return {}


class Broken(Subscriber):
    """Fails at every call of its test interface."""

    async def order(self, action: str, _given: dict[str, Any]) -> dict[str, Any]:
        raise KeyError(action)


class Silent(Subscriber):
    """Answers no call of its test interface."""

    async def order(self, _action: str, _given: dict[str, Any]) -> dict[str, Any]:
        while not self.session.closed:
            await asyncio.sleep(0.05)
        return {}


class TokenByJson(Subscriber):
    """Asks for a token in JSON."""

    async def renew(self) -> None:
        self.token = (await self.token_answer(form="json"))["access_token"]


class SecretInAddress(Publisher):
    """Writes its secret into the address of the token endpoint."""

    async def renew(self) -> None:
        self.token = (await self.token_answer(form="params"))["access_token"]


class AsksForMore(Subscriber):
    """Sends a parameter that no gateway has, and fails at the refusal."""

    def next_page(self) -> str:
        return f"{super().next_page()}{'&' if self.cursor else '?'}page_size=50"


class CutsCursor(Subscriber):
    """Keeps 255 signs of a cursor."""

    def next_page(self) -> str:
        self.cursor = self.cursor and self.cursor[:255]
        return super().next_page()


class WrongSubscriberSecret(Subscriber):
    """Asks for a token with another secret, and fails."""

    async def sync(self) -> None:
        raise KeyError(await self.token_answer("faux"))


class NeverReads(Subscriber):
    """Says that it has read the feed, and did not."""

    async def sync(self) -> None:
        pass


class FailsToRead(Subscriber):
    """Reads a page, and fails at all of them."""

    async def sync(self) -> None:
        await self.send("GET", "/v1/changes")
        raise KeyError("page")


async def driven(made: type[Partner], *, patience: float = 0.2, only: tuple[str, ...] = (), **more: Any) -> Run:
    """A run of all cases, or of some, against a partner under a slug of its own."""
    setup = own(setup_for(made), patience=patience, **more)
    partner = made(f"http://{setup.listen}")
    partner.slug = setup.accounts[setup.role].platform
    async with interface(partner) as control:
        return await run_of(replace(setup, control=control), only=only)


def own(setup: Setup, **more: Any) -> Setup:
    """The set-up with an account that no other test uses."""
    slug = f"essai-{secrets.token_hex(4)}"
    account = TargetAccount(platform=slug, client_id=slug, secret=SECRET)
    return replace(setup, accounts={setup.role: account}, **more)


async def run_of(setup: Setup, *, only: tuple[str, ...] = ()) -> Run:
    """A run of all cases of the role, or of some; each result is reported once, in order."""
    reported: list[Result] = []
    chosen = cases_for(setup, CaseSelection(cases=only), cases())
    run = await drive(setup, chosen, seed="s", on_result=reported.append)
    assert reported == list(run.results)
    return run


Answers = Mapping[str, Callable[[], web.StreamResponse]]
Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def target(answer: Answering, *, role: RoleName = "gateway", patience: float = 0.1) -> AsyncIterator[Setup]:
    """A target that answers so, and its set-up."""
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    names = ("publisher", "neighbour", "subscriber") if role == "gateway" else ("national",)
    slug = secrets.token_hex(4)
    accounts = {
        name: TargetAccount(platform=f"{name}-{slug}", client_id=f"{name}-{slug}", secret="s") for name in names
    }
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield Setup(role=role, target=url, accounts=accounts, patience=patience)
    finally:
        await runner.cleanup()


def json(status: int, body: Any, **headers: str) -> web.Response:
    """An answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, headers=named, body=orjson.dumps(body), content_type="application/json")


def always(status: int, body: Any = None, **headers: str) -> Answering:
    """Every request gets this answer."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return json(status, body or {"code": "x"}, **headers)

    return answer


def otherwise(answers: Answers, rest: Answering) -> Answering:
    """Answers by path; any other path gets that of ``rest``."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        found = answers.get(request.path)
        return await rest(request) if found is None else found()

    return answer


DISCOVERED: Answers = {"/.well-known/passerelle": lambda: json(200, {"protocol_version": "1"})}
TOKEN: Answers = {"/oauth/token": lambda: json(200, {"access_token": "t", "token_type": "Bearer", "expires_in": 300})}


async def never(_: web.BaseRequest) -> web.StreamResponse:
    """No answer."""
    await asyncio.sleep(3_600)
    raise AssertionError


async def trickling(request: web.BaseRequest) -> web.StreamResponse:
    """A byte now and then, without end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.2)
