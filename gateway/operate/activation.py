"""The operator's act on a release of the schema, or on an end that it announces: the day from which it holds, or that
day taken back (EVO-004, EVO-006).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias

from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.releases import ReleaseBook, count_holding
from gateway.partners.partners import ChangeConflictError
from gateway.protocol.record import Record
from gateway.protocol.release import PARTITION, Activation, activation_key, activation_record, earliest_day
from gateway.protocol.topic import RELEASES
from schemas.rulebook import catalogue
from schemas.rules.beginning import MARKS
from schemas.rules.ending import CODES

LAST_MS = 600_000
"""For so long before its day a release counts as begun: an act that was checked before is on the log by midnight."""
SENT_DAYS = 30
"""An end is not set while a platform has sent what ends within so many days, or has it live."""
Senders: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The platforms that send what ends, by the code of its rule, at an instant."""
READ_SECONDS = 5.0
"""By then each replica has read a record of the topic, and what it accepted before is on the log."""


async def activate(
    desk: Desk,
    book: ReleaseBook,
    release: str,
    day: date,
    *,
    senders: Senders | None,
    force: bool = False,
    seconds: float = READ_SECONDS,
) -> bool:
    """Set the day of a release, or of an end, named by the code of its rule; whether that changed anything: what
    changes nothing is no act, and of two acts at once the one that the log has last holds, as ``book`` then says.
    ``force`` ends what platforms still send, for a reason; ``senders`` says which ones do: needed for an end, unless it
    is postponed. A day is moved after ``seconds``, as it is taken back. Raises RefusedActError, ChangeConflictError,
    LogError.
    """
    await book.catch_up()
    at, present = max(desk.clock(), book.state.at), book.state.activations.get(release)
    if release not in book.knows:
        sentence = f"This gateway knows no release {release} of the schema, but {', '.join(book.knows)}."
        raise RefusedActError("release-unknown", sentence, actual=release)
    if present is not None and present.begins == day:
        return False
    if present is not None and present.has_begun(at + LAST_MS):
        raise _begun(present)
    await _refuse_held(desk, present)
    earliest = max(earliest_day(at), announced_day(release) or date.min)
    if day < earliest:
        sentence = (
            f"A day is two days ahead at least, and that of an end not before the announced one: {earliest} or later."
        )
        raise RefusedActError("release-early", sentence, actual=earliest.isoformat())
    lacking = ", ".join(one.id for one in book.state.lacking(release))
    if lacking:
        sentence = f"These replicas were seen within the hour and do not know the release {release}: {lacking}."
        raise RefusedActError("release-lacking", sentence, actual=lacking)
    fields = tuple(mark for mark, begins_with in MARKS.items() if begins_with == release)
    postponed = present is not None and day > present.begins
    sending = [] if senders is None or postponed else await senders(release, at)
    if sending and not (force and desk.why):
        named = ", ".join(sending)
        sentence = f"Platforms have published offers with it within {SENT_DAYS} days, or have live ones: {named}."
        raise RefusedActError("end-in-use", sentence, actual=named)
    forced = {"forced": sending} if sending else {}
    async with desk.acting("release.activate", release, day=day.isoformat(), **forced) as entry:
        await _let_go(desk, book, present, seconds)
        activation = Activation(release=release, begins=day, fields=fields, entry=entry.number, at=at)
        await desk.log.append(RELEASES, PARTITION, [activation_record(activation)])
    await book.catch_up()
    held = book.state.activations.get(release)
    return held is not None and held.entry == activation.entry


def announced_day(name: str) -> date | None:
    """The day that the schema announces for an end, named by the code of its rule; None for a release."""
    return catalogue()[name].error_from if name in CODES else None


async def take_back(desk: Desk, book: ReleaseBook, release: str, *, seconds: float = READ_SECONDS) -> bool:
    """Take the day of a release back, also of one that this version does not know, while no offer has its fields. One
    that has begun is put off first: an offer that a replica accepts within ``seconds``, before it has read that, keeps
    the release, and so does a process that ends meanwhile. One that has not begun may be put off by another act at this
    moment: it waits as long. Returns and raises as ``activate``.
    """
    await book.catch_up()
    present = book.state.activations.get(release)
    if present is None:
        return False
    await _refuse_held(desk, present)
    async with desk.acting("release.cancel", release, day=present.begins.isoformat()):
        await _let_go(desk, book, present, seconds)
        await desk.log.append(RELEASES, PARTITION, [Record(activation_key(release), None)])
    await book.catch_up()
    return release not in book.state.activations


async def _refuse_held(desk: Desk, present: Activation | None) -> None:
    if present is not None and (number := await count_holding(desk.log, present.fields)):
        raise _begun(present, number)


async def _let_go(desk: Desk, book: ReleaseBook, present: Activation | None, seconds: float) -> None:
    """Return once no replica accepts, and no offer has, a field of a release; at once where it has none."""
    if present is None or not present.fields:
        return
    at = max(desk.clock(), book.state.at)
    put_off = replace(present, begins=earliest_day(at)) if present.has_begun(at + LAST_MS) else present
    if put_off != present:
        await desk.log.append(RELEASES, PARTITION, [activation_record(put_off)])
    await asyncio.sleep(seconds)
    number = await count_holding(desk.log, present.fields)
    await book.catch_up()
    if book.state.activations.get(present.release) != put_off:
        raise ChangeConflictError(f"Another act on the release {present.release} was made at the same time")
    if number:
        await desk.log.append(RELEASES, PARTITION, [activation_record(present)])
        await book.catch_up()
        raise _begun(present, number)


def _begun(present: Activation, number: int | None = None) -> RefusedActError:
    held = "" if number is None else f" Offers that have its fields: {number}."
    sentence = f"The release {present.release} holds from {present.begins} on.{held}"
    return RefusedActError("release-begun", sentence, actual=present.begins.isoformat())
