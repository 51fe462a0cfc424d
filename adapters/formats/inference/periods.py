"""Candidates for weeks: weeks or periods as they are, first and last days, a first day and a duration, a first day."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from adapters.formats.inference.candidate import FieldCandidate
from adapters.formats.inference.evidence import Evidence, evidence, of_kind
from adapters.formats.inference.kinds import date_pattern, share
from adapters.formats.inference.names import holds_word, name_of, name_score, phrase_score, tokens, words
from adapters.formats.inference.scores import of_name
from adapters.formats.inference.survey import PathValues
from adapters.formats.moment import holds_span, read_date, read_day, read_weeks
from adapters.formats.path import Path, write_path
from adapters.formats.problem import UnreadableValueError
from adapters.formats.text import one_line
from schemas.schoolyear import week_of

_NAMED = 0.6
_MAJORITY = 0.6
_MAX_SPAN = 35
"""Days: a longer period is no stay of pupils, but what it may be taken from."""
_LIKELY, _VERIFY = 0.8, 0.6
"""The highest scores of what may be meant otherwise."""
_WEEK_WORDS, _DAY_WORDS = frozenset(("semaine", "week", "sem", "wk")), frozenset(("jour", "day"))
_UNIT_WORDS = frozenset(("unite", "unit"))
_CONTRACT = frozenset(("contrat", "contract", "embauche", "hiring", "hire", "employment", "emploi"))
"""Words of a path about a contract of work, whose days are no weeks of pupils."""


def weeks_of(paths: Sequence[PathValues], count: int, on: date) -> list[FieldCandidate]:
    """The candidates for weeks, those that say most first."""
    found = [*_written(paths, count, on), *_years(paths, count), *_pairs(paths, count), *_starts(paths, count)]
    return sorted(found, key=lambda one: (one.group, -one.score))


def _coverage(one: PathValues, count: int) -> float:
    return 0.6 + 0.4 * one.items / count


def _is_other(path: Path) -> bool:
    """Whether a date is about something else: publication, change, deadline."""
    return holds_word(words()["dates"]["other"], path) or name_score("expires_on", path) > 0.9


def _written(paths: Sequence[PathValues], count: int, on: date) -> Iterator[FieldCandidate]:
    """Paths with weeks, or with whole periods."""
    for one in paths:
        named = 0.0 if _is_other(one.path) else name_score("weeks", one.path)
        if named >= 0.9 and share(one, "week_number") == 1.0 and not name_of(one.path).blocked:
            # The right path, although its values cannot be read without a map.
            yield _as_written(one, _NAMED * named * _coverage(one, count), [of_name(one.path)], group=4)
            continue
        readable = share(one, "weeks")
        bounds = any(phrase_score(words()["dates"][side]["exact"], one.path) >= _NAMED for side in ("start", "end"))
        if readable < _MAJORITY or bounds or name_of(one.path).blocked:
            continue
        telling = share(one, "iso_week") > _MAJORITY or _holds_spans(one)
        if not telling and (share(one, "clock") > 0 or not _to_come(one, on) or (named < 0.9 and not _mondays(one))):
            continue
        if not named and (not telling or _is_other(one.path)):
            continue
        score = 0.55 * named + 0.45 * readable if named else 0.62 * readable
        score = score if telling else min(score, _LIKELY)
        found = [of_name(one.path)] if named else []
        kind = "iso_week" if share(one, "iso_week") > _MAJORITY else "weeks"
        found.append(of_kind(kind, share(one, kind), len(one.values)))
        yield _as_written(one, score * _coverage(one, count), found, group=0 if telling else 2)


def _as_written(one: PathValues, score: float, found: Sequence[Evidence], *, group: int) -> FieldCandidate:
    rule = {"path": write_path(one.path)}
    return FieldCandidate("weeks", (one.path,), score, rule, tuple(found), (one,), group)


def _holds_spans(one: PathValues) -> bool:
    return bool(one.values) and sum(map(holds_span, one.values)) > _MAJORITY * len(one.values)


def _days(one: PathValues) -> list[date | None]:
    """The dates at a path, None for a day that the calendar does not have; none at all if they are no dates."""
    pattern = date_pattern(one.counts)
    if pattern is None:
        return []
    return [_day(value, pattern) for value in one.values]


def _day(text: str, pattern: str) -> date | None:
    try:
        return date.fromisoformat(read_day(one_line(text), pattern)) if pattern else read_date(text)
    except UnreadableValueError:
        return None


def _to_come(one: PathValues, on: date) -> bool:
    try:
        weeks = read_weeks(one.values)
    except UnreadableValueError:
        return False
    return sum(week >= week_of(on) for week in weeks) >= len(weeks) / 2


def _mondays(one: PathValues) -> bool:
    days = _days(one)
    return len(days) > 1 and all(day is not None and day.isoweekday() == 1 for day in days)


def _years(paths: Sequence[PathValues], count: int) -> Iterator[FieldCandidate]:
    """Years and numbers of weeks of one object: ``2027`` and ``24``."""
    named = words()["dates"]
    years = [
        one for one in paths if share(one, "year") == 1.0 and phrase_score(named["year"]["exact"], one.path) > _NAMED
    ]
    for week in paths:
        score = phrase_score(named["week"]["exact"], week.path)
        if score < _NAMED or share(week, "week_of_year") < 1.0:
            continue
        for year in years:
            if _belong(year.path, week.path) and year.indexes == week.indexes:
                found = [of_kind("iso_week", 1.0, len(week.values))]
                yield _joined(year, week, (0.55 * score + 0.45) * _coverage(week, count), found, glue="-W", group=0)


def _bounds(paths: Sequence[PathValues], side: str) -> list[tuple[PathValues, float]]:
    """The dates that their names call a first, or a last, day."""
    found = []
    for one in paths:
        named = phrase_score(words()["dates"][side]["exact"], one.path)
        if named >= _NAMED and not _is_other(one.path) and date_pattern(one.counts) is not None:
            found.append((one, named))
    return found


def _pairs(paths: Sequence[PathValues], count: int) -> Iterator[FieldCandidate]:
    """First and last days of one object, in order."""
    starts = _bounds(paths, "start")
    for last, also in _bounds(paths, "end"):
        named = [one for one in starts if _may_pair(one[0], last)]
        unnamed = [(one, also) for one in paths if _is_counterpart(one, last) and _may_pair(one, last)]
        for first, how in named or unnamed:
            readable = min(_possible(first), _possible(last))
            score = (0.55 * (how + also) / 2 + 0.45) * _coverage(first, count) * (0.4 + 0.6 * readable)
            long = _longest(first, last) > _MAX_SPAN
            if long and _is_of_a_contract(first.path):
                continue
            score = min(score, _VERIFY if long else _LIKELY) if long or _is_of_a_contract(first.path) else score
            yield _joined(first, last, score, [evidence("pair")], glue=" - ", group=1)


def _possible(one: PathValues) -> float:
    """The share of the days at a path that the calendar has."""
    days = _days(one)
    return sum(day is not None for day in days) / len(days) if days else 0.0


def _may_pair(first: PathValues, last: PathValues) -> bool:
    return first.path != last.path and _belong(first.path, last.path) and _in_order(first, last)


def pair_of(first: PathValues, last: PathValues) -> FieldCandidate:
    """The candidate of a first and a last day that a person names."""
    return _joined(first, last, 1.0, [], glue=" - ", group=0)


def _is_counterpart(first: PathValues, last: PathValues) -> bool:
    """Whether a date has the name of a last day without the words that say so: ``value`` and ``end_value``."""
    here, there = (frozenset(tokens(one.path[-1])) for one in (first, last))
    ending = frozenset(word for phrase in words()["dates"]["end"]["exact"] for word in tokens(phrase))
    return here < there and there - here <= ending and date_pattern(first.counts) is not None


def _belong(first: Path, last: Path) -> bool:
    """Whether two paths are members of one object, or of its members, with the same number in their names."""
    beside = first[:-1] == last[:-1] or (len(first) == len(last) > 1 and first[:-2] == last[:-2])
    return beside and _numbers(first) == _numbers(last)


def _numbers(path: Path) -> tuple[str, ...]:
    return tuple(word for name in path for word in tokens(name) if word.isdigit())


def _in_order(first: PathValues, last: PathValues) -> bool:
    pairs = list(zip(_days(first), _days(last), strict=False))
    known = [(begin, end) for begin, end in pairs if begin is not None and end is not None]
    together = first.indexes == last.indexes[: len(first.indexes)]
    return bool(known) and together and all(begin <= end for begin, end in known)


def _longest(first: PathValues, last: PathValues) -> int:
    """The days of the longest period."""
    pairs = zip(_days(first), _days(last), strict=False)
    return max(((end - begin).days for begin, end in pairs if begin is not None and end is not None), default=0)


def _starts(paths: Sequence[PathValues], count: int) -> Iterator[FieldCandidate]:
    """First days with a duration, and first days alone."""
    for first, named in _bounds(paths, "start"):
        if _is_of_a_contract(first.path):
            continue
        score = (0.55 * named + 0.4) * _coverage(first, count)
        for length in paths:
            how_long = phrase_score(words()["dates"]["duration"]["exact"], length.path)
            unit = _unit(length, paths) if how_long >= _NAMED and share(length, "duration") > 0.8 else None
            if unit is not None and not length.listed and length.repeated == first.repeated:
                unit_text = [{"constant": "jours"}] if unit == "day" else []
                parts = [evidence("duration")]
                yield _joined(first, length, score, parts, glue=" ", group=2, between="+", after=unit_text)
        # Alone, a first day says neither how long the stay is nor that there is no other.
        mondays = [evidence("mondays")] if _mondays(first) else []
        alone = min(score, _LIKELY) if mondays else min(score - 0.1, _VERIFY)
        yield _joined(first, None, alone, mondays, glue="", group=3)


def _is_of_a_contract(path: Path) -> bool:
    name = name_of(path)
    return not _CONTRACT.isdisjoint(name.leaf | name.above)


def _unit(length: PathValues, paths: Sequence[PathValues]) -> str | None:
    """The unit of the durations at a path, by their name, their values or a path for the unit beside; None if it is
    unknown: two may be weeks or months.
    """
    named = frozenset(tokens(length.path[-1]))
    beside = [one for one in paths if one.path[:-1] == length.path[:-1] and _UNIT_WORDS & set(tokens(one.path[-1]))]
    stated = frozenset(word for one in beside for value in one.distinct for word in tokens(value))
    if (named | stated) & _DAY_WORDS:
        return "day" if all(value.strip().isdigit() for value in length.values) else "written"
    written = all(re.search(r"[A-Za-z]", value) for value in length.values)
    return "week" if written or (named | stated) & _WEEK_WORDS else None


def _joined(
    first: PathValues,
    second: PathValues | None,
    score: float,
    found: Sequence[Evidence],
    *,
    glue: str,
    group: int,
    between: str = "",
    after: Sequence[dict[str, Any]] = (),
) -> FieldCandidate:
    """A candidate of one or two paths, applied to each object of a list that both are in."""
    both = [one for one in (first, second) if one is not None]
    at = first.repeated
    shared = at is not None and all(one.path[:at] == first.path[:at] and one.repeated == at for one in both)
    each = first.path[:at] if shared and second is not None else ()
    parts: list[dict[str, Any]] = []
    for index, one in enumerate(both):
        part: dict[str, Any] = {"path": write_path(one.path[len(each) :])}
        if (pattern := date_pattern(one.counts)) and (index == 0 or not between):
            part["date"] = pattern
        parts += [{"constant": between}, part] if index and between else [part]
    rule: dict[str, Any] = parts[0] if second is None else {"join": {"parts": [*parts, *after], "with": glue}}
    if each:
        rule = {"each": write_path(each), **rule}
    paths = tuple(one.path for one in both)
    return FieldCandidate("weeks", paths, score, rule, (*map(of_name, paths), *found), tuple(both), group)
