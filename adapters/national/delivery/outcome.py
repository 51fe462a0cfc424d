"""Outcomes: the state of a part after the site's answer to a call. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from adapters.national.delivery.plan import Due
from adapters.national.mapping.deliverability import SiteRefusal, refusal
from adapters.national.site.answer import (
    AlreadyDeleted,
    DoneAnswer,
    Forbidden,
    Missing,
    Outcome,
    RefusedAnswer,
    RightMissing,
    Unrecognized,
    find_dropped,
)
from adapters.national.site.site import OutcomeUnknownError, SiteError, SiteUnavailableError
from gateway.protocol.delivery import Attempt, DeliveryPart
from gateway.protocol.paris_time import PARIS, paris_midnight
from schemas.schoolyear import FLIP

_FLIP_MARGIN = timedelta(days=1)
"""The site changes its school year at midnight of its own, unknown, time zone: at most a day from midnight here."""
_HOUR_MS, _AFTER_HOUR_MS = 3_600_000, 120_000
"""Midnight of most time zones is at a full hour; the site's clock may be late."""
_REMOTE_ID = "/id"
"""Pointer of a refusal about the remote id: of an update, that another row of the account has it too."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The site answered, and the same call may succeed later. ``refusal`` is the reason."""

    refusal: SiteRefusal


Settlement: TypeAlias = DeliveryPart | Retry | None


def attempting(due: Due, *, sequence: int) -> DeliveryPart:
    """The part as it is announced on the log before the call is made."""
    return replace(due.part, attempt=Attempt(due.call, sequence, due.digest))


def settle(due: Due, outcome: Outcome, *, sequence: int, now: int) -> Settlement:
    """The part after an answer, or ``Retry``; None if the answer settles nothing. ``sequence`` is that of the change
    that was sent.

    A 403 never settles a deletion: it ends when the site answers that the offer is deleted, or was never there.
    """
    part = due.part
    match due.call, outcome:
        case "create" | "update", DoneAnswer():
            return _held(due, outcome, sequence, now)
        case "create" | "update", RefusedAnswer(refusals=refusals):
            if _geocoder_failed(due, refusals):
                return Retry(refusal("national-geocoder-failed"))
            others = [one for one in refusals if one.pointer != _REMOTE_ID]
            if due.call == "update" and len(others) < len(refusals):
                # Until the rows are repaired, which no revision of the offer does.
                doubled = refusal("national-doubled", actual=part.remote_id)
                return replace(_refused(due, now, *_to_json(doubled, *others)), until=_tomorrow(now))
            return replace(_refused(due, now, *_to_json(*refusals)), until=_again_on(refusals, now))
        case "create" | "update", Forbidden():
            # A right of the account, which the site may grant any day.
            return replace(_refused(due, now, refusal("national-not-ours").to_json()), until=_tomorrow(now))
        case "update", Missing() | AlreadyDeleted():
            return as_moderated(part, now)
        case "delete", DoneAnswer() | AlreadyDeleted():
            return as_deleted(part, now, sequence=sequence)
        case "delete", Forbidden():
            return Retry(refusal("national-deletion-forbidden"))
        case "delete", Missing():
            return as_deleted(part, now, sequence=part.sequence)
    return None


def as_found(part: DeliveryPart, *, now: int) -> DeliveryPart:
    """The index lists a part whose creation had an unknown outcome: the site holds the body of that call."""
    sent = part.attempt
    return replace(
        _settled(part, "delivered", now),
        sequence=sent.sequence if sent else 0,
        digest=sent.digest if sent else None,
        visible=None,
        delivered_at=now,
    )


def as_lost(part: DeliveryPart, now: int) -> DeliveryPart:
    """A creation of unknown outcome was not made, and is not retried."""
    return _settled(part, "withdrawn", now)


def as_taken(part: DeliveryPart) -> DeliveryPart:
    """The index lists a part that existed before it was sent: its content is unknown, so it is sent again."""
    return replace(part, attempt=None, sequence=part.sequence or 0, digest=None)


def as_deleted(part: DeliveryPart, now: int, *, sequence: int | None) -> DeliveryPart:
    """The site no longer holds the part. With a sequence its remote id is used up; without one it never existed."""
    return replace(_settled(part, "withdrawn", now), sequence=sequence, digest=None, visible=None, answered=None)


def as_dead(part: DeliveryPart, now: int) -> DeliveryPart:
    """The remote id belongs to an offer that was deleted at the site, and can never be used again."""
    return replace(_settled(part, "dead", now), visible=None)


def as_moderated(part: DeliveryPart, now: int) -> DeliveryPart:
    """The site removed the part without a call of this gateway."""
    return replace(_settled(part, "moderated", now, refusal("national-moderated").to_json()), visible=False)


def as_replaced(part: DeliveryPart, now: int) -> DeliveryPart:
    """The part is to be deleted regardless of the offer; its successor takes the next generation."""
    deletion = Attempt("delete", part.sequence or 0)
    return replace(part, state="pending", since=now, until=None, attempt=deletion, problems=())


