"""Refused documents named beside their counts: a few a minute, by id or index, with the fields at fault. Pure.

A document that is answered 422 is never stored. What is kept of a few is bounded by closed sets: an id of the
platform's own offers, or the index in an upload; codes of the catalogue; pointers made of the schema's own names.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.record import read_utc, utc
from gateway.protocol.value import value
from schemas.registry import schema

MAX_DOCUMENTS = 20
"""Of one platform in a record."""
MAX_OF_RULE = 3
"""Of one platform and rule in a record."""
MAX_RULES = 5
"""Rules named with one document."""
_DOCUMENTS = ("offer", "withdrawal")
_INDEX = re.compile(r"[0-9]{1,4}", re.ASCII)


@value(frozen=True, slots=True, kw_only=True)
class RefusedDocument:
    """One document: by ``id``, or by ``index`` in its upload where it has no id of its platform. ``fields``: by rule
    that it breaks, the pointer of the first field at fault; None for a rule that names no field.
    """

    platform: str
    at: int
    id: str | None = None
    index: int | None = None
    fields: Mapping[str, str | None]


class RefusedDocuments:
    """The documents of a minute that are named: the first ones of each platform and rule, each document once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | int | None], RefusedDocument] = {}
        self._of_platform: Counter[str] = Counter()
        self._of_rule: Counter[tuple[str, str]] = Counter()

    def wants(self, platform: str, rules: Iterable[str]) -> bool:
        """Whether a document of this platform that breaks these rules is to be named."""
        return self._of_platform[platform] < MAX_DOCUMENTS and any(
            self._of_rule[platform, rule] < MAX_OF_RULE for rule in rules
        )

    def add(self, one: RefusedDocument) -> None:
        """Add a document within the bounds."""
        name = one.platform, one.index if one.id is None else one.id
        if name in self._found or not self.wants(one.platform, one.fields):
            return
        self._found[name] = one
        self._of_platform[one.platform] += 1
        self._of_rule.update((one.platform, rule) for rule in one.fields)

    def take(self) -> Sequence[RefusedDocument]:
        """The documents so far, and begin with none."""
        found = list(self._found.values())
        self._found, self._of_platform, self._of_rule = {}, Counter(), Counter()
        return found


def own_id(offer_id: str | None, platform: str) -> str | None:
    """The id, where it is one of this platform: another text is not kept."""
    known = offer_id is not None and is_offer_id(offer_id) and platform_of(offer_id) == platform
    return offer_id if known else None


def fields_at_fault(problems: Iterable[Mapping[str, Any]], rules: Iterable[str]) -> dict[str, str | None]:
    """By rule, the field that the first of its problems names; at most ``MAX_RULES`` of the rules, in the order of the
    problems.
    """
    wanted = set(rules)
    found: dict[str, str | None] = {}
    for one in problems:
        if one["code"] in wanted:
            found.setdefault(one["code"], known_field(one.get("pointer")))
    for rule in sorted(wanted):
        found.setdefault(rule, None)
    return dict(list(found.items())[:MAX_RULES])


def known_field(pointer: str | None) -> str | None:
    """A JSON Pointer as far as it consists of names of the schema and of indexes; None if nothing is left. The names
    that a document gives to its own members may be any text.
    """
    steps: list[str] = []
    for step in (pointer or "").split("/")[1:]:
        if step not in _names() and _INDEX.fullmatch(step) is None:
            break
        steps.append(step)
    return "".join(f"/{step}" for step in steps) or None


def documents_body(documents: Iterable[RefusedDocument]) -> list[dict[str, Any]]:
    """The documents as a member of a record."""
    return [
        {
            "platform": one.platform,
            "at": utc(one.at),
            **({} if one.id is None else {"id": one.id}),
            **({} if one.index is None else {"index": one.index}),
            "fields": dict(one.fields),
        }
        for one in documents
    ]


def read_documents(body: Any) -> Iterator[RefusedDocument]:
    """The inverse of ``documents_body``; a document in the form of a later version is left out."""
    for one in body if isinstance(body, list) else ():
        try:
            yield RefusedDocument(
                platform=str(one["platform"]),
                at=read_utc(one["at"]),
                id=one.get("id"),
                index=one.get("index"),
                fields={str(rule): pointer for rule, pointer in one["fields"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


@cache
def _names() -> frozenset[str]:
    """The names of the members that documents may have."""
    return frozenset(name for document in _DOCUMENTS for name in _members(schema(document)))


def _members(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        properties = part.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for inner in part.values():
            yield from _members(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _members(inner)
