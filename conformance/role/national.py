"""Role *national site*: cases against a test account of the partner API v2, or a simulator, within the rate limit."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import aiohttp
import orjson

from conformance.model.case import Case, Script
from conformance.model.result import Exchange, Finding, UnverifiableError
from conformance.role.script_player import ScriptPlayer
from conformance.script.names import Names
from conformance.target.setup import Account, Setup, SetupError
from conformance.target.wire import Reply, Wire
from conformance.words import say

_PER_MINUTE = 90
"""Below the site's limit of 100 calls per minute and account; the rest is for other users of the account."""
_LIFE_SECONDS = 23 * 3600.0


class Pace:
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
        account: Account | None,
        journal: list[Exchange],
        *,
        pace: Pace,
        patience: float,
    ) -> None:
        super().__init__(session, target, account, journal, patience=patience)
        self._pace = pace

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """One request, in the next slot."""
        await self._pace.wait_for_slot()
        return await super().send(method, path, headers, body)

    async def _ask_token(self, account: Account) -> tuple[Reply, Any, float]:
        proof = orjson.dumps({"email": account.client_id, "password": account.secret})
        reply = await self.send("POST", "/auth/login", {"Content-Type": "application/json"}, proof)
        body = reply.json if isinstance(reply.json, dict) else {}
        return reply, body.get("token"), _LIFE_SECONDS


class NationalRole:
    """Runs cases against one test account. The cases delete the offers that they publish; the site reserves deleted
    names permanently.
    """

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        self._setup = setup
        self._seed = seed
        self._day = day
        self.journal: list[Exchange] = []
        account = setup.accounts.get("national")
        if account is None:
            raise SetupError(say("account-missing", role="national"), step=say("account-missing-step", role="national"))
        pace = Pace(_PER_MINUTE)
        known = {"national": account, "nobody": None, "stranger": None}
        self._wires: dict[str, Wire] = {
            name: NationalWire(session, setup.target, one, self.journal, pace=pace, patience=setup.patience)
            for name, one in known.items()
        }

    async def play(self, case: Case) -> list[Finding]:
        """The findings of a case: deviations of the site from the simulator's model of it. Raises UnverifiableError."""
        if not isinstance(case.subject, Script):
            raise UnverifiableError(say("other-case"))
        names = Names(seed=self._seed, case=case.id, day=self._day(), platforms={"publisher": "national"})
        return await ScriptPlayer(self._wires, names, self._setup).play(case.subject.steps)