def as_given_up(part: DeliveryPart, now: int, *, reason: str) -> DeliveryPart:
    """A dead letter: the tries are used up, and the part is retried on the next day. If the call was carried out after
    all, its result is still to be withdrawn.
    """
    return replace(
        part,
        state="refused",
        since=now,
        until=_tomorrow(now),
        problems=(refusal("national-given-up", actual=reason).to_json(),),
    )


def as_refused(part: DeliveryPart, now: int) -> DeliveryPart:
    """Refused with the last reason after all retries; retried on the next day."""
    return replace(part, state="refused", since=now, until=_tomorrow(now))


def as_unreachable(part: DeliveryPart, now: int) -> DeliveryPart:
    """The part as refused: the site's URLs do not reach its remote id, so it can be neither updated nor deleted."""
    return replace(
        part, state="refused", since=now, attempt=None, problems=(refusal("national-unreachable").to_json(),)
    )


def looks_at(part: DeliveryPart) -> int | None:
    """The instant of the next request about a part that waits for the day in ``until`` (ms): on that day, and about a
    refused one after the next full hour, by which the site's own day may have changed. None for any other part.
    """
    if part.state not in {"pending", "refused"} or part.until is None:
        return None
    day = paris_midnight(date.fromisoformat(part.until))
    return max(day, (part.since // _HOUR_MS + 1) * _HOUR_MS + _AFTER_HOUR_MS) if part.state == "refused" else day


def is_due_again(part: DeliveryPart, now: int) -> bool:
    """Whether a refused part has reached its retry."""
    at = looks_at(part)
    return part.state == "refused" and at is not None and now >= at


def as_pending(part: DeliveryPart, now: int) -> DeliveryPart:
    """The part as pending again, on the operator's order. A moderated part becomes dead, as its remote id is."""
    if part.state == "moderated":
        return as_dead(part, now)
    return replace(part, state="pending", since=now, digest=None, until=None, problems=())


def unsettled(due: Due, outcome: Outcome) -> SiteError:
    """The error for a call whose answer settles nothing."""
    if isinstance(outcome, Unrecognized):
        return OutcomeUnknownError(f"the answer is not the site's: {outcome.description}", step=outcome.step)
    if isinstance(outcome, RightMissing):
        return SiteUnavailableError(
            f"the site does not let the account {due.part.account} {due.call} offers",
            step="ask the national site for the right to write offers",
        )
    return OutcomeUnknownError(f"the site answered a {due.call} with {type(outcome).__name__}")


def _held(due: Due, done: DoneAnswer, sequence: int, now: int) -> DeliveryPart:
    dropped = None if due.wanted is None else find_dropped(due.wanted, done)
    return replace(
        _settled(due.part, "delivered", now, *(() if dropped is None else (dropped.to_json(),))),
        sequence=sequence,
        digest=due.digest,
        answered=None if dropped is None else {"weeks": list(done.weeks), "levels": list(done.levels)},
        visible=due.part.visible if done.published else False,
        delivered_at=now,
    )


def _refused(due: Due, now: int, *problems: dict[str, Any]) -> DeliveryPart:
    """The refused part. The site writes weeks and grades of an update before it refuses the rest: digest unknown."""
    refused = _settled(due.part, "refused", now, *problems)
    return replace(refused, digest=None, answered=None) if due.call == "update" else refused


def _to_json(*refusals: SiteRefusal) -> list[dict[str, Any]]:
    return [one.to_json() for one in refusals]


def _geocoder_failed(due: Due, refusals: tuple[SiteRefusal, ...]) -> bool:
    """Whether the only missing value is the position, which the site looks up itself if none is sent."""
    sent = due.wanted is not None and "coordinates" in due.wanted.body
    return not sent and {("national-refused:missing", "/location")} == {(one.code, one.pointer) for one in refusals}


def _again_on(refusals: tuple[SiteRefusal, ...], now: int) -> str | None:
    """The day on which the refused body is sent again; None if that cannot succeed.

    Every body for seconde holds the mandatory weeks of the school year in force here, so a refusal of these weeks means
    that the site uses another year, until its own change of year: near it the call is made every hour. Any body
    refused around that change is sent again after it.
    """
    today = _day(now)
    flip = date(today.year, *FLIP)
    near = abs(today - flip) <= _FLIP_MARGIN
    if any(one.code == "national-refused:mandatory-weeks" for one in refusals):
        return today.isoformat() if near else _tomorrow(now)
    return (flip + _FLIP_MARGIN * 2).isoformat() if near else None


def _tomorrow(now: int) -> str:
    return (_day(now) + timedelta(days=1)).isoformat()


def _day(now: int) -> date:
    return datetime.fromtimestamp(now / 1000, PARIS).date()


def _settled(part: DeliveryPart, state: str, now: int, *problems: dict[str, Any]) -> DeliveryPart:
    changes: dict[str, Any] = {"state": state, "since": now, "attempt": None, "until": None, "problems": problems}
    return replace(part, **changes)
