"""Account identity: a delivery belongs to the account under which it was made, and no other account may withdraw it.

The accounts file names an account; its url and e-mail say which one that is at the site. Another e-mail under the same
name is either the same account, renamed at the site, or another one, whose deletions would find nothing while the
offers of the former account stay visible. So a changed account works only after the site's index proved that it holds
what was delivered, or after the accounts file states the change (``formerly``).
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from adapters.national.delivery.unit_of_work import Ledger
from adapters.national.site.account import Account
from adapters.national.site.index_walk import Walker
from adapters.national.site.retry import Timing
from adapters.national.site.site import Site, SiteError
from gateway.protocol.record import Record, StoredRecord

CHANGED_STEP = (
    'put the former e-mail or url back; or, if the site renamed this account, add "formerly" with the former e-mail; '
    "or give the new account a name of its own and keep the former one until its offers are withdrawn"
)
_KIND = "identity"
_AGAIN_SECONDS = 600.0
_FAILED_SECONDS = 30.0

_log = structlog.get_logger()


def identity_of(url: str, email: str) -> str:
    """A digest of what identifies an account at the site."""
    return hashlib.sha256(f"{url.rstrip('/').lower()}\n{email.strip().casefold()}".encode()).hexdigest()


def identity_record(name: str, identity: str) -> Record:
    """The record of ``deliveries`` that says which account a name refers to."""
    return Record(f"{_KIND}/{name}".encode(), orjson.dumps({"identity": identity}))


class AccountIdentity:
    """The identity of one account, as the log knows it and as the accounts file gives it."""

    def __init__(self, account: Account, site: Site, timing: Timing) -> None:
        self._account = account
        self._walker = Walker(site.index, timing)
        self._timing = timing
        self._known: str | None = None
        self.proven = False
        """Whether calls may be made."""
        self.decided = asyncio.Event()
        """Set once that is known."""

    def begin(self) -> None:
        """Another owner may have worked meanwhile: the log is read again."""
        self._known, self.proven, self.decided = None, False, asyncio.Event()

    def hear(self, record: StoredRecord) -> None:
        """Take in a record of ``deliveries``, in the log's order."""
        if record.key == f"{_KIND}/{self._account.name}".encode():
            self._known = None if record.value is None else str(orjson.loads(record.value).get("identity"))

    async def prove(self, ledger: Ledger) -> None:
        """Return once calls may be made; until then ``ledger.findings["identity"]`` says why they may not."""
        account = self._account
        present = identity_of(account.url, account.email)
        accepted = {None, present} | {identity_of(account.url, former) for former in account.formerly}
        while self._known not in accepted:
            try:
                found = await self._compare(ledger)
            except SiteError as error:
                found = {"state": "changed", "error": str(error), "step": error.step or CHANGED_STEP}
                rest = _FAILED_SECONDS
            else:
                if found["missing"] == 0 and found["complete"]:
                    break
                rest = _AGAIN_SECONDS
            _log.error("national.account_changed", account=account.name, **found)
            ledger.findings["identity"] = found
            self.decided.set()
            await self._timing.sleep(rest)
        ledger.findings.pop("identity", None)
        if self._known != present:
            async with ledger.turn() as turn:
                turn.write_home(identity_record(account.name, present))
            self._known = present
        self.proven = True
        self.decided.set()

    async def _compare(self, ledger: Ledger) -> Mapping[str, Any]:
        """How many of the offers that this account is known to hold its index lists. Raises SiteError."""
        held = {part.remote_id for part in ledger.held() if part.remote_id is not None}
        if not held:
            return {"state": "changed", "held": 0, "missing": 0, "complete": True}
        walk = await self._walker.all(until=lambda walk: walk.names >= held)
        missing = len(held - walk.names)
        complete = walk.complete or not missing
        return {"state": "changed", "held": len(held), "missing": missing, "complete": complete, "step": CHANGED_STEP}
