"""A witness within a whole document: what breaks one schema, put into a document that breaks no rule."""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import product
from string import ascii_uppercase, digits
from typing import Any

from schemas.evolution.difference import Gap
from schemas.rules.identifier import is_siret, is_uai

_ABSENT = (KeyError, IndexError, TypeError)


def embedded(gap: Gap, base: Any) -> Iterator[Any]:
    """The documents that have the gap's value in place of the base's: as little of it as possible first, then parts of
    the base's own values there, the gap's own document last.
    """
    path, small = gap.failure.path, gap.document
    for length in range(len(path), 0, -1):
        yield from _replaced(base, path[:length], [_value(small, path[:length])])
        ours, theirs = (_value(one, path[: length - 1]) for one in (base, small))
        if isinstance(ours, dict) and isinstance(theirs, dict):
            fewer = {name: ours.get(name, value) for name, value in theirs.items()}
            yield from _replaced(base, path[: length - 1], [fewer, {**ours, **theirs}])
    own, siblings = _value(base, path), _value(base, path[:-1])
    parts: list[Any] = [{name: one} for name, one in own.items()] if isinstance(own, dict) else []
    parts += [own[:length] for length in range(len(own))] if isinstance(own, list) else []
    parts += siblings.values() if isinstance(siblings, dict) else []
    yield from _replaced(base, path, parts)
    yield small


def value_at(document: Any, path: Sequence[str]) -> Any:
    """The value at a path. Raises KeyError, IndexError, TypeError, ValueError."""
    for step in path:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def with_check_digits(document: Any) -> Iterator[Any]:
    """The document itself, then with the check digits that its SIRET and its schools need: the schemas have no sums."""
    yield document
    copy = deepcopy(document)
    siret, schools = _value(copy, ("employer", "siret")), _value(copy, ("restrictions", "schools"))
    if isinstance(siret, str) and re.fullmatch("[0-9]{14}", siret):
        sums = (f"{siret[:8]}{first}{siret[9:13]}{last}" for first, last in product(digits, digits))
        copy["employer"]["siret"] = next(filter(is_siret, sums))
    if isinstance(schools, list):
        copy["restrictions"]["schools"] = [_with_letter(code, index) for index, code in enumerate(schools)]
    if copy != document:
        yield copy


def _with_letter(code: Any, index: int) -> Any:
    """A school's code with the letter of its digits; they differ within a list."""
    if not isinstance(code, str) or not re.match("[0-9]{7}", code):
        return code
    number = f"{(int(code[:7]) + index) % 10**7:07}"
    return next(filter(is_uai, (f"{number}{letter}{code[8:]}" for letter in ascii_uppercase)))


def _value(document: Any, path: Sequence[str]) -> Any:
    """The value at a path; the class KeyError if there is none."""
    try:
        return value_at(document, path)
    except _ABSENT:
        return KeyError


def _replaced(base: Any, path: Sequence[str], values: Sequence[Any]) -> Iterator[Any]:
    """Copies of the base with each value at a path, or without one for KeyError; none if it has no such object."""
    for value in values if path else ():
        copy = deepcopy(base)
        try:
            home = value_at(copy, path[:-1])
            at: Any = int(path[-1]) if isinstance(home, list) else path[-1]
            if value is KeyError:
                del home[at]
            else:
                home[at] = value
        except _ABSENT:
            continue
        yield copy
    if not path:
        yield from (value for value in values if value is not KeyError)
