"""The stateless verdict: decode, validate, apply rules, normalise. Pure: bytes and day determine the verdict.

``preload`` reads the packaged files beforehand: a service without free file descriptors can still give verdicts.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import orjson

from schemas.closed_list import closed_list
from schemas.codelist import reference
from schemas.decode import decode, find_too_deep
from schemas.explain import explain
from schemas.folding import narrow
from schemas.normal import normalise, redacted
from schemas.refusal import preload_refusals
from schemas.registry import definition_validator, fast_validator, schema_names, structure_validator, validator
from schemas.rulebook import Problem, problem
from schemas.rules import CHECKS, FINDERS, LOCATION_FIELDS, PLAIN_FINDERS, beginning, ending, renaming
from schemas.rules import text as texts
from schemas.rules.beginning import NOT_ACTIVATED, Activations
from schemas.rules.extension import find_excess
from schemas.rules.location import match_territory
from schemas.suspicion import is_plain, is_suspect
from schemas.territory import Territory

_LISTS = (*closed_list("reference_list"), "academies")
_REFUSED = {
    "id": "example:1",
    "revision": 1,
    "title": "",
    "employer": {"name": "A", "siret": "1"},
    "location": {"postal_code": "75001", "city": "Paris", "latitude": 48.86, "longitude": 2.34},
    "levels": ["seconde"],
    "weeks": ["2027-W24"],
    "sector": "s5",
    "apply_url": "https://example.org/",
}
"""A document that breaks many rules."""


class Verdict(NamedTuple):
    """Result of a check. ``problems`` holds all problems, errors first; any error means not accepted.

    ``id`` and ``revision`` are set if they are readable and well formed, also when refused. ``document`` is the object
    as decoded, exactly as sent (its digest is computed from it); None if it could not be decoded.
    ``offer`` is a normalised and redacted copy with ``stay_weeks`` and ``expires_on`` filled in; ``territory`` is
    ``{"department", "region", "academie"}``; ``expires_on`` an ISO date: these three only for an accepted offer.
    ``withdrawal`` is the reason of an accepted withdrawal.
    """

    accepted: bool
    problems: tuple[Problem, ...] = ()
    id: str | None = None
    revision: int | None = None
    document: dict[str, Any] | None = None
    offer: dict[str, Any] | None = None
    territory: dict[str, Any] | None = None
    expires_on: str | None = None
    withdrawal: str | None = None


def check(raw: bytes, *, on: date, explained: bool = True, activations: Activations = NOT_ACTIVATED) -> Verdict:
    """The verdict on one offer document. ``raw`` is UTF-8 JSON of at most 100,000 bytes; ``on`` is the day of
    receipt in Europe/Paris. Never raises, for any content of ``raw``. With ``explained`` false, a document that breaks
    the schema is refused with the single problem ``not-explained``, at a twentieth of the cost. ``activations`` are the
    days from which the fields of releases hold.
    """
    document = decode(raw)
    if isinstance(document, list):
        return Verdict(accepted=False, problems=tuple(document))
    return _check_offer(document, on, activations, explained=explained)


def check_withdrawal(raw: bytes, *, on: date, explained: bool = True) -> Verdict:
    """The verdict on ``{"id", "revision", "withdrawn"}`` (schema ``withdrawal``); ``explained`` as in ``check``."""
    document = decode(raw)
    if isinstance(document, list):
        return Verdict(accepted=False, problems=tuple(document))
    return _check_withdrawal(document, on, explained=explained)


def check_submission(
    raw: bytes, *, on: date, explained: bool = True, activations: Activations = NOT_ACTIVATED
) -> Verdict:
    """The verdict on a batch line: a withdrawal if the object has the key ``withdrawn``, else an offer.
    ``explained`` and ``activations`` as for ``check``.
    """
    document = decode(raw)
    if isinstance(document, list):
        return Verdict(accepted=False, problems=tuple(document))
    if "withdrawn" in document:
        return _check_withdrawal(document, on, explained=explained)
    return _check_offer(document, on, activations, explained=explained)


def _check_offer(document: dict[str, Any], on: date, activations: Activations, *, explained: bool) -> Verdict:
    if "extensions" in document:
        if deep := find_too_deep(document):
            return Verdict(accepted=False, problems=tuple(deep))
        if excess := find_excess(document):
            return _refuse_excess(document, excess, on, activations)
    dated = _find_dated(document, on, activations)
    text = texts.joined(document) if structure_validator("offer").is_valid(document) else ""
    suspect = not text or not is_plain(text)
    if suspect:
        if not text or not fast_validator("offer").is_valid(document):
            return _refuse_malformed("offer", document, on, dated, explained=explained)
        suspect = is_suspect(text)
    located = match_territory(document)
    territory = located.territory
    # Text of ordinary French is in normal form C and holds no invisible character.
    problems = texts.find(document) if suspect and narrow(text) is None else []
    problems += dated
    problems += located.problems
    for find in FINDERS if suspect else PLAIN_FINDERS:
        found = find(document, on, territory)
        if found:
            problems += found
    if problems and _any_error(problems, on):
        return _refuse(document, [*problems, *redacted(document)[1]], on)
    if territory is None:
        raise AssertionError("a place without territory is an error")
    return _accept(document, problems, on, activations, territory, suspect=suspect)


def _accept(
    document: dict[str, Any],
    problems: list[Problem],
    on: date,
    activations: Activations,
    territory: Territory,
    *,
    suspect: bool,
) -> Verdict:
    """Accept a document without errors, unless what is redacted from it is an error by that day."""
    offer, redactions = normalise(document, suspect=suspect)
    if redactions and _any_error(redactions, on):
        return _refuse(document, [*problems, *redactions], on)
    if beginning.MARKS:
        offer = beginning.filled(offer, on, activations)
    if renaming.RENAMED:
        offer = renaming.with_both(offer, on, activations)
    return Verdict(
        True,  # positional: this is the hot path
        (*problems, *redactions),
        offer["id"],
        offer["revision"],
        document,
        offer,
        territory.to_json(),
        offer["expires_on"],
    )


def _find_dated(document: dict[str, Any], on: date, activations: Activations) -> list[Problem]:
    """The fields and values that have not begun on a day, and those that end."""
    early = beginning.find(document, on, activations) if beginning.MARKS else []
    return [*early, *ending.find(document, on, activations)] if ending.CODES else early


def _any_error(problems: list[Problem], on: date) -> bool:
    return any(one.received(on).severity == "error" for one in problems)


def _refuse_excess(document: dict[str, Any], excess: list[Problem], on: date, activations: Activations) -> Verdict:
    """Refuse extensions beyond their bounds; the rest of the document is checked without them."""
    rest = {name: value for name, value in document.items() if name != "extensions"}
    return _refuse(rest, [*excess, *_check_offer(rest, on, activations, explained=True).problems], on)


def _refuse_malformed(
    name: str, document: dict[str, Any], on: date, dated: list[Problem], *, explained: bool
) -> Verdict:
    """Refuse a document that breaks the schema; ``dated``: its fields and values that have not begun, or end. The rules
    still check every sound field, so that one verdict reports all problems, unless the list of problems is truncated.
    """
    if not explained:
        return _refuse(document, [problem("not-explained")], on)
    deep = find_too_deep(document)
    if deep:
        return Verdict(accepted=False, problems=tuple(deep))
    problems = explain(name, document)
    if name != "offer" or problems[-1].code == "more-problems":
        return _refuse(document, problems, on)
    broken = [one.pointer for one in problems]
    located = _sound(LOCATION_FIELDS, broken) and "location" in document
    territory = match_territory(document).territory if located else None
    problems += dated + texts.find(document)
    for rule in CHECKS:
        if _sound(rule.reads, broken) and (rule.reads is not LOCATION_FIELDS or located):
            problems += rule.find(document, on, territory)
    return _refuse(document, [*problems, *redacted(document)[1]], on)


def _sound(fields: Iterable[str], broken: list[str]) -> bool:
    """Whether no broken pointer is below, at or above one of the fields."""
    return not any(
        field == pointer or field.startswith(f"{pointer}/") or pointer.startswith(f"{field}/")
        for field in fields
        for pointer in broken
    )


def _check_withdrawal(document: dict[str, Any], on: date, *, explained: bool) -> Verdict:
    if not fast_validator("withdrawal").is_valid(document):
        return _refuse_malformed("withdrawal", document, on, [], explained=explained)
    return Verdict(
        accepted=True,
        id=document["id"],
        revision=int(document["revision"]),
        document=document,
        withdrawal=document["withdrawn"],
    )


def _refuse(document: dict[str, Any], problems: list[Problem], on: date) -> Verdict:
    """The refusal with all problems, errors first; id and revision if they are well formed."""
    ordered = sorted((one.received(on) for one in problems), key=lambda one: one.severity)
    offer_id: Any = document.get("id")
    revision: Any = document.get("revision")
    return Verdict(
        accepted=False,
        problems=tuple(ordered),
        id=offer_id if definition_validator("offer_id").is_valid(offer_id) else None,
        revision=int(revision) if definition_validator("revision").is_valid(revision) else None,
        document=document,
    )


def preload() -> None:
    """Read every packaged file needed for a verdict or a refusal. Takes about a second."""
    preload_refusals()
    validator("offer")
    for name in schema_names():
        validator(name)
    for name in _LISTS:
        reference(name)
    for document in (_REFUSED, {**_REFUSED, "title": "Title", "description": "Text", "employer": {"name": "A"}}):
        check(orjson.dumps(document), on=date(2026, 11, 1))
    check_withdrawal(orjson.dumps({"id": "example:1", "revision": 0}), on=date(2026, 11, 1))
