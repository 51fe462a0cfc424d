"""Offer calls of the simulated site: create, update and delete, with its order of checks, soft deletion and owners."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from demo.national_site.body import COLLEGE, RowDraft, assign, find_errors, find_overflow, permit
from demo.national_site.framework import BrokenError, SiteReply, answer, leading_whole, refuse, to_instant, to_text
from demo.national_site.shape import write_shape
from demo.national_site.stock import Operator, SiteOffer, Stock
from demo.national_site.week import mandatory_on, read_weeks

_PERIODS = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCall:
    """One call: account, instant in milliseconds since 1970, day in the site's time zone, whether by v1 (``old``)."""

    stock: Stock
    operator: Operator
    now: int
    on: date
    old: bool


def create(call: SiteCall, params: Mapping[str, Any]) -> SiteReply:
    """POST: create and publish an offer. Raises BrokenError."""
    cited: set[str] = set()
    body = params.get("internship_offer")
    if not call.old:
        early = _check_creation(call, body)
        if early is not None:
            return early
    offer = permit(body, old=call.old, creating=True, cited=cited) if isinstance(body, dict) else {}
    if not isinstance(body, dict) or (call.old and not offer):
        return _payload("internship_offer")
    remote_id = to_text(offer.get("remote_id"))
    row = SiteOffer(owner=call.operator, remote_id=remote_id, open_data=call.operator.open_data)
    draft = RowDraft(row, creating=True, cited=cited)
    row.weeks = _old_weeks(call, body, cited) if call.old else read_weeks(_list_of(body["weeks"]), cited)
    assign(draft, offer, call.stock)
    if not call.operator.open_data:
        cited.add("create.open-data")
    return _name_taken(call, row, cited) or _refusal(draft) or _insert(call, draft)


def update(call: SiteCall, remote_id: str, params: Mapping[str, Any]) -> SiteReply:
    """PATCH: finds the row of any account, also a deleted one, which stays deleted. Raises BrokenError."""
    cited: set[str] = set()
    body = params.get("internship_offer")
    early = _check_old_period(body) if call.old else _check_change(call, body)
    if early is not None:
        return early
    weeks = _sent_weeks(call, body, cited)
    found = call.stock.found(remote_id)
    if not found:
        return refuse("update.missing", "can't find internship_offer with this remote_id")
    if len(found) > 1:
        cited.add("update.order")
    offer = permit(body, old=call.old, creating=False, cited=cited) if isinstance(body, dict) else {}
    if not offer and (weeks is None or call.old):
        return _payload("internship_offer")
    before = found[0]
    if not call.operator.may_change(before):
        return refuse("update.foreign", "You are not authorized to access this page.", cited)
    if before.owner is not call.operator:
        cited.add("update.team")
    draft = RowDraft(replace(before, owner=call.operator), creating=False, cited=cited)
    if weeks is not None:
        draft.row.weeks = weeks
    assign(draft, offer, call.stock)
    _set_published(draft, before, offer, call.now)
    before.weeks, before.grades = draft.row.weeks, draft.row.grades
    _find_taken(call, draft)
    return _refusal(draft, written=True) or _write(call, draft)


def delete(call: SiteCall, remote_id: str) -> SiteReply:
    """DELETE: marks the account's own row as deleted; the row remains."""
    row = next((row for row in call.stock.found(remote_id) if row.owner is call.operator), None)
    if row is None:
        return refuse("delete.missing", "can't find internship_offer with this remote_id")
    if not row.kept:
        return refuse("delete.twice", "api already destroyed")
    row.discarded_at = call.now
    call.stock.touch(row)
    return answer("delete.done", write_shape(row))


def day_of(now: int, zone: tzinfo) -> date:
    """The day of an instant (milliseconds since 1970) in the site's time zone."""
    return datetime.fromtimestamp(now / 1000, zone).date()


def _check_creation(call: SiteCall, body: Any) -> SiteReply | None:
    """First checks of a v2 creation: body, grades, weeks. Raises BrokenError."""
    if body is None or body is False:
        return _payload("internship_offer")
    if not isinstance(body, dict):
        raise BrokenError("body.not-object")
    for name in ("grades", "weeks"):
        if body.get(name) is None or body[name] is False:
            return _payload(name, rule="create.incomplete")
    wrong = _find_wrong(call, body)
    return None if wrong is None else refuse(*wrong, _cite_year(wrong[0]))


def _check_change(call: SiteCall, body: Any) -> SiteReply | None:
    """The same checks for a v2 change with both grades and weeks; malformed weeks break the site before. Raises
    BrokenError.
    """
    if body is None or body is False:
        return None
    if not isinstance(body, dict):
        raise BrokenError("body.not-object")
    if body.get("weeks") is None or body["weeks"] is False:
        return None
    read_weeks(_list_of(body["weeks"]), set())
    if body.get("grades") is None or body["grades"] is False:
        return None
    wrong = _find_wrong(call, body)
    return None if wrong is None else refuse("update.checked", wrong[1], {wrong[0], *_cite_year(wrong[0])})


