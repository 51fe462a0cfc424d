"""View model of the fields of an offer, and of the requirements, each with the rules that enforce it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from gateway.pages.base.markup import coded, without_values
from schemas.reference_pages import FieldRow, field_rows
from schemas.requirements import sentences
from schemas.rulebook import Language, Rule, catalogue


@cache
def fields(language: Language) -> Sequence[FieldRow]:
    """Every field of the offer, in the schema's order; its texts are markup."""
    return [replace(row, form=coded(row.form), text=coded(row.text)) for row in field_rows(language)]


@cache
def families(language: Language) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The requirements by the first letters of their ids, in the protocol's order, each with the rules that enforce
    it.
    """
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for rule in catalogue().values():
        rules.setdefault(rule.requirement, []).append(_entry(rule, language))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for id_, sentence in sentences().items():
        entry = {"id": id_, "sentence": coded(f"{sentence[language]}."), "rules": rules.get(id_, ())}
        found.setdefault(id_.partition("-")[0], []).append(entry)
    return found


def _entry(rule: Rule, language: Language) -> Mapping[str, Any]:
    """A rule. ``status``: the HTTP status of an answer that it alone determines."""
    return {
        "code": rule.code,
        "severity": rule.severity,
        "status": rule.status,
        "name": rule.name[language],
        "sentence": without_values(rule.message[language], language),
        "consequence": None if rule.consequence is None else without_values(rule.consequence[language], language),
        "remedy": without_values(rule.fix[language], language),
    }
