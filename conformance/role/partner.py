"""Base of the roles whose partner calls the kit: the kit's server, and a client of the partner's test interface."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import aiohttp
import orjson

from conformance.model.result import Deviation, Exchange, PartnerFailedError, UnverifiableError
from conformance.role.host import PUBLISHER, SUBSCRIBER, PartnerHost, ReceivedRequest, SentAnswer
from conformance.role.role import Role
from conformance.script.matcher import render_value
from conformance.target.setup import Setup, SetupError
from conformance.target.wire import Reply, Wire
from conformance.words import joined, plain, say

_FAILED = 500
_SECONDS = 45.0
_SCOPES = {"subscriber": SUBSCRIBER}


class PartnerRole(Role):
    """Role for a platform that calls the kit: ``host`` is the kit's server, ``_control`` the platform's test interface.
    ``platforms`` are those of the cases' other accounts.
    """

    def __init__(
        self,
        setup: Setup,
        session: aiohttp.ClientSession,
        *,
        seed: str,
        day: Callable[[], date],
        platforms: Mapping[str, str],
    ) -> None:
        self.account = account = setup.account(setup.role)
        super().__init__(setup, seed=seed, day=day, platforms={**platforms, setup.role: account.platform})
        self.host = self._open_host()
        self._control = ControlClient(session, setup, self.journal)

    @abstractmethod
    async def answer(self, received: ReceivedRequest) -> SentAnswer:
        """The answer of the kit's server to a request that came whole."""

    def _open_host(self) -> PartnerHost:
        """The kit's server."""
        return PartnerHost(self.account, self.journal, scopes=_SCOPES.get(self._setup.role, PUBLISHER))


class ControlClient:
    """Client of the partner's test interface, at the set-up's ``control`` URL."""

    def __init__(self, session: aiohttp.ClientSession, setup: Setup, journal: list[Exchange]) -> None:
        self._wire = Wire(session, setup.control or "", None, journal, seconds=_SECONDS, patience=setup.patience)
        self._available = setup.control is not None

    async def order(self, action: str, **arguments: str) -> Any:
        """``POST /{action}``; returns the answer's JSON value. Raises UnverifiableError without an interface,
        SetupError for an unexpected answer, PartnerFailedError when the platform fails (5xx, timeout).
        """
        reply = await self._call("POST", f"/{action}", orjson.dumps(arguments))
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
            found = reply.summary
            if reply.body:
                found = joined((found, plain(render_value(reply.body.decode(errors="replace")))), " ")
            raise PartnerFailedError(Deviation(say("at-control", path=path), say("platform-does"), found))
        if not 200 <= reply.status < 300:
            text = say("control-answered", method=method, path=path, text=reply.summary)
            raise SetupError(text, step=say("control-answered-step"))
        return reply