def _find_wrong(call: SiteCall, body: Mapping[str, Any]) -> tuple[str, str] | None:
    """The violated rule of grades and weeks with the site's message, or None. Raises BrokenError."""
    grades, weeks = body["grades"], body["weeks"]
    if not isinstance(grades, str | list):
        raise BrokenError("grades.text")
    if "seconde" not in grades:
        return None
    if isinstance(grades, str):
        raise BrokenError("grades.text")
    if COLLEGE.intersection(map(str, grades)):
        return "create.mixed", "Grades must be either college or lycee, not both"
    if not all(week in weeks for week in mandatory_on(call.on, call.stock)):
        return "create.mandatory", "All mandatory weeks must be included for seconde grade"
    return None


def _cite_year(rule: str) -> set[str]:
    return {"weeks.year"} if rule == "create.mandatory" else set()


def _check_old_period(body: Any) -> SiteReply | None:
    if body is not None and not isinstance(body, dict):
        raise BrokenError("body.not-object")
    period = (body or {}).get("period")
    if period is None or period is False or leading_whole(period) in _PERIODS:
        return None
    return refuse("update.old-period", {"period": ["n'est pas inclus(e) dans la liste"]})


def _sent_weeks(call: SiteCall, body: Any, cited: set[str]) -> tuple[str, ...] | None:
    """The weeks of a change; None where it writes none. Raises BrokenError."""
    if not isinstance(body, dict):
        return None
    if call.old:
        cited.add("update.old-weeks")
        return _old_weeks(call, body, cited)
    return None if body.get("weeks") is None or body["weeks"] is False else read_weeks(_list_of(body["weeks"]), cited)


def _old_weeks(call: SiteCall, body: Mapping[str, Any], cited: set[str]) -> tuple[str, ...]:
    """v1: one of the mandatory weeks, or both, by ``period``."""
    period = leading_whole(body.get("period", 0))
    cited |= {"weeks.old", "weeks.year"} if period in _PERIODS else {"weeks.old", "weeks.year", "create.old-period"}
    both = mandatory_on(call.on, call.stock)
    return read_weeks(both[period - 1 : period] if period in {1, 2} else both, set())


def _list_of(weeks: Any) -> list[Any]:
    if not isinstance(weeks, list):
        raise BrokenError("weeks.malformed")
    return weeks


def _set_published(draft: RowDraft, before: SiteOffer, offer: Mapping[str, Any], now: int) -> None:
    if "published_at" not in offer:
        return
    instant = to_instant(offer["published_at"])
    if instant is None:
        draft.cited.add("update.unpublished")
        draft.row.published_at = None
    elif before.published_at is None:
        draft.cited.add("update.republished")
        draft.row.published_at = now
    else:
        draft.cited.add("update.dated")
        draft.row.published_at = instant


def _taken(call: SiteCall, row: SiteOffer) -> list[SiteOffer]:
    """The account's other rows with this remote id, as the uniqueness check sees them."""
    others = [one for one in call.stock.named(row.remote_id or "") if one.owner is call.operator and one.id != row.id]
    return others if call.stock.unknown.dead_names_are_taken else [one for one in others if one.kept]


def _name_taken(call: SiteCall, row: SiteOffer, cited: set[str]) -> SiteReply | None:
    """409 for a duplicate remote id, before all other checks."""
    taken = _taken(call, row)
    if taken:
        rule = "create.duplicate" if any(one.kept for one in taken) else "create.dead-name"
        return refuse(rule, f"api with this remote_id ({row.remote_id}) already exists", cited)
    if any(one.owner is not call.operator for one in call.stock.named(row.remote_id or "")):
        cited.add("create.other-name")
    return None


def _find_taken(call: SiteCall, draft: RowDraft) -> None:
    if _taken(call, draft.row):
        draft.wrong.append(("remote_id", "n'est pas disponible", "update.name-taken"))


def _refusal(draft: RowDraft, *, written: bool = False) -> SiteReply | None:
    """The refusal by the model's checks. ``written``: weeks and grades are already stored. Raises BrokenError."""
    wrong = find_errors(draft)
    behind = {"update.writes-first"} if written else set()
    if wrong:
        errors: dict[str, list[str]] = {}
        for name, sentence, _ in wrong:
            errors.setdefault(name, []).append(sentence)
        return refuse(wrong[0][2], errors, {rule for _, _, rule in wrong} | draft.cited | behind)
    if find_overflow(draft.row) is not None:
        raise BrokenError("check.column")
    return None


def _insert(call: SiteCall, draft: RowDraft) -> SiteReply:
    if not draft.row.weeks:
        raise BrokenError("create.no-weeks")
    draft.row.published_at = call.now
    return _save(call, draft, "create.done")


def _write(call: SiteCall, draft: RowDraft) -> SiteReply:
    draft.cited.add("update.partial")
    if not draft.row.kept:
        draft.cited.add("update.dead")
    return _save(call, draft, "update.done")


def _save(call: SiteCall, draft: RowDraft, rule: str) -> SiteReply:
    row = draft.row
    if row.employer_chosen_name and row.employer_chosen_name.strip():
        draft.cited.add("name.chosen")
        row.employer_name = row.employer_chosen_name
    if row.coordinates is not None and not -90 <= row.coordinates[0] <= 90:
        draft.cited.add("check.range")
    return answer(rule, write_shape(call.stock.put(row)), draft.cited)


def _payload(name: str, *, rule: str = "body.missing") -> SiteReply:
    return refuse(rule, f"param is missing or the value is empty or invalid: {name}")
