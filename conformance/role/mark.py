"""Mark of a run at a gateway: an offer of the publisher that only the publisher can read, renewed while the run lasts.

Two runs on one account withdraw each other's offers. A second run, on whatever machine, reads the mark with the same
account, and finds who holds it and since when. A gateway that does not keep the mark is examined without one.
"""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from conformance import clock
from conformance.model.cause import Cause
from conformance.script.body import valid_offer
from conformance.script.template import Names, UnknownNameError, value_at
from conformance.target.lock import holder_here, in_use, named
from conformance.target.setup import Setup, SetupError, TargetAccount
from conformance.target.wire import Reply, Wire
from conformance.words import Texts, say

_LOCAL_ID = "conformance-kit-run"
_SECONDS = 20.0
_RENEWED_SECONDS = 20.0
_ALIVE_SECONDS = 90.0
_ATTEMPTS = 3
_VISIBLE_SECONDS = 5.0
_PAUSE_SECONDS = 0.25
_HEADERS = {"Content-Type": "application/json", "Prefer": "wait=10"}
_FORM = re.compile(
    r"run (?P<run>[0-9a-f]{16}), (?P<machine>\S{1,40}), (?P<process>\S+), (?P<since>\S+), (?P<alive>\S+)\."
)


@dataclass(slots=True)
class RunMark:
    """The mark of this run. ``other`` is the run that took its place meanwhile; a mark that was not renewed for
    ``alive_seconds`` belongs to a run that was killed.
    """

    wire: Wire
    names: Names
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    revision: int = 0
    other: Texts | None = None
    holder: dict[str, str] = field(default_factory=holder_here)
    alive_seconds: float = _ALIVE_SECONDS
    renewed_at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        """The address of the mark's offer."""
        return f"/v1/offers/{self.names.platforms['publisher']}:{_LOCAL_ID}"

    async def find_other(self) -> Texts | None:
        """Another run whose mark was renewed lately, or None."""
        reply = await self.wire.call("GET", self.path)
        text = value_at(reply.json, "/offer/description")
        found = _FORM.search(text) if reply.status == 200 and isinstance(text, str) else None
        if found is None or found["run"] == self.run:
            return None
        self.revision = max(self.revision, _revision_of(reply))
        try:
            apart = (_time_of(reply) - datetime.fromisoformat(found["alive"])).total_seconds()
        except ValueError:
            return None
        return named(found["machine"], found["process"], found["since"]) if apart < self.alive_seconds else None

    async def is_there(self) -> bool:
        """Whether the gateway holds the mark of this run."""
        reply = await self.wire.call("GET", self.path)
        return self.run in str(value_at(reply.json, "/offer/description"))

    async def put(self) -> bool:
        """Write or renew the mark; returns whether the gateway took it. The gateway's time is the revision; within the
        second in which a former run ended it is too low. Raises SetupError where the account needs a certificate.
        """
        for _ in range(_ATTEMPTS):
            at = _time_of(await self.wire.call("GET", "/.well-known/passerelle"))
            self.revision = max(self.revision + 1, round(at.timestamp() * 1_000))
            reply = await self.wire.call("PUT", self.path, headers=_HEADERS, body=orjson.dumps(self._document(at)))
            if value_at(reply.json, "/code") == "certificate-missing":
                text = say("certificate-needed", account=self.names.platforms["publisher"])
                raise SetupError(text, step=say("certificate-needed-step"), code="certificate-missing")
            if reply.status != 409:
                return reply.status in {200, 201, 202}
            await asyncio.sleep(1)
        return False

    async def renew(self) -> None:
        """Renew the mark where it is due, unless another run has taken its place. Called between cases: the mark is one
        live offer more, which a case that counts them would find.
        """
        if self.other is not None or time.monotonic() - self.renewed_at < _RENEWED_SECONDS:
            return
        self.renewed_at = time.monotonic()
        with suppress(SetupError):
            self.other = await self.find_other()
            if self.other is None:
                await self.put()

    async def remove(self) -> None:
        """Withdraw the mark, as far as the gateway answers."""
        path = f"{self.path}?revision={self.revision + 1}&reason=cancelled"
        with suppress(SetupError):
            await self.wire.call("DELETE", path, headers={"Prefer": "wait=10"})

    def _document(self, at: datetime) -> dict[str, Any]:
        holder = self.holder
        alive = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00"
        content = f"run {self.run}, {holder['machine']}, {holder['process']}, {holder['since']}, {alive}."
        changes = {"/description": content, "/redistribution": {"national": False, "regions": False}}
        offer = valid_offer(self.names, {"is": "a", "put": {**changes, "/title": "Conformance"}})
        return {**offer, "id": self.path.rpartition("/")[2], "revision": self.revision}


@asynccontextmanager
async def marking(setup: Setup, session: aiohttp.ClientSession) -> AsyncIterator[RunMark | None]:
    """Hold the mark of this run at the gateway for the block; None where it cannot be kept. Raises SetupError where
    another run holds it.
    """
    account = setup.accounts.get("publisher")
    if setup.role != "gateway" or account is None:
        yield None
        return
    mark = _mark(setup, session, account)
    try:
        kept = await _take(mark, setup, account)
    except UnknownNameError:
        kept = False
    if not kept:
        yield None
        return
    try:
        yield mark
    finally:
        if mark.other is None:
            await asyncio.wait({asyncio.ensure_future(mark.remove())}, timeout=_SECONDS)


def _mark(setup: Setup, session: aiohttp.ClientSession, account: TargetAccount) -> RunMark:
    wire = Wire(session, setup.target, account, [], seconds=_SECONDS, patience=setup.patience)
    names = Names(seed="mark", case=_LOCAL_ID, day=clock.today(), platforms={"publisher": account.platform})
    return RunMark(wire, names)


async def _take(mark: RunMark, setup: Setup, account: TargetAccount) -> bool:
    """Write the mark and read it back; returns False where the gateway does not keep it. Raises SetupError."""
    other = await mark.find_other()
    if other is None:
        if not await mark.put():
            return False
        deadline = asyncio.get_running_loop().time() + _VISIBLE_SECONDS * setup.patience
        while not await mark.is_there():
            other = await mark.find_other()
            if other is not None or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
    if other is not None:
        raise in_use(setup, account.client_id, other)
    return True


def lost_cause(mark: RunMark | None) -> Cause | None:
    """The cause that another run took the account during this one."""
    if mark is None or mark.other is None:
        return None
    account = mark.names.platforms["publisher"]
    title = say("account-in-use", account=account, target=account, holder=mark.other)
    return Cause(code="account-in-use", title=title, step=say("in-use-step"))


def _time_of(reply: Reply) -> datetime:
    """The gateway's time, which all runs at it share; without one this machine's."""
    try:
        return parsedate_to_datetime(reply.headers.get("Date", "")).astimezone(UTC)
    except (ValueError, TypeError):
        return datetime.fromisoformat(clock.now()).astimezone(UTC)


def _revision_of(reply: Reply) -> int:
    revision = value_at(reply.json, "/offer/revision")
    return revision if isinstance(revision, int) else 0
