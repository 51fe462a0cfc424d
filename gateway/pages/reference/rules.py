"""View model of the fields of an offer, and of the requirements, each with the rules that enforce it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from markupsafe import Markup

from gateway.pages.base.markup import coded, without_values
from schemas.reference_pages import FieldRow, field_rows
from schemas.requirements import sentences
from schemas.rulebook import Language, Rule, catalogue


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule. ``status``: the HTTP status of an answer that it alone determines."""

    code: str
    severity: str
    status: int | None
    sentence: Markup
    consequence: Markup | None
    remedy: Markup


@dataclass(frozen=True, slots=True)
class RequirementRules:
    """A sentence of the protocol, and the rules that enforce it."""

    id: str
    sentence: Markup
    rules: Sequence[RuleEntry]


@cache
def fields(language: Language) -> Sequence[FieldRow]:
    """Every field of the offer, in the schema's order; its texts are markup."""
    return [replace(row, form=coded(row.form), text=coded(row.text)) for row in field_rows(language)]


@cache
def families(language: Language) -> Mapping[str, Sequence[RequirementRules]]:
    """The requirements by the first letters of their ids, in the protocol's order."""
    rules: dict[str, list[RuleEntry]] = {}
    for rule in catalogue().values():
        rules.setdefault(rule.requirement, []).append(_entry(rule, language))
    found: dict[str, list[RequirementRules]] = {}
    for id_, sentence in sentences().items():
        entry = RequirementRules(id_, coded(f"{sentence[language]}."), rules.get(id_, ()))
        found.setdefault(id_.partition("-")[0], []).append(entry)
    return found


def _entry(rule: Rule, language: Language) -> RuleEntry:
    return RuleEntry(
        rule.code,
        rule.severity,
        rule.status,
        without_values(rule.message[language]),
        None if rule.consequence is None else without_values(rule.consequence[language]),
        without_values(rule.fix[language]),
    )
