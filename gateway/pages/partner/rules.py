"""Rules in the words of the catalogue, for refusals that are only counted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from gateway.pages.base.markup import coded, without_values
from schemas.rulebook import Language, catalogue


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule or a problem in one language; the sentence is without its full stop, so that the rule can follow in
    brackets. ``requirement``: its place in the reference, None for an unknown rule.
    """

    code: str
    sentence: Markup
    remedy: Markup | None
    requirement: str | None


def of_rule(code: str, language: Language) -> RuleText:
    """A rule without the values of one problem. A rule of a later version is its code alone."""
    rule = catalogue().get(code)
    if rule is None:
        return RuleText(code, coded(f"`{code}`"), None, None)
    return RuleText(
        code,
        without_values(rule.message[language].removesuffix(".")),
        without_values(rule.fix[language]),
        rule.requirement,
    )


def of_problem(problem: Mapping[str, Any], language: Language) -> RuleText:
    """A problem as a receipt, a run or a delivery has it."""
    fix = problem.get("fix")
    known = catalogue().get(problem["code"])
    return RuleText(
        problem["code"],
        coded(_text(problem["message"], language).removesuffix(".")),
        None if fix is None else coded(_text(fix, language)),
        None if known is None else known.requirement,
    )


def _text(text: Any, language: Language) -> str:
    """Texts are in both languages on the log; some of the national site are in one."""
    return str(text[language]) if isinstance(text, Mapping) else str(text)
