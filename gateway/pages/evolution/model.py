"""View model of the impact of a release: a line for each rule and platform with offers that it will refuse. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.federation.impact import Impact
from gateway.pages.base.columns import Column
from gateway.pages.partner.rules import RuleText
from schemas.communes import plain_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactLine:
    """Live offers of a platform that a rule will refuse. ``error_from``: the day, empty with the release itself;
    ``least``: whether there may be more, which the stored forms do not show.
    """

    rule: RuleText
    error_from: str
    platform: str
    offers: int
    examples: Sequence[str]
    least: bool


def lines_of(
    impact: Impact, rules: Mapping[str, RuleText], names: Mapping[str, str], platform: str = ""
) -> Sequence[ImpactLine]:
    """The lines, the nearest day first, then the most offers; of one platform, or all."""
    found = [
        ImpactLine(
            rule=rules[one.rule],
            error_from=one.error_from or "",
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
