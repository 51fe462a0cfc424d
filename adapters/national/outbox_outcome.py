"""Outcomes: what a part becomes by the site's answer to a call. Pure."""

from dataclasses import replace
from typing import Any

from adapters.national.answer import AlreadyDeleted, Done, Missing, NotOurs, Outcome, Refused, find_dropped
from adapters.national.plan import Due
from adapters.national.refusal import refusal
from gateway.protocol.delivery import Attempt, Part


def attempting(due: Due, *, sequence: int) -> Part:
    """The part as the log must hold it before the call is made."""
    return replace(due.part, attempt=Attempt(due.call, sequence, due.digest))


def settle(due: Due, outcome: Outcome, *, sequence: int, now: int) -> Part | None:
    """The part after an answer; None where the answer settles nothing. ``sequence`` is the change that was sent."""
    part = due.part
    match due.call, outcome:
        case "create" | "update", Done():
            return _held(due, outcome, sequence, now)
        case "create" | "update", Refused(refusals=refusals):
            return _refused(part, now, *(refusal.to_json() for refusal in refusals))
        case "create" | "update", NotOurs():
            return _refused(part, now, refusal("national-not-ours").to_json())
        case "update", Missing() | AlreadyDeleted():
            return moderated(part, now)
        case "delete", Done() | AlreadyDeleted() | NotOurs():
            return deleted(part, now, sequence=sequence)
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


def given_up(part: Part, now: int, *, said: str) -> Part:
    """A dead letter: tried often enough. What may have come of it is still owed a withdrawal."""
    return replace(part, state="refused", since=now, problems=(refusal("national-given-up", said=said).to_json(),))


def revived(part: Part, now: int) -> Part:
    """The operator wants it tried again. One that was moderated begins anew: its remote id is dead."""
    if part.state == "moderated":
        return dead(part, now)
    return replace(part, state="pending", since=now, digest=None, problems=())


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


def _refused(part: Part, now: int, *problems: dict[str, Any]) -> Part:
    return _settled(part, "refused", now, *problems)


def _settled(part: Part, state: str, now: int, *problems: dict[str, Any]) -> Part:
    changes: dict[str, Any] = {"state": state, "since": now, "attempt": None, "until": None, "problems": problems}
    return replace(part, **changes)
