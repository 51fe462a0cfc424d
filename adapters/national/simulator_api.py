"""What the simulated site answers to the calls about offers: its order of checks, its soft deletions, its owners."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeAlias

from adapters.national.simulator_rules import (
    KEYS,
    OLD_KEYS,
    BrokenError,
    assign,
    find_errors,
    find_mistake,
    mandatory_weeks,
)
from adapters.national.simulator_shape import write_shape
from adapters.national.simulator_stock import Operator, Row, Stock, last_friday

Offer: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a body."""

    status: int
    body: Any


def refuse(status: HTTPStatus, code: str | int, error: Any) -> Reply:
    """The site's form of an error."""
    return Reply(status, {"code": code, "error": error})


def create(stock: Stock, operator: Operator, body: Any, *, now: int, on: date, old: bool) -> Reply:
    """POST. ``old``: by the interface of 2024, which makes grades and weeks from ``period``."""
    offer = _offer_of(body, old=old, on=on)
    if isinstance(offer, Reply):
        return offer
    missing = next((name for name in ("grades", "weeks") if offer.get(name) is None), None)
    if missing is not None:
        return _payload(missing)
    mistake = None if old else find_mistake(offer, on)
    if mistake is not None:
        return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "WRONG_PARAMS", mistake)
    remote_id = offer.get("remote_id")
    row = Row(owner=operator, remote_id=None if remote_id is None else str(remote_id), open_data=operator.open_data)
    assign(row, offer)
    if any(other.owner is operator for other in stock.named(row.remote_id or "")):
        said = f"api with this remote_id ({row.remote_id}) already exists"
        return refuse(HTTPStatus.CONFLICT, "DUPLICATE_API", said)
    errors = find_errors(row)
    if errors:
        return refuse(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", errors)
    if not row.weeks:
        raise BrokenError("the first day may not be null")
    row.published_at = now
    return Reply(HTTPStatus.CREATED, write_shape(stock.put(row)))


def update(stock: Stock, operator: Operator, remote_id: str, body: Any, *, now: int, on: date, old: bool) -> Reply:
    """PATCH. It finds any account's row, also a deleted one, which it changes without bringing it back."""
    offer = _offer_of(body, old=old, on=on)
    sent = offer if not isinstance(offer, Reply) else {}
    mistake = find_mistake(sent, on) if not old and sent.get("weeks") and sent.get("grades") else None
    if mistake is not None:
        return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "WRONG_PARAMS", mistake)
    found = stock.named(remote_id)
    if not found:
        return _not_found()
    if isinstance(offer, Reply):
        return offer
    if not operator.may_change(found[0]):
        return refuse(HTTPStatus.FORBIDDEN, "FORBIDDEN", "You are not authorized to access this page.")
    row = replace(found[0], owner=operator)
    assign(row, offer)
    if "published_at" in offer:
        row.published_at = None if offer["published_at"] is None else now
    errors = find_errors(row)
    if errors:
        return refuse(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", errors)
    return Reply(HTTPStatus.OK, write_shape(stock.put(row)))


def delete(stock: Stock, operator: Operator, remote_id: str, *, now: int) -> Reply:
    """DELETE, of the account's own row only; it stays there, dead. Of several rows the database gives one that is still
    alive, as it writes a changed row behind the others; ``stock.oldest_first`` plays a database that gives the oldest.
    """
    own = [row for row in stock.named(remote_id) if row.owner is operator]
    kept = [] if stock.oldest_first else [row for row in own if row.kept]
    row = next(iter([*kept, *own]), None)
    if row is None:
        return _not_found()
    if not row.kept:
        return refuse(HTTPStatus.CONFLICT, "API_ALREADY_DESTROYED", "api already destroyed")
    row.discarded_at = now
    return Reply(HTTPStatus.OK, write_shape(row))


def search(stock: Stock, operator: Operator, query: Mapping[str, str], *, on: date) -> list[Row]:
    """What search finds: neither full offers nor ended ones, nor those of autumn weeks alone."""
    keyword = query.get("keyword", "").casefold()
    return [
        row
        for row in stock.live()
        if row.open_data
        and not row.full
        and _is_in_season(row.weeks, on)
        and (not keyword or keyword in f"{row.title} {row.description} {row.employer_description}".casefold())
        and (not operator.departments or (row.zipcode or "").startswith(tuple(operator.departments)))
    ]


def day_of(now: int, zone: tzinfo) -> date:
    """The day in the site's time zone."""
    return datetime.fromtimestamp(now / 1000, zone).date()


@lru_cache(maxsize=4096)
def _is_in_season(weeks: tuple[str, ...], on: date) -> bool:
    """Whether offers of these weeks are shown on a day; many offers share them."""
    last = int(mandatory_weeks(on)[1].partition("-W")[2])
    spring = any(int(week.partition("-W")[2]) <= last for week in weeks)
    friday = last_friday(weeks)
    return spring and friday is not None and on < friday


def _offer_of(body: Any, *, old: bool, on: date) -> dict[str, Any] | Reply:
    """The keys that the interface knows; the old one adds grades and weeks."""
    offer = body.get("internship_offer") if isinstance(body, dict) else None
    if not isinstance(offer, dict) or not offer:
        return _payload("internship_offer")
    if not old:
        return _permitted(offer, KEYS)
    period = offer.get("period", 0)
    if period not in {0, 1, 2}:
        return refuse(HTTPStatus.BAD_REQUEST, 401, {"period": ["n'est pas dans la liste"]})
    both = mandatory_weeks(on)
    weeks = both if period == 0 else both[period - 1 : period]
    return {**_permitted(offer, OLD_KEYS), "grades": ["seconde"], "weeks": list(weeks)}


def _permitted(offer: Offer, keys: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in offer.items() if name in keys}


def _payload(name: str) -> Reply:
    said = f"param is missing or the value is empty or invalid: {name}"
    return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "BAD_PAYLOAD", said)


def _not_found() -> Reply:
    return refuse(HTTPStatus.NOT_FOUND, "NOT_FOUND", "can't find internship_offer with this remote_id")
