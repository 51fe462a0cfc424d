"""The impact of a release: live offers that it will refuse at their next change, by rule and platform.

Of a rule that warned an offer when it was received, the warning is stored with it. Any other change is judged on the
stored forms, on this day, by the release's own program: a lower bound, since what is stored was cleaned before.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import schemas
from gateway.federation.federation import Federation
from gateway.operate.activation import SENT_DAYS
from gateway.protocol.identity import platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import Filter, Reader
from gateway.runtime.loop import in_thread
from schemas.evolution.process import PRESENT, Release, names
from schemas.rulebook import Rule
from schemas.rules.ending import CODES
from schemas.rules.renaming import as_sent

MAX_JUDGED = 20_000
"""Offers that are judged for one answer or page; a command judges all."""
EXAMPLES = 10
CLEANED = ("personal-data", "text-invisible")
"""The warnings of what is removed before an offer is stored."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Live offers of a platform, and the ids of some."""

    platform: str
    offers: int
    examples: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleImpact:
    """A rule that will refuse offers: from a day on, or with the release. ``platforms``: those with such offers."""

    rule: str
    error_from: str | None
    platforms: Sequence[Affected]

    @property
    def offers(self) -> int:
        """The offers of all platforms."""
        return sum(one.offers for one in self.platforms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The refusals of stored forms that the offers' own releases accept: of ``examined`` offers of ``live``, of which
    ``cleaned`` were cleaned before they were stored.
    """

    live: int
    examined: int
    cleaned: int
    rules: Sequence[RuleImpact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The impact of a release on a day: by stored warnings, and by the release's verdict on stored forms."""

    release: str
    on: str
    warned: Sequence[RuleImpact]
    judged: Judged

    def to_json(self) -> dict[str, Any]:
        """As API and command give it."""
        counts = {name: getattr(self.judged, name) for name in ("live", "examined", "cleaned")}
        judged = {**counts, "lower_bound": True, "rules": [*map(_rule_json, self.judged.rules)]}
        return {"release": self.release, "on": self.on, "warned": [*map(_rule_json, self.warned)], "judged": judged}


def _rule_json(one: RuleImpact) -> dict[str, Any]:
    platforms = [{"platform": of.platform, "offers": of.offers, "examples": [*of.examples]} for of in one.platforms]
    day = {} if one.error_from is None else {"error_from": one.error_from}
    return {"rule": one.rule, **day, "offers": one.offers, "platforms": platforms}


def find_origin(release: str) -> str | None:
    """The origin of the release with this name, if it is in force or on file: what a partner names is never a path."""
    return PRESENT if release == schemas.RELEASE else release if release in names() else None


async def find_impact(
    federation: Federation, platforms: Sequence[str], origin: str = PRESENT, *, most: int | None = MAX_JUDGED
) -> Impact:
    """The impact of a release (its name, folder or tree) on the live offers of these platforms, of which it judges at
    most ``most``. Raises ReleaseError.
    """
    on = paris_date(federation.clock())
    async with federation.judging:
        days = {release: day.isoformat() for release, day in federation.releases.activations.items()}
        ends = {code: day.isoformat() for code, day in federation.releases.state.days.items()}
        judges = _Judges(origin, on, days)
        try:
            name, rules = await in_thread(judges.new_rules)
            warned = await _warned(federation, platforms, {code: ends.get(code, day) for code, day in rules.items()})
            judged = await _judge(federation, platforms, judges, most)
        finally:
            judges.close()
    return Impact(release=name, on=on, warned=warned, judged=judged)


async def senders_of(federation: Federation, code: str, now: int) -> Sequence[str]:
    """The platforms that send what ends by the rule of a code: offers of theirs were accepted with its warning within
    thirty days, or are live with it. What is unchanged in a feed is not received again.
    """
    if code not in CODES:
        return ()
    last = date.fromisoformat(paris_date(now))
    counts = await federation.statistics.counts(
        last - timedelta(days=SENT_DAYS - 1), last, by=("platform", "verdict", "rule")
    )
    found = {str(one.platform) for one in counts if one.rule == code and one.verdict in {"accepted", "duplicate"}}
    for platform in (partner.platform for partner in federation.partners.all()):
        if (await federation.offers.warned(platform, [[code]], most=0))[0][0]:
            found.add(platform)
    return sorted(found)


class _Judges:
    """The processes of the releases that judge, each started when it is needed. For the threads of one comparison."""

    def __init__(self, origin: str, on: str, activations: Mapping[str, str]) -> None:
        self._origin, self._on, self._activations = origin, on, activations
        self._open: dict[str, Release] = {}

    def new_rules(self) -> tuple[str, Mapping[str, str | None]]:
        """The name of the release that is asked for, and each of its rules that refuses, with its day if it has one."""
        if self._origin == PRESENT:
            found = {code: rule.error_from for code, rule in schemas.catalogue().items() if _refuses(rule)}
            return schemas.RELEASE, {code: None if day is None else day.isoformat() for code, day in found.items()}
        facts = self._release(self._origin).facts
        rules = {rule["code"]: rule.get("error_from") for rule in facts["rules"]}
        severe = {rule["code"] for rule in facts["rules"] if rule["severity"] == "error"}
        return facts["release"], {code: day for code, day in rules.items() if day or code in severe}

    def refusals(self, states: Sequence[OfferState]) -> list[tuple[str, str]]:
        """Code and id for each rule by which the release refuses an offer that its own release accepts on that day."""
        if self._origin == PRESENT:
            states = [state for state in states if state.release != schemas.RELEASE]
        refused = [(state, codes) for state, codes in self._codes(self._origin, states) if codes]
        found = []
        for release in {state.release for state, _ in refused}:
            some = [one for one in refused if one[0].release == release]
            before: Iterable[tuple[OfferState, Sequence[str]]] = ((state, ()) for state, _ in some)
            if release in (schemas.RELEASE, *names()):
                own = PRESENT if release == schemas.RELEASE else str(release)
                before = self._codes(own, [state for state, _ in some])
            found += [
                (code, state.id)
                for (state, codes), (_, earlier) in zip(some, before, strict=True)
                if not earlier
                for code in codes
            ]
        return found

    def _codes(self, origin: str, states: Sequence[OfferState]) -> list[tuple[OfferState, Sequence[str]]]:
        """The codes by which a release refuses each stored form; none where it accepts it."""
        if not states:
            return []
        offers = [as_sent(state.offer or {}) for state in states]
        answers = self._release(origin).judge("submission", self._on, offers, self._activations)
        return [(state, answer.codes) for state, answer in zip(states, answers, strict=True)]

    def _release(self, origin: str) -> Release:
        if origin not in self._open:
            self._open[origin] = Release(origin)
        return self._open[origin]

    def close(self) -> None:
        """End the processes."""
        for release in self._open.values():
            release.close()


def _refuses(rule: Rule) -> bool:
    return rule.severity == "error" or rule.error_from is not None


async def _warned(
    federation: Federation, platforms: Sequence[str], days: Mapping[str, str | None]
) -> Sequence[RuleImpact]:
    """The rules with a day, and those without one of which there are warnings, by the stored warnings."""
    found: dict[str, list[Affected]] = {code: [] for code in sorted(days)}
    for platform in platforms:
        numbers = await federation.offers.warned(platform, [[code] for code in found], most=EXAMPLES)
        for code, (number, examples) in zip(found, numbers, strict=True):
            if number:
                found[code].append(Affected(platform=platform, offers=number, examples=examples))
    return [
        RuleImpact(rule=code, error_from=days[code], platforms=of)
        for code, of in found.items()
        if of or days[code] is not None
    ]


async def _judge(federation: Federation, platforms: Sequence[str], judges: _Judges, most: int | None) -> Judged:
    """Without the rules that an offer was warned of: they are counted by its warnings."""
    found: dict[str, dict[str, list[str]]] = {}
    examined = 0
    async for states in _stored(federation, platforms, most):
        examined += len(states)
        warned = {state.id: state.warned for state in states}
        for code, offer_id in await in_thread(partial(judges.refusals, states)):
            if code not in warned[offer_id]:
                found.setdefault(code, {}).setdefault(platform_of(offer_id), []).append(offer_id)
    cleaned = [await federation.offers.warned(platform, [CLEANED], most=0) for platform in platforms]
    return Judged(
        live=sum([await federation.offers.count(platform) for platform in platforms]),
        examined=examined,
        cleaned=sum(number for ((number, _),) in cleaned),
        rules=[
            RuleImpact(
                rule=code,
                error_from=None,
                platforms=[
                    Affected(platform=platform, offers=len(ids), examples=ids[:EXAMPLES])
                    for platform, ids in sorted(of.items())
                ],
            )
            for code, of in sorted(found.items())
        ],
    )


async def _stored(
    federation: Federation, platforms: Sequence[str], most: int | None
) -> AsyncIterator[Sequence[OfferState]]:
    """The live offers of these platforms as they are stored, some at once, at most so many."""
    left = most
    for platform in platforms:
        after: str | None = None
        while left is None or left > 0:
            states, after = await federation.offers.page(
                reader=Reader(platform),
                criteria=Filter(platform=frozenset({platform})),
                after=after,
                limit=_AT_ONCE if left is None else min(_AT_ONCE, left),
                own=True,
            )
            left = None if left is None else left - len(states)
            yield states
            if after is None:
                break
