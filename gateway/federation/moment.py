"""The moment of a federation as notices need it, read from its views."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import schemas
from gateway.federation.doctor import examine_disk
from gateway.federation.federation import Federation
from gateway.federation.refused import Refused
from gateway.federation.status import facts_of
from gateway.notices.events import BUCKET_MS, DATED_DAYS, MODERATIONS, USUAL_DAYS, Moment, events
from gateway.notices.notice import KEPT_MS, Event, Ledger
from gateway.protocol.contact import Contacts
from gateway.protocol.journal import JournalEntry, JournalFilter
from gateway.protocol.paris_time import paris_date
from gateway.protocol.refused_offers import REFUSED
from gateway.push.acts import subscription_document
from gateway.push.book import settings_of
from schemas.schoolyear import calendar_end

_DAY_MS = 24 * 3_600_000
_EVERY_MS = 60_000
_PAGE = 1_000


class Moments:
    """Reads the facts that are due to contacts. Without a contact nothing is read. ``folder``: of the data, whose disk
    may be near its bound.
    """

    def __init__(self, federation: Federation, folder: Path) -> None:
        self._federation = federation
        self._folder = folder
        self._read_at: int | None = None

    async def events(self, contacts: Contacts, ledger: Ledger) -> Sequence[Event]:
        """The facts of this moment; none while a view is being filled, and none again within a minute."""
        federation = self._federation
        recent = self._read_at is not None and 0 <= federation.clock() - self._read_at < _EVERY_MS
        if not contacts or recent or not federation.caught_up:
            return ()
        partners = [partner.platform for partner in federation.partners.all()]
        live = {slug: await federation.offers.count(slug) for slug in partners}
        facts = await facts_of(federation, live=live)
        moment = Moment(
            facts=facts,
            terms=federation.terms,
            refusals=await self._refusals(facts.now),
            entries=await self._entries(facts.now),
            dated=await self._dated(partners, facts.now),
            stopped=await self._stopped(),
            disk_low=(await asyncio.to_thread(examine_disk, self._folder)).state != "ok",
            calendar_end=calendar_end(),
        )
        return events(moment, contacts, ledger)

    async def _refusals(self, now: int) -> dict[str, dict[str, int]]:
        """Refused offers by platform and day, as the pages count them: one that is sent again is still one."""
        last = date.fromisoformat(paris_date(now))
        count = self._federation.statistics.counts
        found: dict[str, dict[str, int]] = {}
        for one in await count(last - timedelta(days=USUAL_DAYS + 1), last, by=("platform", "day", "verdict")):
            if one.verdict in REFUSED and one.platform is not None and one.day is not None:
                days = found.setdefault(one.platform, {})
                days[one.day] = days.get(one.day, 0) + Refused.of(one).offers
        return found

    async def _dated(self, platforms: Sequence[str], now: int) -> dict[str, dict[date, int]]:
        """Live offers by platform and the day from which a rule that warns of them refuses them; no end has one before
        it is set.
        """
        today, days = date.fromisoformat(paris_date(now)), defaultdict[date, list[str]](list)
        for code, rule in schemas.catalogue().items():
            day = self._federation.releases.activations.get(code, rule.error_from)
            if day is not None and 0 < (day - today).days <= max(DATED_DAYS):
                days[day].append(code)
        found = {}
        for platform in platforms if days else ():
            numbers = await self._federation.offers.warned(platform, [*days.values()], most=0)
            found[platform] = {day: number for day, (number, _) in zip(days, numbers, strict=True)}
        return found

    async def _stopped(self) -> dict[str, list[str]]:
        """The disabled subscriptions to pushes by platform. One that is enabled and disabled again is another fact."""
        book, found = self._federation.subscriptions, {}
        await book.catch_up()
        for partner in self._federation.partners.all():
            items = settings_of(book.state, partner).items
            documents = [(one, subscription_document(book, partner.platform, one, owner=False)) for one in items]
            found[partner.platform] = [f"{one.id} {one.enables}" for one, of in documents if of["state"] == "disabled"]
        return found

    async def _entries(self, now: int) -> list[JournalEntry]:
        """Acts of moderation since the last reading, and of the notices' whole time at the start: a fact that was found
        before is the same notice.
        """
        since = now - KEPT_MS + _DAY_MS if self._read_at is None else self._read_at - 4 * BUCKET_MS
        criteria = JournalFilter(acts=MODERATIONS, since=since)
        found: list[JournalEntry] = []
        before, more = None, True
        while more:
            entries, before, more = await self._federation.journal.page(before=before, limit=_PAGE, criteria=criteria)
            found += entries
        self._read_at = now
        return found
