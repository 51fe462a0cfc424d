"""View model of refused offers, one by one: documents refused at the door, and refused receipts. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.federation.refused import RefusedFacts
from gateway.pages.partner.rules import RuleText, of_problem, of_rule
from gateway.protocol.record import read_utc
from gateway.protocol.refused_document import RefusedDocument
from schemas.rulebook import Language

MAX_FIELDS = 5
_ITEMS = re.compile(r"(?:/[0-9]+)+$")


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A broken rule: its words, and where in the document, None where there is no one field. ``value``: the one at
    fault, where it is kept and no sentence has it.
    """

    rule: RuleText
    pointer: str | None
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOffer:
    """A refused offer. ``offer``: the id, None for a document that names none, which then has a ``receipt``, or its
    ``number`` in the upload, from 1 on; ``at`` in ms.
    """

    platform: str
    offer: str | None
    at: int
    reasons: Sequence[BrokenRule]
    receipt: str | None = None
    number: int | None = None


def refusals(facts: RefusedFacts, language: Language) -> Sequence[RefusedOffer]:
    """Receipts of the verdict ``rejected`` and documents refused at the door, newest first."""
    found = [
        *(_of_receipt(one, language) for one in facts.receipts),
        *(_of_document(one, language) for one in facts.documents),
    ]
    return sorted(found, key=lambda one: -one.at)


def fields_at_fault(found: Iterable[RefusedOffer]) -> Mapping[str, Sequence[str]]:
    """By rule, the first fields that the refusals name; all items of a list are one field."""
    fields: dict[str, dict[str, None]] = {}
    for reason in (reason for one in found for reason in one.reasons):
        if reason.pointer:
            field = _ITEMS.sub("", reason.pointer)
            fields.setdefault(reason.rule.code, {})[field] = None
    return {rule: list(names)[:MAX_FIELDS] for rule, names in fields.items()}


def reasons_of(document: RefusedDocument, language: Language) -> Sequence[BrokenRule]:
    """The rules that a document breaks, without the values of its fields, which are not kept."""
    return [BrokenRule(of_rule(rule, language, pointer), pointer) for rule, pointer in document.fields.items()]


def reason_of(problem: Mapping[str, Any], language: Language) -> BrokenRule:
    """The reason that a problem gives."""
    if "message" in problem:
        return BrokenRule(of_problem(problem, language), problem.get("pointer"))
    value = problem.get("actual")
    pointer = problem.get("pointer")
    return BrokenRule(of_rule(problem["code"], language, pointer), pointer, None if value is None else str(value))


def reasons_of_receipt(receipt: Mapping[str, Any], language: Language) -> Sequence[BrokenRule]:
    """The problems of a receipt; of a refusal only those that refuse."""
    problems = receipt.get("problems", ())
    errors = [one for one in problems if is_error(one)] if receipt["verdict"] == "rejected" else ()
    return [reason_of(one, language) for one in errors or problems]  # all where a later version knows other severities


def is_error(problem: Mapping[str, Any]) -> bool:
    """Whether a problem refuses."""
    return bool(problem.get("severity") == "error")


def _of_receipt(receipt: Mapping[str, Any], language: Language) -> RefusedOffer:
    return RefusedOffer(
        platform=str(receipt["publisher"]),
        offer=receipt.get("id"),
        at=read_utc(receipt["at"]),
        reasons=reasons_of_receipt(receipt, language),
        receipt=str(receipt["receipt"]),
    )


def _of_document(document: RefusedDocument, language: Language) -> RefusedOffer:
    return RefusedOffer(
        platform=document.platform,
        offer=document.id,
        at=document.at,
        reasons=reasons_of(document, language),
        number=None if document.index is None else document.index + 1,
    )
