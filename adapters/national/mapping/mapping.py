"""Maps a shared offer to the bodies that the site takes: one part, or two if collège and seconde are mixed.

A body is always complete, so that it may replace the copy at the site: a field that the offer leaves out is sent as the
site's own default. It never holds ``published_at``, which would undo the site's moderation.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from adapters.national.mapping.body import Suffix, body_of, is_masked
from adapters.national.mapping.deliverability import (
    Deliverability,
    DeliverableLater,
    DeliveryTerms,
    NotDeliverable,
    Obstacle,
    Past,
    Ready,
    WantedPart,
    refusal,
)
from adapters.national.mapping.week import taken_from, year_in_force
from schemas.closed_list import closed_list
from schemas.rulebook import Problem, problem
from schemas.rules import delivery
from schemas.rules.week import COLLEGE, LONG_STAY
from schemas.schoolyear import SchoolYear, is_beyond_file, june_year, monday_of, years, years_ahead

_SECONDE = ("seconde",)


def map_offer(offer: Mapping[str, Any], *, on: date, terms: DeliveryTerms) -> tuple[WantedPart, ...]:
    """The parts of an offer in its normal form, as a verdict gives it, on a day in Paris. Empty if the offer is not
    meant for the site: its publisher excludes it, or it came from there.
    """
    wishes = offer.get("redistribution", {})
    if offer["id"].startswith("national:") or not wishes.get("national", True):
        return ()
    obstacles = tuple(_find_obstacles(offer, on, terms))
    return tuple(
        WantedPart(suffix, _add(obstacles, _map_part(offer, suffix, levels, on, terms)))
        for suffix, levels in levels_of_parts(offer)
    )


def _add(obstacles: tuple[Obstacle, ...], deliverability: Deliverability) -> Deliverability:
    """The deliverability of a part with the obstacles of the whole offer added."""
    if not obstacles:
        return deliverability
    own = deliverability.refusals if isinstance(deliverability, NotDeliverable | Past) else ()
    return NotDeliverable((*obstacles, *own))


def levels_of_parts(offer: Mapping[str, Any]) -> Iterator[tuple[Suffix, tuple[str, ...]]]:
    """The suffixes of an offer's parts with their levels; the site takes no offer for both collège and lycée."""
    levels = tuple(level for level in closed_list("levels") if level in offer["levels"])
    college = tuple(level for level in levels if level in COLLEGE)
    if college and college != levels:
        yield "c", college
        yield "l", _SECONDE
    else:
        yield "", levels


def _find_obstacles(offer: Mapping[str, Any], on: date, terms: DeliveryTerms) -> Iterator[Obstacle]:
    """The obstacles that keep all levels of an offer from the site."""
    for find in (delivery.find, delivery.find_address, delivery.find_unplaced):
        for one in find(offer, on, None):
            hidden = one.code == "not-deliverable:masked-employer"
            if one.code.startswith("not-deliverable:") and not (hidden and terms.has_replacement_name):
                yield one
    # Under another name the employer's own description is not sent.
    named = is_masked(offer) and terms.has_replacement_name
    if not terms.fillers and (named or "description" not in offer["employer"]):
        yield problem("employer-undescribed", pointer="/employer/description")
    if not offer.get("redistribution", {}).get("regions", True) and not terms.reuse:
        yield refusal("not-deliverable:reuse", pointer="/redistribution/regions")


def _map_part(
    offer: Mapping[str, Any], suffix: Suffix, levels: tuple[str, ...], on: date, terms: DeliveryTerms
) -> Deliverability:
    """The deliverability of one part, with its own weeks and restriction. Seconde takes both mandatory weeks of the
    year in force, or one of them by the old interface, as ``period`` 1 or 2.
    """
    common = body_of(offer, replacement_name=terms.employer_name)
    restrictions = offer.get("restrictions", {})
    rep, qpv = restrictions.get("rep", False), restrictions.get("qpv", False)
    if levels != _SECONDE:
        return _complete(common, levels, _college_weeks(offer, split=suffix == "c"), rep=rep, qpv=False)
    one_week = terms.one_week and not qpv  # the old interface has no restrictions, and would show the offer to all
    weeks, long = tuple(sorted(offer["weeks"])), offer["stay_weeks"] == LONG_STAY
    fitting = [year for year in years() if _fits(year, weeks, long=long, one_week=one_week)]
    year = year_in_force(on)
    if year is not None and year in fitting:
        mandatory = _mandatory(year, weeks)
        if long:
            return _complete(common, levels, mandatory if suffix == "l" else weeks, rep=False, qpv=qpv)
        return Ready({**common, "period": year.weeks.index(mandatory[0]) + 1}, mandatory, levels)
    later = [taken_from(year) for year in fitting if taken_from(year) > on]
    if later:
        return DeliverableLater(min(later))
    obstacle = (_seconde_obstacle(weeks, on),)
    return Past(obstacle) if fitting else NotDeliverable(obstacle)


def _complete(
    common: Mapping[str, Any], levels: tuple[str, ...], weeks: tuple[str, ...], *, rep: bool, qpv: bool
) -> Ready:
    return Ready({**common, "grades": list(levels), "weeks": list(weeks), "rep": rep, "qpv": qpv}, weeks, levels)


def _college_weeks(offer: Mapping[str, Any], *, split: bool) -> tuple[str, ...]:
    """The weeks of pupils of collège: in a split offer without those of seconde, if any remain."""
    weeks = tuple(sorted(offer["weeks"]))
    taken = {week for year in years() for week in year.weeks} if split else set()
    return tuple(week for week in weeks if week not in taken) or weeks


def _fits(year: SchoolYear, weeks: tuple[str, ...], *, long: bool, one_week: bool) -> bool:
    """Whether the site takes seconde in a school year: both mandatory weeks, or one by its old interface."""
    mandatory = _mandatory(year, weeks)
    return mandatory == year.weeks if long else one_week and len(mandatory) == 1


def _mandatory(year: SchoolYear, weeks: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these weeks that are mandatory for seconde in a school year."""
    return tuple(week for week in year.weeks if week in weeks)


def _seconde_obstacle(weeks: tuple[str, ...], on: date) -> Problem:
    """The reason why the site takes no seconde with these weeks from a day on: a one-week stay, missing weeks, or a
    school year whose weeks are not known yet.
    """
    ahead = years_ahead(june_year(on))
    if any(_mandatory(year, weeks) == year.weeks for year in ahead):
        return problem("not-deliverable:one-week-stay", pointer="/stay_weeks", expected=2, actual=1)
    unknown = [monday for monday in map(monday_of, weeks) if monday is not None and is_beyond_file(monday)]
    if unknown:
        return problem("not-deliverable:year-unknown", pointer="/weeks", actual=unknown[0].year)
    touched = [year for year in ahead if _mandatory(year, weeks)] or list(ahead[:1]) or [years()[-1]]
    return problem("not-deliverable:mandatory-weeks", pointer="/weeks", expected=list(touched[-1].weeks))
