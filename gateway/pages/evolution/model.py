"""View model of the impact of a release: a line for each rule and platform with offers that it will refuse. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.federation.impact import Impact
from gateway.pages.base.columns import Column
from gateway.pages.partner.rules import RuleText
from schemas.communes import plain_name
from schemas.rules.ending import CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactLine:
    """Live offers of a platform that a rule will refuse. ``error_from``: the day, empty with the release itself;
    ``earliest``: whether it may be a later one, since the end has no day yet; ``least``: whether there may be more
    offers, which the stored forms do not show.
    """

    rule: RuleText
    error_from: str
    earliest: bool
    platform: str
    offers: int
    examples: Sequence[str]
    least: bool


def day_of(code: str, announced: str | None, days: Mapping[str, date]) -> tuple[str, bool]:
    """The day from which a rule refuses, empty with the release itself; whether it is only the earliest one."""
    if code in days:
        return days[code].isoformat(), False
    return announced or "", code in CODES


def lines_of(
    impact: Impact,
    rules: Mapping[str, RuleText],
    names: Mapping[str, str],
    platform: str = "",
    *,
    days: Mapping[str, date],
) -> Sequence[ImpactLine]:
    """The lines, the nearest day first, then the most offers; of one platform, or all. ``days``: those of ends."""
    found = [
        ImpactLine(
            rule=rules[one.rule],
            error_from=(day := day_of(one.rule, one.error_from, days))[0],
            earliest=day[1],
            platform=names[of.platform],
            offers=of.offers,
            examples=of.examples,
            least=least,
        )
        for listed, least in ((impact.warned, False), (impact.judged.rules, True))
        for one in listed
        for of in one.platforms
        if platform in ("", of.platform)
    ]
    return sorted(found, key=lambda line: (line.error_from, -line.offers, plain_name(line.platform)))


def _name(line: ImpactLine) -> str:
    return line.rule.name.striptags()


def columns() -> Sequence[Column[ImpactLine]]:
    """The columns of the list, and of its file."""
    return (
        Column("rule", _name, lambda line: plain_name(_name(line))),
        Column("code", lambda line: line.rule.code),
        Column("refuses", lambda line: line.error_from),
        Column("platform", lambda line: line.platform, lambda line: plain_name(line.platform)),
        Column("offers", lambda line: line.offers, kind="n"),
        Column("examples", lambda line: " ".join(line.examples)),
    )
