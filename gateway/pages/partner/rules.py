"""Rules in the words of the catalogue, for refusals that are only counted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from gateway.pages.base.markup import coded
from schemas.rulebook import Language, Rule, catalogue, find_rule


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule or a problem in one language. ``name``: a few words, its code for a rule of a later version; ``sentence``:
    what one problem says, without its full stop, None for a rule that is only counted; ``requirement``: its place in
    the reference, None for an unknown rule and those of reading.
    """

    code: str
    name: Markup
    sentence: Markup | None
    remedy: Markup | None
    requirement: str | None


def of_rule(code: str, language: Language, pointer: str | None = None) -> RuleText:
    """A rule without the values of one problem, but for the field that the pointer names; without its remedy where
    that needs another value.
    """
    rule, known = find_rule(code), {} if pointer is None else {"field": pointer.rpartition("/")[2]}
    try:
        remedy = None if rule is None else coded(rule.fix[language].format(**known))
    except KeyError:
        remedy = None
    return RuleText(code, _name(rule, code, language), None, remedy, _requirement(code))


def of_problem(problem: Mapping[str, Any], language: Language) -> RuleText:
    """A problem as a receipt, a run or a delivery has it."""
    code, fix = problem["code"], problem.get("fix")
    return RuleText(
        code,
        _name(find_rule(code), code, language),
        coded(_text(problem["message"], language).removesuffix(".")),
        None if fix is None else coded(_text(fix, language)),
        _requirement(code),
    )


def _name(rule: Rule | None, code: str, language: Language) -> Markup:
    return coded(f"`{code}`" if rule is None else rule.name[language])


def _requirement(code: str) -> str | None:
    known = catalogue().get(code)
    return None if known is None else known.requirement


def _text(text: Any, language: Language) -> str:
    """Texts are in both languages on the log; some of the national site are in one."""
    return str(text[language]) if isinstance(text, Mapping) else str(text)
