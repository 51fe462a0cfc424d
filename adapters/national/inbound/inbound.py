"""Inbound: imports offers created at the national site into the federation, as those of the platform ``national``.

The site's search lists the offers of all partners, including those delivered by this gateway. An offer without an
outside address was created there and is imported. An offer with an address known here is an echo: linked, never
imported. An imported offer that is missing from two complete scans is withdrawn, unless the search hides it by season,
or so many are missing that the withdrawal guard stops the withdrawal.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import structlog

from adapters.national.delivery.unit_of_work import DeliveryStore
from adapters.national.inbound.offer import document, is_out_of_season, judge, offer_id
from adapters.national.inbound.state import InboundState
from adapters.national.site.accounts import SearchAccount
from adapters.national.site.client import HttpSite
from adapters.national.site.index_walk import RightMissingError, Walk, Walker
from adapters.national.site.reading import Listed
from adapters.national.site.site import LoginRefusedError, SiteError
from adapters.national.site.timing import Timing
from gateway.errors import LogError, LogUnavailableError
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.protocol.digest import content_digest
from gateway.protocol.identity import NATIONAL, partition_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import utc
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Publish, Retire, Submission, Withdraw
from gateway.protocol.topic import OFFERS
from gateway.protocol.withdrawal_guard import needs_confirmation
from schemas.schoolyear import june_year

SCANS = 2
"""Complete scans in which an offer must be missing before it is withdrawn."""

_AT_ONCE = 500
_MAX_WARNINGS = 20
_OPEN_AGAIN_SECONDS = 30.0

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Inbound:
    """Scans the site periodically for offers created there. If its state cannot be opened, for lack of disk space or
    rights, scans are suspended; calls and orders continue.
    """

    log: EventLog
    site: HttpSite
    search: SearchAccount
    partners: Partners
    submissions: Submissions
    ids: ReceiptIds
    open_state: Callable[[], InboundState]
    timing: Timing
    _opened: InboundState | None = field(default=None, init=False)

    async def run(self, store: DeliveryStore) -> None:
        """Scan until cancelled; ``findings["search"]`` of ``store`` holds the result of the last scan."""
        while self._opened is None:
            try:
                self._opened = await asyncio.to_thread(self.open_state)
            except LogUnavailableError as error:
                _log.warning("national.scan_failed", error=str(error))
                store.findings["search"] = {"state": "failed", "error": str(error)}
                await self.timing.sleep(_OPEN_AGAIN_SECONDS)
        scanned: dict[str, Any] = {}
        while True:
            try:
                finding = await self._scan(await store.ends(OFFERS))
                scanned = {"scanned_at": finding["scanned_at"]}
            except RightMissingError:
                finding = {"state": "waiting-for-right"}
            except SiteError as error:
                _log.warning("national.scan_failed", error=str(error))
                finding = {"state": "failed", "error": str(error)}
                if isinstance(error, LoginRefusedError):
                    finding["login_refused"] = True
            store.findings["search"] = {**scanned, **finding, "every_minutes": self.search.minutes}
            await self.timing.sleep(self.search.minutes * 60)

    def close(self) -> None:
        """Close the state's file."""
        if self._opened is not None:
            self._opened.close()

    async def _scan(self, ends: Sequence[int]) -> dict[str, Any]:
        """One scan: import new and changed offers, withdraw missing ones; returns the counts. The state first catches
        up with ``offers`` to its ``ends``. Raises SiteError, RightMissingError, LogError.
        """
        now = self.timing.clock()
        self._state.mend()
        self._state.drop()  # uncommitted changes of a failed scan
        with self._state.guarded():
            return await self._scan_with_state(ends, now)

    @property
    def _state(self) -> InboundState:
        if self._opened is None:
            raise RuntimeError("no scan has begun")
        return self._opened

    async def _scan_with_state(self, ends: Sequence[int], now: int) -> dict[str, Any]:
        await self._state.catch_up(self.log, ends)
        counts: Counter[str] = Counter()
        walk, first = Walk(), None
        async for page in Walker(self.site.search, self.timing).pages(walk):
            for unreadable in page.unreadable:
                first = first or f"number {unreadable.number}: {unreadable.reason}"
                if walk.unreadable <= _MAX_WARNINGS:
                    _log.warning("national.item_unreadable", number=unreadable.number, reason=unreadable.reason)
            judged = [self._settle(listed, now, counts) for listed in page.listed]
            await self._submit([one for one in judged if one is not None])
        if walk.all_counted:
            await self._withdraw(walk, now, counts)
        counts["live"] = await asyncio.to_thread(self._state.live)
        if walk.unreadable:
            counts["unreadable"] = walk.unreadable
        _log.info("national.scanned", total=walk.total, complete=walk.all_counted, **counts)
        finding = {"state": "ok", "scanned_at": utc(now), "total": walk.total, "complete": walk.all_counted, **counts}
        return finding if first is None else {**finding, "first_unreadable": first}

    def _settle(self, listed: Listed, now: int, counts: Counter[str]) -> Publish | Withdraw | None:
        try:
            return self._judge(listed, now, counts)
        except (sqlite3.Error, LogError):
            raise
        except Exception:  # noqa: BLE001  # a bulkhead, see below
            # A defect that one item triggers would otherwise end every process, at each start.
            _log.exception("national.import_broke", number=listed.number)
            counts["refused"] += 1
            return None

    def _judge(self, listed: Listed, now: int, counts: Counter[str]) -> Publish | Withdraw | None:
        """The submission that an item of the search requires, if any."""
        kind = self._kind(listed)
        if kind != "made":
            counts[kind] += 1
            return None
        known = self._state.made(offer_id(listed.number))
        on = date.fromisoformat(paris_date(now))
        revision = now if known is None else max(known.revision + 1, now)
        verdict = judge(document(listed, public_url=self.search.public_url), revision=revision, on=on)
        if not verdict.accepted or verdict.document is None:
            counts["refused"] += 1
            codes = [one.code for one in verdict.problems if one.severity == "error"]
            _log.info("national.import_refused", number=listed.number, codes=codes)
            return None
        if known is not None and _is_settled(known.reason, known.digest, content_digest(verdict.document)):
            counts["unchanged"] += 1
            return None
        counts["imported"] += 1
        return self.submissions.prepare(verdict, publisher=NATIONAL, hosts=self.partners.hosts())

    def _kind(self, listed: Listed) -> str:
        """``made`` at the site, ``echo`` of an offer known here, or offer of ``others``."""
        address = listed.permalink
        if address is None:
            return "made"
        if self._state.linked(address) is not None or _host(address) in self.partners.hosts():
            return "echo"
        return "made" if self.search.others else "others"

    async def _withdraw(self, walk: Walk, now: int, counts: Counter[str]) -> None:
        """Withdraw the offers that are missing from ``SCANS`` complete scans."""
        on = date.fromisoformat(paris_date(now))
        seen = {offer_id(number) for number in walk.numbers}
        await asyncio.to_thread(self._state.count_missing, seen, season=june_year(on))
        gone: list[Submission] = []
        for made in self._state.missing(scans=SCANS):
            if is_out_of_season(made.weeks, on=on, last_season=made.last_season):
                counts["out_of_season"] += 1
                continue
            partition = partition_of(made.id, self.log.partitions)
            receipt = self.ids.derive(NATIONAL, partition=partition, parts=("absent", made.id, made.revision, now))
            gone.append(Retire(receipt=receipt, id=made.id, if_revision=made.revision, reason="absent"))
        if needs_confirmation(len(gone), self._state.live()):
            counts["kept_by_guard"] = len(gone)
            _log.error("national.scan_shrinks_too_much", would_withdraw=len(gone), live=self._state.live())
            return
        counts["withdrawn"] += len(gone)
        for start in range(0, len(gone), _AT_ONCE):
            await self._submit(gone[start : start + _AT_ONCE])

    async def _submit(self, submissions: list[Any]) -> None:
        """Queue all submissions. Raises LogError; the next scan finds those that were not queued."""
        for outcome in await self.submissions.submit(submissions) if submissions else ():
            if isinstance(outcome, LogError):
                raise outcome


def _is_settled(reason: str | None, known: str, seen: str) -> bool:
    """Whether no submission is needed: the offer is unchanged, or it is moderated. An expired offer that may be
    published today expired by a clock that was ahead.
    """
    return reason == "moderated" or (known == seen and reason is None)


def _host(url: str) -> str:
    """The host of an address; empty where it has none, or cannot be read."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
