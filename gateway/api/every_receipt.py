"""The receipts of every platform over HTTP, for the scope ``operate``: an address apart from that of publishers."""

from collections.abc import Sequence

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.receipts import send_receipt, send_receipts


@requires("operate")
async def list_every_receipt(request: web.Request) -> web.StreamResponse:
    """``GET /v1/operate/receipts``."""
    return await send_receipts(request, "every receipt", of_all=True)


@requires("operate")
async def get_any_receipt(request: web.Request) -> web.StreamResponse:
    """``GET /v1/operate/receipts/{receipt}``: once it is decided."""
    return await send_receipt(request, None)


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/operate/receipts", list_every_receipt),
    web.get("/v1/operate/receipts/{receipt}", get_any_receipt),
)
