"""The national site, simulated: a real HTTP server that answers as the site's recorded answers do, quirks included.

``python -m adapters.national.simulator --port 8090`` starts one with an account, and a page that shows its offers.
"""

import argparse
import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, tzinfo
from http import HTTPStatus
from typing import Any, Self

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from adapters.national import simulator_api as api
from adapters.national.simulator_fault import Fault, Faults
from adapters.national.simulator_page import render
from adapters.national.simulator_rules import BrokenError, sectors
from adapters.national.simulator_shape import page_shape
from adapters.national.simulator_stock import Operator, Row, Stock
from gateway import clock as wall
from gateway.clock import Clock
from gateway.protocol.decide import PARIS

PER_MINUTE = 100
DAY = 24 * 3_600_000
_OFFERS, _SECTORS = "offers", "sectors"


class NationalSimulator:
    """The site on a port of this machine; use it as a context manager.

    In ``zone`` it changes its school year at midnight. ``stock`` is what it holds, ``faults`` what is to go wrong,
    ``answered`` counts answers by method and status,
    ``counted`` the calls of each account, service and clock minute, those that were refused for the rate included.
    """

    def __init__(self, *, clock: Clock, limit: int = PER_MINUTE, port: int = 0, zone: tzinfo = PARIS) -> None:
        self.stock = Stock()
        self.faults = Faults()
        self.answered: Counter[tuple[str, int]] = Counter()
        self.counted: Counter[tuple[str, str, int]] = Counter()
        self._clock = clock
        self._limit = limit
        self._port = port
        self.zone = zone
        self._key = _new_key()
        self._late: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._show),
                web.post("/api/v2/auth/login", self._login),
                web.get("/api/v2/sectors", self._list_sectors),
                web.get("/api/v2/internship_offers/search", self._call),
                web.get("/api/v2/internship_offers", self._call),
                web.post("/api/{version:v[12]}/internship_offers", self._call),
                web.patch("/api/{version:v[12]}/internship_offers/{id}", self._call),
                web.delete("/api/{version:v[12]}/internship_offers/{id}", self._call),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._closing.set()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def add_operator(self, email: str, password: str, **rights: Any) -> Operator:
        """A new partner account; ``rights`` are fields of ``Operator``."""
        return self.stock.add_operator(Operator(email=email, password=password, **rights))

    def publish_on_site(self, **fields: Any) -> Row:
        """An offer that an employer makes on the site itself: no remote id, no permalink. ``fields`` are those of Row;
        weeks as the site writes them.
        """
        return self.stock.put(Row(**{"published_at": self._clock(), **fields}))

    def hide(self, row: Row) -> None:
        """The site's moderators hide an offer (``masquer``): still in the index, no longer shown."""
        row.published_at = None

    def discard(self, row: Row) -> None:
        """Delete an offer by the site's own hand: out of index and search, its name dead."""
        row.discarded_at = self._clock()

    def row(self, remote_id: str) -> Row | None:
        """The first row of that remote id, deleted or not."""
        return next(iter(self.stock.named(remote_id)), None)

    async def _show(self, request: web.Request) -> web.Response:
        self.answered[request.method, HTTPStatus.OK] += 1
        return web.Response(text=render(self.stock), content_type="text/html")

    async def _login(self, request: web.Request) -> web.Response:
        body = await _json(request)
        sent = body if isinstance(body, dict) else {}
        for operator in self.stock.operators:
            if (operator.email, operator.password) == (sent.get("email"), sent.get("password")):
                claims = {"user_id": operator.id, "exp": (self._clock() + DAY) // 1000}
                return self._answer(request, HTTPStatus.OK, {"token": jwt.encode({"alg": "HS256"}, claims, self._key)})
        return self._answer(request, HTTPStatus.UNAUTHORIZED, {"error": "Invalid email or password"})

    async def _list_sectors(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        if operator is None:
            return self._refuse_token(request)
        if self._is_too_much(operator, _SECTORS):
            return self._refuse_rate(request)
        listed = [
            {"id": number, "name": name, "external_url": "", "uuid": code}
            for number, (code, name) in enumerate(sectors().items(), start=1)
        ]
        return self._answer(request, HTTPStatus.OK, {"sectors": listed})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        """One call about offers: who calls, how often, what is to go wrong, and then the call itself."""
        operator = self._operator(request)
        if operator is None:
            return self._refuse_token(request)
        if self._is_too_much(operator, _OFFERS):
            return self._refuse_rate(request)
        body = await _json(request) if request.body_exists else None
        fault = self.faults.take(request.method, _remote_id(request, body))
        if fault is not None and fault.kind == "late":
            self._late.add(asyncio.create_task(self._do_later(request, operator, body, fault.after)))
        if fault is not None and not fault.done and fault.kind != "twice":
            return await self._fail(request, fault)
        reply = self._try(request, operator, body)
        if fault is not None and fault.kind == "twice":
            self._insert_again(_remote_id(request, body), reply)
            fault = None
        return self._answer(request, reply.status, reply.body) if fault is None else await self._fail(request, fault)

    async def _do_later(self, request: web.Request, operator: Operator, body: Any, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._try(request, operator, body)

    def _insert_again(self, remote_id: str | None, reply: api.Reply) -> None:
        """A second creation that passed the check for the remote id before the first one was inserted."""
        if reply.status == HTTPStatus.CREATED and remote_id is not None:
            self.stock.put(replace(self.stock.named(remote_id)[-1], id=0))

    def _try(self, request: web.Request, operator: Operator, body: Any) -> api.Reply:
        try:
            return self._reply(request, operator, body)
        except BrokenError:
            return api.Reply(HTTPStatus.INTERNAL_SERVER_ERROR, {"status": 500, "error": "Internal Server Error"})

    def _reply(self, request: web.Request, operator: Operator, body: Any) -> api.Reply:
        now = self._clock()
        on = api.day_of(now, self.zone)
        old = request.match_info.get("version") == "v1"
        remote_id = request.match_info.get("id", "").partition(".")[0]  # the site's addresses stop at a dot
        match request.method:
            case "POST":
                return api.create(self.stock, operator, body, now=now, on=on, old=old)
            case "PATCH":
                return api.update(self.stock, operator, remote_id, body, now=now, on=on, old=old)
            case "DELETE":
                return api.delete(self.stock, operator, remote_id, now=now)
        return self._list(request, operator, on)

    def _list(self, request: web.Request, operator: Operator, on: date) -> api.Reply:
        query: Mapping[str, str] = request.query
        searching = request.path.endswith("/search")
        if searching and not operator.full_access:
            return api.refuse(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "access denied")
        rows = api.search(self.stock, operator, query, on=on) if searching else self.stock.own(operator)
        page = page_shape(rows, reader=operator, origin=self.url, path=request.path, query=dict(query), on=on)
        return api.Reply(HTTPStatus.OK, page)

    def _operator(self, request: web.Request) -> Operator | None:
        """Whose token it is: a fixed one of the old interface, or one that was given at most a day ago."""
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.match_info.get("version") == "v1":
            return next((one for one in self.stock.operators if sent and one.v1_token == sent), None)
        try:
            claims = jwt.decode(sent, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return None
        live = claims["exp"] * 1000 > self._clock()
        return self.stock.operators[claims["user_id"] - 1] if live else None

    def _is_too_much(self, operator: Operator, service: str) -> bool:
        """Count one call in its clock minute; whether it is one too many."""
        window = (operator.email, service, self._clock() // 60_000)
        self.counted[window] += 1
        return self.counted[window] > self._limit

    def _refuse_token(self, request: web.Request) -> web.Response:
        reply = api.refuse(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "wrong api token")
        return self._answer(request, reply.status, reply.body)

    def _refuse_rate(self, request: web.Request) -> web.Response:
        """429, without code and without Retry-After."""
        said = "Trop de requêtes - Limite d'utilisation de l'API dépassée."
        return self._answer(request, HTTPStatus.TOO_MANY_REQUESTS, {"error": said})

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "hang":
                await self._closing.wait()
            case "garbage":
                return web.Response(text="<html><body>maintenance</body></html>", content_type="text/html")
            case "refused":
                reply = api.refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "BAD_ARGUMENT", "bad argument")
                return self._answer(request, reply.status, reply.body)
            case "forbidden":
                reply = api.refuse(HTTPStatus.FORBIDDEN, "FORBIDDEN", "You are not authorized to access this page.")
                return self._answer(request, reply.status, reply.body)
            case "geocoder":
                reply = api.refuse(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", {"coordinates": ["Missing coordinates"]})
                return self._answer(request, reply.status, reply.body)
            case "foreign":
                self.answered[request.method, fault.status] += 1
                return web.Response(status=fault.status, text=fault.page, content_type="text/html")
            case "status":
                return self._answer(request, fault.status, {"status": fault.status, "error": "Service Unavailable"})
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _answer(self, request: web.Request, status: int, body: Any) -> web.Response:
        self.answered[request.method, status] += 1
        return web.json_response(body, status=status)


def _new_key() -> OctKey:
    return OctKey.import_key(secrets.token_bytes(32))


def _remote_id(request: web.Request, body: Any) -> str | None:
    """The offer that a write is about."""
    offer = body.get("internship_offer") if isinstance(body, dict) else None
    named = offer.get("remote_id") if isinstance(offer, dict) else None
    return request.match_info.get("id") or (named if isinstance(named, str) else None)


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        return None


async def _serve(port: int) -> None:
    password = secrets.token_urlsafe(12)
    async with NationalSimulator(clock=wall.now, port=port) as simulator:
        operator = simulator.add_operator(
            "gateway@example.org", password, v1_token=secrets.token_hex(16), full_access=True
        )
        print(f"{simulator.url}  {operator.email}  {password}  {operator.v1_token}", flush=True)  # noqa: T201  # its result
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted; prints its address, and the account's e-mail, password and old token."""
    parser = argparse.ArgumentParser(prog="python -m adapters.national.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    try:
        asyncio.run(_serve(parser.parse_args().port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
