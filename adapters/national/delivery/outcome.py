"""Outcomes: what a part becomes by the site's answer to a call. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from adapters.national.delivery.plan import Due
from adapters.national.mapping.refusal import Refusal, refusal
from adapters.national.mapping.week import FLIP
from adapters.national.site.answer import (
    AlreadyDeleted,
    Done,
    Missing,
    NotOurs,
    Outcome,
    Refused,
    find_dropped,
)
from gateway.protocol.decide import PARIS
from gateway.protocol.delivery import Attempt, Part

_FLIP_MARGIN = timedelta(days=1)
"""The site changes its school year at midnight of its own time zone, which is unknown: at most a day off ours."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The site answered, and the same call may succeed later. ``refusal`` says why it did not yet."""

    refusal: Refusal


Settlement: TypeAlias = Part | Retry | None


def attempting(due: Due, *, sequence: int) -> Part:
    """The part as the log must hold it before the call is made."""
    return replace(due.part, attempt=Attempt(due.call, sequence, due.digest))


def settle(due: Due, outcome: Outcome, *, sequence: int, now: int) -> Settlement:
    """The part after an answer, or why to call again; None where the answer settles nothing. ``sequence`` is the change
    that was sent.

    No 403 withdraws: a deletion ends when the site says that the offer is deleted, or that it never held it.
    """
    part = due.part
    match due.call, outcome:
        case "create" | "update", Done():
            return _held(due, outcome, sequence, now)
        case "create" | "update", Refused(refusals=refusals):
            if _geocoder_failed(due, refusals):
                return Retry(refusal("national-geocoder-failed"))
            return replace(_refused(due, now, *(one.to_json() for one in refusals)), until=_again_on(refusals, now))
        case "create" | "update", NotOurs():
            return _refused(due, now, refusal("national-not-ours").to_json())
        case "update", Missing() | AlreadyDeleted():
            return moderated(part, now)
        case "delete", Done() | AlreadyDeleted():
            return deleted(part, now, sequence=sequence)
        case "delete", NotOurs():
            return Retry(refusal("national-deletion-forbidden"))
        case "delete", Missing():
            return deleted(part, now, sequence=part.sequence)
    return None


def found(part: Part, *, now: int) -> Part:
    """The index lists a part whose creation had no answer: it holds what was sent then."""
    sent = part.attempt
    return replace(
        _settled(part, "delivered", now),
        sequence=sent.sequence if sent else 0,
        digest=sent.digest if sent else None,
        visible=None,
        delivered_at=now,
    )


def lost(part: Part, now: int) -> Part:
    """A creation without an answer was not made, and is not to be made again."""
    return _settled(part, "withdrawn", now)


def occupied(part: Part) -> Part:
    """The index lists a part that was there before it was sent: what it holds is not known, so it is sent again."""
    return replace(part, attempt=None, sequence=part.sequence or 0, digest=None)


def deleted(part: Part, now: int, *, sequence: int | None) -> Part:
    """The site no longer holds it. With a sequence its remote id is used up; without one it was never there."""
    return replace(_settled(part, "withdrawn", now), sequence=sequence, digest=None, visible=None, answered=None)


def dead(part: Part, now: int) -> Part:
    """Its remote id is taken by an offer that was deleted there: nothing will ever come of it."""
    return replace(_settled(part, "dead", now), visible=None)


def moderated(part: Part, now: int) -> Part:
    """It is gone there without our doing."""
    return replace(_settled(part, "moderated", now, refusal("national-moderated").to_json()), visible=False)


def replaced(part: Part, now: int) -> Part:
    """It has to go, whatever the offer asks for: what comes after it takes the next generation."""
    deletion = Attempt("delete", part.sequence or 0)
    return replace(part, state="pending", since=now, until=None, attempt=deletion, problems=())


def given_up(part: Part, now: int, *, said: str) -> Part:
    """A dead letter: tried often enough, and tried again on the next day. What may have come of it is still owed a
    withdrawal.
    """
    return replace(
        part,
        state="refused",
        since=now,
        until=(_day(now) + timedelta(days=1)).isoformat(),
        problems=(refusal("national-given-up", said=said).to_json(),),
    )


def refused_after_tries(part: Part, now: int) -> Part:
    """The site kept asking for another try: refused with its last reason, and tried again on the next day."""
    return replace(part, state="refused", since=now, until=(_day(now) + timedelta(days=1)).isoformat())


def is_due_again(part: Part, now: int) -> bool:
    """Whether a refused part has reached the day on which it is tried again."""
    return part.state == "refused" and part.until is not None and _day(now) >= date.fromisoformat(part.until)


def revived(part: Part, now: int) -> Part:
    """The operator wants it tried again. One that was moderated begins anew: its remote id is dead."""
    if part.state == "moderated":
        return dead(part, now)
    return replace(part, state="pending", since=now, digest=None, until=None, problems=())


def _held(due: Due, done: Done, sequence: int, now: int) -> Part:
    dropped = None if due.wish is None else find_dropped(due.wish, done)
    return replace(
        _settled(due.part, "delivered", now, *(() if dropped is None else (dropped.to_json(),))),
        sequence=sequence,
        digest=due.digest,
        answered=None if dropped is None else {"weeks": list(done.weeks), "levels": list(done.levels)},
        visible=due.part.visible if done.shown else False,
        delivered_at=now,
    )


def _refused(due: Due, now: int, *problems: dict[str, Any]) -> Part:
    """The site writes weeks and grades of an update before it refuses the rest, so what it holds then is unknown."""
    refused = _settled(due.part, "refused", now, *problems)
    return replace(refused, digest=None, answered=None) if due.call == "update" else refused


def _geocoder_failed(due: Due, refusals: tuple[Refusal, ...]) -> bool:
    """Whether all that the site misses is the position that it looks up itself where none is sent."""
    sent = due.wish is not None and "coordinates" in due.wish.body
    return not sent and {("national-refused:missing", "/location")} == {(one.code, one.pointer) for one in refusals}


def _again_on(refusals: tuple[Refusal, ...], now: int) -> str | None:
    """The day on which what the site refuses now is sent again; None where that is in vain.

    Every body for seconde holds the mandatory weeks of the school year in force here, so a refusal of these means that
    the site looks at another year; it may do so until its own change of the year. Whatever it refuses around that
    change is sent again after it.
    """
    today = _day(now)
    if any(one.code == "national-refused:mandatory-weeks" for one in refusals):
        return (today + timedelta(days=1)).isoformat()
    flip = date(today.year, *FLIP)
    near = abs(today - flip) <= _FLIP_MARGIN
    return (flip + _FLIP_MARGIN * 2).isoformat() if near else None


def _day(now: int) -> date:
    return datetime.fromtimestamp(now / 1000, PARIS).date()


def _settled(part: Part, state: str, now: int, *problems: dict[str, Any]) -> Part:
    changes: dict[str, Any] = {"state": state, "since": now, "attempt": None, "until": None, "problems": problems}
    return replace(part, **changes)
