"""Role *national site*: cases against a test account of the partner API v2, or a simulator, within the rate limit."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import aiohttp
import orjson

from conformance.model.result import Exchange
from conformance.role.http_role import HttpRole
from conformance.target.setup import Setup, TargetAccount
from conformance.target.wire import Reply, Wire

_PER_MINUTE = 90
"""Below the site's limit of 100 calls per minute and account; the rest is for other users of the account."""
_LIFE_SECONDS = 23 * 3600.0


class CallPace:
    """Rate limiter: even spacing of calls over the minute."""

    def __init__(self, per_minute: int) -> None:
        self._seconds = 60 / per_minute
        self._next = 0.0

    async def wait_for_slot(self) -> None:
        """Wait for the next slot."""
        now = asyncio.get_running_loop().time()
        at = max(self._next, now)
        self._next = at + self._seconds
        await asyncio.sleep(at - now)


class NationalWire(Wire):
    """Client with the site's own login; each call waits for its slot."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        target: str,
        account: TargetAccount | None,
        journal: list[Exchange],
        *,
        pace: CallPace,
        patience: float,
    ) -> None:
        super().__init__(session, target, account, journal, patience=patience)
        self._pace = pace

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """One request, in the next slot."""
        await self._pace.wait_for_slot()
        return await super().send(method, path, headers, body)

    async def _ask_token(
        self,
        account: TargetAccount,
        scope: str | None = None,  # noqa: ARG002  # the site has no scopes
    ) -> tuple[Reply, Any, float]:
        proof = orjson.dumps({"email": account.client_id, "password": account.secret})
        reply = await self.send("POST", "/auth/login", {"Content-Type": "application/json"}, proof)
        body = reply.json if isinstance(reply.json, dict) else {}
        return reply, body.get("token"), _LIFE_SECONDS


class NationalRole(HttpRole):
    """Runs cases against one test account; a finding is a deviation of the site from the simulator's model of it. The
    cases delete the offers that they publish; the site reserves deleted names permanently.
    """

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        super().__init__(setup, seed=seed, day=day, platforms={"publisher": "national"})
        pace = CallPace(_PER_MINUTE)
        accounts = {"national": setup.account("national"), "nobody": None, "stranger": None}
        self._wires = {
            name: NationalWire(session, setup.target, account, self.journal, pace=pace, patience=setup.patience)
            for name, account in accounts.items()
        }
