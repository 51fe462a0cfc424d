"""The protocol's schemas, code lists and rules, and ``check``: the stateless verdict shared by gateway and partners."""

from schemas.checking import Verdict, check, check_submission, check_withdrawal, preload
from schemas.codelist import reference, sector_of
from schemas.decode import MAX_OFFER_BYTES
from schemas.personal import redact
from schemas.refusal import preload_refusals
from schemas.registry import schema, validator
from schemas.rulebook import RELEASE, RULES_VERSION, SCHEMA_VERSION, Problem, Rule, catalogue, localized, problem
from schemas.rules.beginning import NOT_ACTIVATED, Activations

__all__ = [
    "MAX_OFFER_BYTES",
    "NOT_ACTIVATED",
    "RELEASE",
    "RULES_VERSION",
    "SCHEMA_VERSION",
    "Activations",
    "Problem",
    "Rule",
    "Verdict",
    "catalogue",
    "check",
    "check_submission",
    "check_withdrawal",
    "localized",
    "preload",
    "preload_refusals",
    "problem",
    "redact",
    "reference",
    "schema",
    "sector_of",
    "validator",
]
