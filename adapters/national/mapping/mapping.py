"""Maps a shared offer to the bodies that the site takes: one part, or two if collège and seconde are mixed.

A body is always complete, so that it may replace the copy at the site: a field that the offer leaves out is sent as the
site's own default. It never holds ``published_at``, which would undo the site's moderation.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from adapters.national.mapping.body import body_of, is_masked
from adapters.national.mapping.deliverability import (
    Deliverability,
    NotDeliverable,
    Part,
    Past,
    Ready,
    Terms,
    Waiting,
)
from adapters.national.mapping.refusal import Trouble, refusal
from adapters.national.mapping.remote_id import Group
from adapters.national.mapping.seconde import OneWeek, TwoWeeks, weigh_stay
from schemas.rulebook import problem
from schemas.rules import delivery
from schemas.rules.week import COLLEGE
from schemas.schoolyear import years

__all__ = ["Deliverability", "NotDeliverable", "Part", "Past", "Ready", "Terms", "Waiting", "map_offer"]

_LEVELS = ("quatrieme", "troisieme", "seconde")
_SECONDE = ("seconde",)


def map_offer(offer: Mapping[str, Any], *, on: date, terms: Terms) -> tuple[Part, ...]:
    """The parts of an offer in its normal form, as a verdict gives it, on a day in Paris. Empty if the offer is not
    meant for the site: its publisher excludes it, or it came from there.
    """
    wishes = offer.get("redistribution", {})
    if offer["id"].startswith("national:") or not wishes.get("national", True):
        return ()
    obstacles = tuple(_find_obstacles(offer, on, terms))
    return tuple(
        Part(group, _add(obstacles, _map_part(offer, group, levels, on, terms))) for group, levels in _parts(offer)
    )


def _add(obstacles: tuple[Trouble, ...], deliverability: Deliverability) -> Deliverability:
    """The deliverability of a part with the obstacles of the whole offer added."""
    if not obstacles:
        return deliverability
    own = deliverability.refusals if isinstance(deliverability, NotDeliverable | Past) else ()
    return NotDeliverable((*obstacles, *own))


def _parts(offer: Mapping[str, Any]) -> Iterator[tuple[Group, tuple[str, ...]]]:
    """Groups with their levels; the site takes no offer for both collège and lycée."""
    levels = tuple(level for level in _LEVELS if level in offer["levels"])
    college = tuple(level for level in levels if level in COLLEGE)
    if college and college != levels:
        yield "c", college
        yield "l", _SECONDE
    else:
        yield "", levels


def _find_obstacles(offer: Mapping[str, Any], on: date, terms: Terms) -> Iterator[Trouble]:
    """The obstacles that keep all levels of an offer from the site."""
    for find in (delivery.find, delivery.find_address, delivery.find_unplaced):
        for trouble in find(offer, on, None):
            hidden = trouble.code == "not-deliverable:masked-employer"
            if trouble.code.startswith("not-deliverable:") and not (hidden and terms.stands_in):
                yield trouble
    named = is_masked(offer) and terms.stands_in  # under another name the employer's own description is not sent
    if not terms.fillers and (named or "description" not in offer["employer"]):
        yield problem("employer-undescribed", pointer="/employer/description")
    if not offer.get("redistribution", {}).get("regions", True) and not terms.reuse:
        yield refusal("not-deliverable:reuse", pointer="/redistribution/regions")


def _map_part(
    offer: Mapping[str, Any], group: Group, levels: tuple[str, ...], on: date, terms: Terms
) -> Deliverability:
    """The deliverability of one part, with its own weeks and restriction."""
    common = body_of(offer, stand_in=terms.employer_name)
    restrictions = offer.get("restrictions", {})
    rep, qpv = restrictions.get("rep", False), restrictions.get("qpv", False)
    if levels != _SECONDE:
        weeks = _college_weeks(offer, split=group == "c")
        return _complete(common, levels, weeks, rep=rep, qpv=False)
    one_week = terms.one_week and not qpv  # the old interface has no restrictions, and would show the offer to all
    match weigh_stay(offer, on=on, split=group == "l", one_week=one_week):
        case TwoWeeks(weeks):
            return _complete(common, levels, weeks, rep=False, qpv=qpv)
        case OneWeek(period, week):
            return Ready({**common, "period": period}, (week,), levels)
        case Waiting() | Past() | NotDeliverable() as deliverability:
            return deliverability


def _complete(
    common: Mapping[str, Any], levels: tuple[str, ...], weeks: tuple[str, ...], *, rep: bool, qpv: bool
) -> Ready:
    return Ready({**common, "grades": list(levels), "weeks": list(weeks), "rep": rep, "qpv": qpv}, weeks, levels)


def _college_weeks(offer: Mapping[str, Any], *, split: bool) -> tuple[str, ...]:
    """The weeks of pupils of collège: in a split offer without those of seconde, if any remain."""
    weeks = tuple(sorted(offer["weeks"]))
    taken = {week for year in years() for week in year.weeks} if split else set()
    return tuple(week for week in weeks if week not in taken) or weeks
