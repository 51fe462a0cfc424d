"""Client of the partner's test interface: orders to its platform, and its stored offers."""

from typing import Any

import aiohttp
import orjson

from conformance.model.result import Exchange, Finding
from conformance.role.verify import PartnerFailedError, UnverifiableError
from conformance.script.matcher import render_value
from conformance.target.setup import Setup, SetupError
from conformance.target.wire import Reply, Wire
from conformance.words import joined, plain, say

_FAILED = 500
_SECONDS = 45.0


class Control:
    """The partner's test interface, at the set-up's ``control`` URL."""

    def __init__(self, session: aiohttp.ClientSession, setup: Setup, journal: list[Exchange]) -> None:
        url = setup.control
        self._wire = Wire(session, url or "", None, journal, seconds=_SECONDS, patience=setup.patience)
        self._available = url is not None

    async def order(self, action: str, **arguments: str) -> Any:
        """``POST /{action}``; returns the answer's JSON value. Raises UnverifiableError without an interface,
        SetupError for an unexpected answer, PartnerFailedError when the platform fails (5xx, timeout).
        """
        reply = await self._call("POST", f"/{action}", _written(arguments))
        return reply.json

    async def offers(self) -> dict[str, Any]:
        """``GET /offers``: the partner's stored offers by id. Raises the same errors as ``order``."""
        reply = await self._call("GET", "/offers", None)
        held = reply.json.get("offers") if isinstance(reply.json, dict) else None
        if not isinstance(held, dict):
            raise SetupError(say("control-no-offers"), step=say("control-offers-step"))
        return held

    async def _call(self, method: str, path: str, body: bytes | None) -> Reply:
        if not self._available:
            raise UnverifiableError(say("no-control"))
        reply = await self._wire.call(method, path, headers={"Content-Type": "application/json"}, body=body)
        if reply.status >= _FAILED or reply.late:
            found = reply.said
            if reply.body:
                found = joined((found, plain(render_value(reply.body.decode(errors="replace")))), " ")
            raise PartnerFailedError(Finding(say("at-control", path=path), say("platform-does"), found))
        if not 200 <= reply.status < 300:
            raise SetupError(
                say("control-answered", method=method, path=path, told=reply.said), step=say("control-answered-step")
            )
        return reply


def _written(arguments: dict[str, str]) -> bytes:
    return orjson.dumps(arguments)
