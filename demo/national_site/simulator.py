"""Simulator of the national site: an HTTP server with the behaviour of the site's code, quirks included.

``rules`` is the table of its rules; ``unknown`` holds switches for behaviour unknown outside the site.
``python -m demo.national_site.simulator --port 8090`` starts one with an account and a page of its offers.
"""

import argparse
import asyncio
import secrets
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from http import HTTPStatus
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Handler

from demo.national_site import api
from demo.national_site.access import Access, refuse_rate
from demo.national_site.body import sectors
from demo.national_site.fault import CallFault, Faults
from demo.national_site.framework import (
    BrokenError,
    NotJsonError,
    SiteReply,
    answer,
    broken,
    is_blank,
    read_params,
    refuse,
)
from demo.national_site.search import search
from demo.national_site.shape import ListContext, html_page, page_shape
from demo.national_site.stock import Operator, SiteOffer, Stock
from demo.national_site.week import mandatory_on
from gateway import clock as wall
from gateway.clock import Clock
from gateway.protocol.paris_time import PARIS

PER_MINUTE = 100
_OFFERS, _SECTORS = "offers", "sectors"
_VERSION = "/api/{version:v[12]}"


class NationalSimulator:
    """The site on a local port; an asynchronous context manager.

    ``zone`` is the time zone of its days, which decide the school year. ``stock``: accounts and rows; ``faults``:
    faults to inject; ``answered``: answers by method and status; ``counted``: calls by account, service and clock
    minute, including those refused for the rate.
    """

    def __init__(self, *, clock: Clock, limit: int = PER_MINUTE, port: int = 0, zone: tzinfo = PARIS) -> None:
        self.stock = Stock()
        self.faults = Faults()
        self.answered: Counter[tuple[str, int]] = Counter()
        self._access = Access(self.stock, limit=limit)
        self._clock = clock
        self._port = port
        self.zone = zone
        self._late: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def counted(self) -> Counter[tuple[str, str, int]]:
        """Calls by account, service and clock minute."""
        return self._access.counted

    async def __aenter__(self) -> Self:
        offers, offer = f"{_VERSION}/internship_offers", f"{_VERSION}/internship_offers/{{id}}"
        app = web.Application(middlewares=[self._refuse_unreadable])
        app.add_routes(
            [
                web.get("/", self._page),
                web.post("/api/v2/auth/login", self._login),
                web.get(f"{_VERSION}/sectors", self._list_sectors),
                web.post(f"{_VERSION}/schools/search", self._search_schools),
                web.post(f"{_VERSION}/schools/nearby", self._find_schools),
                web.get(f"{offers}/search", self._call),
                web.get(offers, self._call),
                web.post(offers, self._call),
                web.patch(offer, self._call),
                web.put(offer, self._call),
                web.delete(offer, self._call),
                web.route("*", "/{any:.*}", self._find_nothing),
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
        """Create a partner account; ``rights`` are fields of ``Operator``."""
        return self.stock.add_operator(Operator(email=email, password=password, **rights))

    def publish_on_site(self, **fields: Any) -> SiteOffer:
        """Create an employer's offer on the site itself, without remote id and permalink. ``fields`` are those of
        ``SiteOffer``; weeks in the site's form (no padding).
        """
        return self.stock.put(SiteOffer(**{"published_at": self._clock(), **fields}))

    def hide(self, row: SiteOffer) -> None:
        """Hide an offer as the site's moderators do (``masquer``): in the index, not in search."""
        row.published_at = None

    def discard(self, row: SiteOffer) -> None:
        """Delete an offer on the site itself: absent from index and search, its remote id reserved."""
        row.discarded_at = self._clock()
        self.stock.touch(row)

    def row(self, remote_id: str) -> SiteOffer | None:
        """The first row with this remote id, deleted or not; None without one."""
        return next(iter(self.stock.named(remote_id)), None)

    async def _page(self, request: web.Request) -> web.Response:
        self.answered[request.method, HTTPStatus.OK] += 1
        return web.Response(text=html_page(self.stock), content_type="text/html")

    @web.middleware
    async def _refuse_unreadable(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 400 to malformed JSON, before any controller."""
        try:
            return await handler(request)
        except NotJsonError:
            return self._answer(request, answer("params.broken", {"status": 400, "error": "Bad Request"}))

    async def _login(self, request: web.Request) -> web.Response:
        reply = self._access.login(request, await read_params(request), self._clock())
        if isinstance(reply, SiteReply):
            return self._answer(request, reply)
        self.answered[request.method, reply.status] += 1
        return reply

    async def _list_sectors(self, request: web.Request) -> web.Response:
        cited: set[str] = set()
        operator = self._admit(request, await read_params(request), _SECTORS, cited)
        if isinstance(operator, SiteReply):
            return self._answer(request, operator)
        listed = [
            {"id": number, "name": name, "external_url": "", "uuid": code}
            for number, (code, name) in enumerate(sectors().items(), start=1)
        ]
        return self._answer(request, answer("sectors.done", {"sectors": listed}, cited))

    async def _search_schools(self, request: web.Request) -> web.Response:
        found = {"match_by_city": {}, "match_by_name": [], "no_match": True}
        return self._answer(request, answer("schools.search", found))

    async def _find_schools(self, request: web.Request) -> web.Response:
        params = await read_params(request)
        nowhere = is_blank(params.get("latitude")) or is_blank(params.get("longitude"))
        return self._answer(request, broken("schools.nowhere") if nowhere else answer("schools.nearby", []))

    async def _find_nothing(self, request: web.Request) -> web.Response:
        return self._answer(request, answer("route.none", {"status": 404, "error": "Not Found"}))

    def _admit(
        self, request: web.Request, params: Mapping[str, Any], service: str, cited: set[str]
    ) -> Operator | SiteReply:
        """The calling account, or the refusal of its token or rate."""
        operator = self._access.identify(request, params, now=self._clock(), cited=cited)
        if isinstance(operator, Operator) and self._access.is_too_much(operator, service, self._clock()):
            return refuse_rate(cited | {"rate.service"})
        if isinstance(operator, Operator):
            cited.add("rate.service")
            cited |= set() if self.stock.unknown.maintenance == "none" else {"maintenance.api"}
        return operator

    async def _call(self, request: web.Request) -> web.StreamResponse:
        """An offer call: authentication, rate limit, injected fault, then the call itself."""
        cited: set[str] = set()
        params = await read_params(request)
        operator = self._admit(request, params, _OFFERS, cited)
        if isinstance(operator, SiteReply):
            return self._answer(request, operator)
        method = "PATCH" if request.method == "PUT" else request.method
        fault = self.faults.take(method, _remote_id(request, params))
        if fault is not None and fault.kind == "late":
            self._late.add(asyncio.create_task(self._do_later(request, operator, params, fault.after)))
        if fault is not None and not fault.done and fault.kind != "twice":
            return await self._fail(request, fault)
        reply = self._try(request, operator, params)
        if fault is not None and fault.kind == "twice":
            self._insert_again(_remote_id(request, params), reply)
            fault = None
        if fault is not None:
            return await self._fail(request, fault)
        return self._answer(request, replace(reply, rules=reply.rules | cited))

    async def _do_later(
        self, request: web.Request, operator: Operator, params: Mapping[str, Any], seconds: float
    ) -> None:
        await asyncio.sleep(seconds)
        self._try(request, operator, params)

    def _insert_again(self, remote_id: str | None, reply: SiteReply) -> None:
        """Insert a duplicate row: a concurrent creation that passed the uniqueness check before the first insert."""
        if reply.status == HTTPStatus.CREATED and remote_id is not None:
            self.stock.put(replace(self.stock.named(remote_id)[-1], id=0))

    def _try(self, request: web.Request, operator: Operator, params: Mapping[str, Any]) -> SiteReply:
        try:
            return self._reply(request, operator, params)
        except BrokenError as error:
            return broken(error.rule)

    def _reply(self, request: web.Request, operator: Operator, params: Mapping[str, Any]) -> SiteReply:
        now = self._clock()
        on = api.day_of(now, self.zone)
        old = request.match_info["version"] == "v1"
        call = api.SiteCall(stock=self.stock, operator=operator, now=now, on=on, old=old)
        named = request.match_info.get("id", "")
        remote_id = named.partition(".")[0]  # the site's routes end an id at its first dot
        cited = ({"route.dot"} if remote_id != named else set()) | _cite_request(request)
        match request.method:
            case "POST":
                reply = api.create(call, params)
            case "PATCH" | "PUT":
                reply = api.update(call, remote_id, params)
            case "DELETE":
                reply = api.delete(call, remote_id)
            case _:
                reply = self._list(request, call, params)
        return replace(reply, rules=reply.rules | cited)

    def _list(self, request: web.Request, call: api.SiteCall, params: Mapping[str, Any]) -> SiteReply:
        searching, cited = request.path.endswith("/search"), {"index.kept", "index.order"}
        rows, filters = self.stock.own(call.operator), dict(params)
        if searching:
            if not call.operator.full_access:
                return refuse("search.right", "access denied")
            cited = {"search.published"}
            rows, filters = search(self.stock, call.operator, params, on=call.on, old=call.old, cited=cited)
        view = ListContext(
            reader=call.operator,
            origin=self.url,
            path=request.path,
            params=filters,
            mandatory=mandatory_on(call.on, self.stock),
            old=call.old,
        )
        page = page_shape(rows, view, cited)
        return answer("search.done" if searching else "index.done", page, cited)

    async def _fail(self, request: web.Request, fault: CallFault) -> web.StreamResponse:
        match fault.kind:
            case "hang":
                await self._closing.wait()
            case "garbage":
                return web.Response(text="<html><body>maintenance</body></html>", content_type="text/html")
            case "refused":
                bad = {"code": "BAD_ARGUMENT", "error": "bad argument"}
                return self._answer(request, SiteReply(HTTPStatus.UNPROCESSABLE_ENTITY, bad))
            case "forbidden":
                return self._answer(request, refuse("update.foreign", "You are not authorized to access this page."))
            case "geocoder":
                return self._answer(request, refuse("place.not-found", {"coordinates": ["Missing coordinates"]}))
            case "foreign":
                self.answered[request.method, fault.status] += 1
                return web.Response(status=fault.status, text=fault.page, content_type="text/html")
            case "status":
                body = {"status": fault.status, "error": "Service Unavailable"}
                return self._answer(request, SiteReply(fault.status, body))
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _answer(self, request: web.Request, reply: SiteReply) -> web.Response:
        self.answered[request.method, reply.status] += 1
        headers = {"X-Simulator-Rules": " ".join(sorted(reply.rules))}
        return web.json_response(reply.body, status=reply.status, headers=headers)


def _cite_request(request: web.Request) -> set[str]:
    """The rules applied to the request's method and content type."""
    cited = {"route.put"} if request.method == "PUT" else set()
    if request.content_type == "application/x-www-form-urlencoded":
        cited.add("params.form")
    return cited


def _remote_id(request: web.Request, params: Mapping[str, Any]) -> str | None:
    """The remote id of a write, from the path or the body."""
    offer = params.get("internship_offer")
    named = offer.get("remote_id") if isinstance(offer, dict) else None
    return request.match_info.get("id") or (named if isinstance(named, str) else None)


async def _serve(port: int) -> None:
    password = secrets.token_urlsafe(12)
    async with NationalSimulator(clock=wall.now, port=port) as simulator:
        operator = simulator.add_operator(
            "gateway@example.org", password, v1_token=secrets.token_hex(16), full_access=True
        )
        print(f"{simulator.url}  {operator.email}  {password}  {operator.v1_token}", flush=True)  # noqa: T201  # its result
        await asyncio.Event().wait()


def main() -> None:
    """Serve until SIGINT or SIGTERM; prints the URL, and the account's e-mail, password and v1 token."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m demo.national_site.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    try:
        asyncio.run(_serve(parser.parse_args().port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
