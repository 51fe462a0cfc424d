"""Verdict on an item: the problems of reading and those of ``schemas.check`` in one list."""

from datetime import date

import orjson

import schemas
from adapters.formats.author import for_item
from adapters.formats.item import OfferItem
from schemas import Verdict


def judge(item: OfferItem, *, revision: int, on: date) -> Verdict:
    """Return the verdict on the offer with ``revision``. An unreadable field is not reported as missing as well."""
    document = {"id": item.id, "revision": revision, **item.document}
    verdict = schemas.check(orjson.dumps(document), on=on)
    unread = [trouble.pointer for trouble in item.problems if trouble.severity == "error"]
    compared = any(trouble.code == "city-mismatch" for trouble in item.problems)
    others = [
        for_item(trouble)
        for trouble in verdict.problems
        if not (trouble.code == "field-missing" and any(_is_within(trouble.pointer, pointer) for pointer in unread))
        and not (trouble.code == "city-unlisted" and compared)
    ]
    problems = tuple(sorted([*item.problems, *others], key=lambda trouble: trouble.severity))
    if item.refused and verdict.accepted:
        return Verdict(accepted=False, problems=problems, id=verdict.id, revision=revision, document=verdict.document)
    return verdict._replace(problems=problems)


def _is_within(pointer: str, other: str) -> bool:
    """Return whether one of the two pointers is inside the other or equal to it."""
    return other.startswith(pointer) or pointer.startswith(f"{other}/")
