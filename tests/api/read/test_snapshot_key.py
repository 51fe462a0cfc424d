"""Snapshots of the client: a repeated one is the same request and not a second snapshot."""

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.client import NDJSON, Client


class Gateway:
    """Loses its first answer, is still running at the second request, and then answers."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []

    async def token(self, _: web.Request) -> web.Response:
        return web.json_response({"access_token": "token", "expires_in": 3600})

    async def snapshot(self, request: web.Request) -> web.Response:
        await request.read()
        self.keys.append(request.headers.get("Idempotency-Key"))
        if len(self.keys) == 1:
            assert request.transport is not None
            request.transport.abort()
        if len(self.keys) == 2:
            return web.json_response({"code": "idempotency-running"}, status=409, headers={"Retry-After": "1"})
        return web.json_response({"withdrawn": 0}, status=202)

    async def batch(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        return web.json_response({"results": []}, status=202)


async def test_every_try_of_a_snapshot_has_its_key_and_the_next_snapshot_another() -> None:
    """PUB-041, PUB-042."""
    gateway = Gateway()
    app = web.Application()
    app.router.add_post("/oauth/token", gateway.token)
    app.router.add_post("/v1/snapshots", gateway.snapshot)
    app.router.add_post("/v1/offers/batch", gateway.batch)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        client = Client(session, str(server.make_url("")), client_id="bretagne", client_secret="secret")
        answers = [
            await client.call("POST", "/v1/snapshots", params={"mark": mark}, body=b'{"count": 0}', media_type=NDJSON)
            for mark in ("first", "second")
        ]
        await client.call("POST", "/v1/offers/batch", body=b"", media_type=NDJSON)
    assert [202, 202] == [answer.status for answer in answers]
    *first, second, batch = gateway.keys
    assert (3, 1) == (len(first), len(set(first)))
    assert (True, None) == (second not in {None, *first}, batch)
