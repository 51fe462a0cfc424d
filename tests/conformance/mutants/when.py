"""When a wrong gateway of the table is wrong: signs of a request and of its answer, with blanks between them.

``GET``, ``/v1/offers/*`` (``*`` for anything), ``batch`` and the other names below, ``?limit``, ``?limit=1`` or
``?limit~^1`` (a parameter), ``#Prefer`` in the same ways (a header), ``by:bretagne`` (who asks), ``scope:operate`` (the
token's scopes); of the answer ``422``, ``<300``, ``@not-found`` (its code), ``=stale`` (its verdict), ``+moderated`` (a
problem in it) and the names below. ``a|b`` is either, ``!`` before them neither.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from tests.conformance.mutants.proxy import Answer, Forward, Seen
from tests.conformance.mutants.uploads import answers_items, code_of, decided, is_snapshot, stores_one, withdraws_one
from tests.conformance.mutants.views import (
    CHANGES,
    LIST,
    ONE,
    asker,
    export_answer,
    export_of,
    page_of,
    scopes_of,
    way,
    with_changes,
)
from tests.conformance.mutants.ways import codes, registering, waits, way_in

_REQUESTS: Mapping[str, Callable[[Seen], bool]] = {
    "offer": lambda seen: seen.publishes,
    "batch": lambda seen: way_in(seen) == "batch",
    "snapshot": is_snapshot,
    "one": stores_one,
    "withdrawal": withdraws_one,
    "waits": waits,
    "list": lambda seen: way(seen) == LIST,
    "feed": lambda seen: way(seen) == CHANGES,
    "reading": lambda seen: way(seen) == ONE,
    "array": lambda seen: seen.body.lstrip()[:1] == b"[",
    "gzip": lambda seen: seen.body[:2] == b"\x1f\x8b",
    "json": lambda seen: seen.json is not None,
    "document": lambda seen: isinstance(seen.json, dict),
    "bare": lambda seen: not seen.query,
    "keyed": lambda seen: (
        seen.method == "POST" and re.fullmatch("[!-~]{1,128}", seen.headers.get("Idempotency-Key", "")) is not None
    ),
}
_ANSWERS: Mapping[str, Callable[[Seen, Answer], bool]] = {
    "items": answers_items,
    "decided": lambda _, answered: decided(answered),
    "object": lambda _, answered: isinstance(answered.json, dict),
    "problem": lambda _, answered: (
        answered.status >= 400 and isinstance(answered.json, dict) and "type" in answered.json
    ),
}


Changed: TypeAlias = Seen | Answer | None
"""Another answer, that to another request, or no change."""


def on_request(names: str, fault: str, when: str = "", *, issues: bool = False) -> Callable[[Any], Any]:
    """Register a gateway that answers such requests otherwise: what the function gives for one."""

    def make(change: Callable[[Seen], Changed]) -> Callable[[Seen, Forward], Any]:
        async def answer(seen: Seen, forward: Forward) -> Answer:
            other = change(seen) if asked(when, seen) else None
            return other if isinstance(other, Answer) else await forward(other or seen)

        return answer

    return registering(names, fault, make, issues=issues)


def on_answer(names: str, fault: str, when: str = "", *, issues: bool = False) -> Callable[[Any], Any]:
    """Register a gateway that changes such answers: what the function gives for a request and its answer."""

    def make(change: Callable[[Seen, Answer], Changed]) -> Callable[[Seen, Forward], Any]:
        async def answer(seen: Seen, forward: Forward) -> Answer:
            answered = await forward(seen)
            so = asked(when, seen) and answered_so(when, seen, answered)
            other = change(seen, answered) if so else None
            return await forward(other) if isinstance(other, Seen) else other or answered

        return answer

    return registering(names, fault, make, issues=issues)


def on_page(names: str, fault: str, when: str = "") -> Callable[[Any], Any]:
    """Register a gateway with other pages of the feed: what the function gives for a request and its page."""

    def make(change: Callable[[Seen, Any], Iterable[Any] | None]) -> Callable[[Seen, Forward], Any]:
        async def answer(seen: Seen, forward: Forward) -> Answer:
            answered = await forward(seen)
            page = page_of(seen, answered) if asked(when, seen) else None
            changes = None if page is None else change(seen, page)
            return answered if changes is None else with_changes(answered, changes)

        return answer

    return registering(names, fault, make)


def on_export(names: str, fault: str, kind: str) -> Callable[[Any], Any]:
    """Register a gateway with other exports of this kind: what the function gives for a request and its text."""

    def make(change: Callable[[Seen, str], str]) -> Callable[[Seen, Forward], Any]:
        async def answer(seen: Seen, forward: Forward) -> Answer:
            text = await export_of(seen, forward, kind)
            return await forward(seen) if text is None else export_answer(kind, change(seen, text))

        return answer

    return registering(names, fault, make)


def asked(signs: str, seen: Seen) -> bool:
    """Whether the request has the signs of a request among these."""
    of_request = (sign for sign in signs.split() if not _is_of_answer(sign))
    return all(_holds(sign, lambda one: _of_request(one, seen)) for sign in of_request)


def answered_so(signs: str, seen: Seen, answered: Answer) -> bool:
    """Whether the answer has the signs of an answer among these."""
    return all(
        _holds(sign, lambda one: _of_answer(one, seen, answered)) for sign in signs.split() if _is_of_answer(sign)
    )


def minds_answers(signs: str) -> bool:
    """Whether any of these is a sign of the answer."""
    return any(map(_is_of_answer, signs.split()))


def _is_of_answer(sign: str) -> bool:
    first = sign.lstrip("!").partition("|")[0]
    return first[:1] in "@=+<>" or first[:1].isdigit() or first in _ANSWERS


def _holds(sign: str, is_so: Callable[[str], bool]) -> bool:
    return any(map(is_so, sign.lstrip("!").split("|"))) is not sign.startswith("!")


def _of_request(sign: str, seen: Seen) -> bool:
    if found := re.fullmatch("[?#]([A-Za-z_-]+)(?:([=~])(.*))?", sign):
        name, by, wanted = found.groups()
        given = (seen.query if sign[0] == "?" else seen.headers).get(name)
        return given is not None and (
            by is None or (given == wanted if by == "=" else re.search(wanted, given) is not None)
        )
    if sign.startswith("by:"):
        return asker(seen) == sign[3:]
    if sign.startswith("scope:"):
        return scopes_of(seen) == sign[6:]
    if sign.isupper():
        return seen.method == sign
    return fnmatchcase(seen.path, sign) if sign[:1] in "/*" else _REQUESTS[sign](seen)


def _of_answer(sign: str, seen: Seen, answered: Answer) -> bool:
    match sign[:1]:
        case "@":
            return bool(code_of(answered) == sign[1:])
        case "=":
            verdict = answered.json.get("verdict") if isinstance(answered.json, dict) else None
            return verdict is not None and fnmatchcase(verdict, sign[1:])
        case "+":
            return any(fnmatchcase(code, sign[1:]) for code in codes(answered.json))
        case "<":
            return answered.status < int(sign[1:])
        case ">":
            return answered.status > int(sign[1:])
    return answered.status == int(sign) if sign.isdigit() else _ANSWERS[sign](seen, answered)
