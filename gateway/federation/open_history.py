"""The numbers of public offers by day and department: written once a day, read for the pages of territories.

Nothing else on the log says how many offers everybody could see on a day that is past. A record of ``statistics`` has
the numbers of one day, under a name of that day, so that several replicas write it and it counts once. Only offers that
were in public count (RTE-015), so no number reveals another one.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date

from gateway.errors import LogError
from gateway.federation.federation import Federation
from gateway.federation.public_offers import agreeing_platforms
from gateway.protocol.paris_time import paris_date
from gateway.protocol.statistics import CountRecord, count_record
from gateway.protocol.topic import STATISTICS

_EVERY_SECONDS = 300.0
_PARTITION = 0
_NAME = "open."


async def keep_open_history(federation: Federation, *, every: float = _EVERY_SECONDS) -> None:
    """Write the numbers of each day once, until cancelled."""
    while True:
        with suppress(LogError):  # tried again
            await note_open_offers(federation)
        await asyncio.sleep(every)


async def note_open_offers(federation: Federation) -> bool:
    """Write the numbers of today unless they are known; whether that was done. Raises LogError."""
    today = paris_date(federation.clock())
    day = date.fromisoformat(today)
    if not federation.caught_up or await federation.statistics.open_offers(day, day):
        return False
    platforms = agreeing_platforms(federation)
    if not platforms:
        return False
    counts = await federation.offers.open_departments(platforms)
    record = CountRecord(f"{_NAME}{today}", 1, {}, open={today: counts})
    await federation.log.append(STATISTICS, _PARTITION, [count_record(record)])
    return True


async def open_history(federation: Federation, departments: Collection[str], last: date) -> Mapping[str, int]:
    """By day, as far as it is on file, the public offers of some departments up to a day."""
    return await federation.statistics.open_offers(date.min, last, departments=departments)
