"""Documents changed as partners change them: one value at a time, towards values that have caused failures."""

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any, TypeAlias

import orjson

from tests.fuzz.target import Scramble

Path: TypeAlias = tuple[Any, ...]

TEXTS = (
    "", "\n", " ", "\u00a0", "\x00", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\u0301", "e\u0301",
    "\u0660", "\uff10", "é", "😀", "<b>", "<!--", "&amp;", "&#x41;", "İ", "ſ", "-", ".", "~", "/", "@", "＠", "%",
    "%40", "\\", ":", "[…]", "a@b.fr", " @ ", "(at)", "[arobase]", "jean.dupont", "exemple.fr", "0612345678",
    "06 12 34 56 78", "+33 6", "0033", "(0)", "01/02/2027", "2027-06", "0", "12", "test", "STAGING",
    "https://a.fr", "https://", ".local", ":99999", "?", "#", "2027-W24", "2027-W25", "2027-W53", "2026-W53",
    "2027-W9", "2027-06-27", "2027-02-29", "0000-01-01", "09:00", "24:00", "seconde", "troisieme", "quatrieme",
    "s1", "s52", "29870", "97500", "98000", "20000", "2A004", "75056", "Lannilis", "0750655E", "62.01Z",
    "35600000000048", "73282932000074", "bretagne:1", "gateway:1", "national:1", "withdrawn", "filled",
)  # fmt: skip
NUMBERS = (
    0, 1, 2, -1, 0.0, -0.0, 1.0, 2.0, 1.5, 1e16, 1e-7, 1e300, 48.5, -4.5, 90, 90.0000001, 180, -180, 300, 6000, 6001,
    2**53 - 1, 2**53, -(2**53), 2**63, 2**64 - 1,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [{}], {"a": {}}, ["seconde"], [1, 1.0], [True, 1])
REPEATS = (b'"id":1,', b'"weeks":[],', b'"a" : 1,"a":2,', b'"withdrawn":"filled",')
_DEEP = 20


def mutate_document(raw: bytes, random: Random, scramble: Scramble) -> bytes:
    """One or two changes of a JSON object; other input is scrambled, and so is an object one time in ten."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return scramble(raw)
    if type(document) is not dict or random.random() < 0.1:
        return scramble(raw)
    for _ in range(random.choice((1, 1, 2))):
        _change(document, random, scramble)
    try:
        written = orjson.dumps(document)
    except (TypeError, orjson.JSONEncodeError):  # too deep, or a number too large: as bytes it may still be sent
        return scramble(raw)
    return written.replace(b"{", b"{" + random.choice(REPEATS), 1) if random.random() < 0.03 else written


def graft(raw: bytes, onto: bytes, random: Random) -> bytes:
    """A sound document with one member of another one: which is then judged by itself."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return onto
    if type(document) is not dict or not document:
        return onto
    name = random.choice(list(document))
    return orjson.dumps({**orjson.loads(onto), name: document[name]})


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every path within a JSON value."""
    steps = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for step, inner in steps:
        yield (*path, step)
        if len(path) < _DEEP:
            yield from paths_of(inner, (*path, step))


def _change(document: dict[str, Any], random: Random, scramble: Scramble) -> None:
    paths = list(paths_of(document))
    if not paths:
        document[random.choice(TEXTS)] = _value(random)
        return
    *parents, name = random.choice(paths)
    parent: Any = document
    for step in parents:
        parent = parent[step]
    value = parent[name]
    if isinstance(value, str) and random.random() < 0.7:
        parent[name] = _text(value, random, scramble)
        return
    match random.randrange(6):
        case 0:
            del parent[name]
        case 1 if isinstance(value, dict):
            value[random.choice(TEXTS)] = _value(random)
        case 1 | 2 if isinstance(value, list):
            value.extend(deepcopy(value) if random.random() < 0.5 else [_value(random)])
        case 3:
            parent[name] = [value] if random.random() < 0.5 else {random.choice(TEXTS): value}
        case 4:
            _extend(document, random.choice(("bretagne", "a-b", random.choice(TEXTS))), deepcopy(value))
        case _:
            parent[name] = _value(random)


def _extend(document: dict[str, Any], key: str, value: Any) -> None:
    extensions = document.setdefault("extensions", {})
    if isinstance(extensions, dict):
        extensions[key] = value


def _value(random: Random) -> Any:
    draw = random.random()
    return deepcopy(random.choice(TEXTS if draw < 0.5 else NUMBERS if draw < 0.8 else OTHERS))


def _text(text: str, random: Random, scramble: Scramble) -> str:
    if random.random() < 0.2:
        return scramble(text.encode()).decode("utf-8", "ignore")
    at = random.randint(0, len(text))
    until = min(len(text), at + random.choice((0, 0, 1, 2, 9)))
    return text[:at] + random.choice(TEXTS) + text[until:]
