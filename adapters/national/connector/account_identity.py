"""Account identity: a delivery belongs to the account that made it, and no other account may withdraw it.

The accounts file names an account; its url and e-mail identify it at the site. Another e-mail under the same name is
either the same account, renamed at the site, or another account: its deletions would find nothing, and the offers of
the former account would stay visible. A changed account therefore works only after the site's index shows that it holds
the delivered offers, or after the accounts file states the change (``formerly``).
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from adapters.national.delivery.unit_of_work import DeliveryStore
from adapters.national.site.accounts import Account
from adapters.national.site.client import HttpSite
from adapters.national.site.index_walk import Walker
from adapters.national.site.site import SiteError
from adapters.national.site.timing import Timing
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
    """SHA-256 of url and e-mail, which identify an account at the site."""
    return hashlib.sha256(f"{url.rstrip('/').lower()}\n{email.strip().casefold()}".encode()).hexdigest()


def identity_record(name: str, identity: str) -> Record:
    """The record of ``deliveries`` that binds an account name to an identity."""
    return Record(f"{_KIND}/{name}".encode(), orjson.dumps({"identity": identity}))


class AccountIdentity:
    """Compares the identity of one account on the log with that of the accounts file."""

    def __init__(self, account: Account, site: HttpSite, timing: Timing) -> None:
        self._account = account
        self._walker = Walker(site.index, timing)
        self._timing = timing
        self._known: str | None = None
        self.proven = False
        """Whether calls may be made."""
        self.decided = asyncio.Event()
        """Set once ``proven`` is decided."""

    def begin(self) -> None:
        """Reset at the start of an ownership: another owner may have written, so the log is read again."""
        self._known, self.proven, self.decided = None, False, asyncio.Event()

    def apply(self, record: StoredRecord) -> None:
        """Apply a record of ``deliveries``, in log order."""
        if record.key == f"{_KIND}/{self._account.name}".encode():
            self._known = None if record.value is None else str(orjson.loads(record.value).get("identity"))

    async def prove(self, store: DeliveryStore) -> None:
        """Return once calls may be made; until then ``findings["identity"]`` of ``store`` holds the reason."""
        account = self._account
        present = identity_of(account.url, account.email)
        accepted = {None, present} | {identity_of(account.url, former) for former in account.formerly}
        while self._known not in accepted:
            try:
                found = await self._compare(store)
            except SiteError as error:
                found = {"state": "changed", "error": str(error), "step": error.step or CHANGED_STEP}
                rest = _FAILED_SECONDS
            else:
                if found["missing"] == 0 and found["complete"]:
                    break
                rest = _AGAIN_SECONDS
            _log.error("national.account_changed", account=account.name, **found)
            store.findings["identity"] = found
            self.decided.set()
            await self._timing.sleep(rest)
        store.findings.pop("identity", None)
        if self._known != present:
            async with store.unit_of_work() as unit:
                unit.write_home(identity_record(account.name, present))
            self._known = present
        self.proven = True
        self.decided.set()

    async def _compare(self, store: DeliveryStore) -> Mapping[str, Any]:
        """Count the offers held by this account on the log, and those its index does not list. Raises SiteError."""
        held = {part.remote_id async for _, part in store.held() if part.remote_id is not None}
        if not held:
            return {"state": "changed", "held": 0, "missing": 0, "complete": True}
        walk = await self._walker.all(until=lambda walk: walk.names >= held)
        missing = len(held - walk.names)
        complete = walk.complete or not missing
        return {"state": "changed", "held": len(held), "missing": missing, "complete": complete, "step": CHANGED_STEP}
