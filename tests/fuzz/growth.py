"""Work and length: inputs whose cost grows faster than their length, on any machine, under any load."""

import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from itertools import combinations, product
from typing import Any, TypeVar

import orjson

from tests.schemas.documents import WHOLE

_T = TypeVar("_T")
TIMES = 4
STEEP = 8.0
"""Four times the length costs about four times the work when it is linear, and sixteen times when it is square."""

_FLOOR = 0.002
"""Below this many seconds of CPU nothing differs from noise, nor does it matter."""
_TRIES = 6
_CLEAR = 5.0
"""Up to this multiple of a single short run no second one is needed: it would have to be three times too slow."""

UNITS = (
    "a", "0", "06", "+3", "+33 6 ", "0 ", "00", "@", "a@", "a@b.", "a.", "@a.", "＠", "(at", "(at)", "[@]",
    "a(at)b.", " ", "\u00a0", "\n", "<", "<a", "&", "&a", "&#x4", "&amp;", "-", "a-", "%", "%4", "%40", "://",
    "https://a.", "?", "#", "/", "é", "e\u0301", "\u0301\u0327", "\u0345", "😀", "İ", "\x00", "\u202e", '"',
    "\\", "0612342027/", "0612345678+33", "20", "2027-W24", ":", "a:", ".local", "[…]", "Ⅷ", "\u0660",
    "0\u200b", "\u00ad", "\u200d\ufe0f", "６", "①", "zéro ", "zéro six ", " arobase ", "a.b at ", "x point ",
    "@a. ", "%2540", "&#64;", "06·", "06,", "tel 06,", "12345678-", "33 ", "A1 ", "0.", "(0)", "01 02 ",
    "\u3164", "\ufe0f",
)  # fmt: skip
PHRASES = (
    "x", "a arobase ", "@a point ", "@a[.]b", "a[.]", "01 02 03 04 05 ", "0.5 0.25 ", "9 00 ", "tel M.",
    "réf. abcd 0199001234 ", "n° abcd ", "zéro6 ", "a-at-gmail.com", "@.a", "zéro quatre vingt ", "08.30-12.30/",
    "05/06-11/06 ", "1) 05/06 2) ", "(01)(99)(00)(36)(08)", "police rc pro n° 0512338745 ", "PC 001 002 27 00045 ",
    "au 01 02 03 04 05 ", "0.048 / 3.08 / ", "mail : stage chez exemple point fr ", "_at_",
)  # fmt: skip
"""What the search for personal data reads closely, beyond the units."""
POINTERS = (
    "/id", "/revision", "/title", "/description", "/employer", "/employer/name", "/employer/description",
    "/employer/website", "/employer/siret", "/employer/naf", "/location/street", "/location/postal_code",
    "/location/city", "/location/insee_commune", "/levels/0", "/weeks/0", "/sector", "/rome/code", "/rome/version",
    "/schedule/monday/start", "/schedule/lunch_break", "/accessibility", "/restrictions/schools/0", "/apply_url",
    "/expires_on", "/source_id", "/national_remote_id", "/extensions/bretagne",
)  # fmt: skip


def steepness(call: Callable[[_T], object], make: Callable[[int], _T], length: int) -> float:
    """The work of four times the length, as a multiple of that of ``length``; if high, the least of several runs."""
    least = float("inf")
    short, long = make(length), make(TIMES * length)
    for _ in range(_TRIES):
        costs = _cost(call, long)
        if costs < _FLOOR:
            return 1.0
        small = _cost(call, short)
        if costs > _CLEAR * small:
            small = min(small, _cost(call, short))
        least = min(least, costs / max(small, _FLOOR / TIMES**2))
        if least < STEEP:
            break
    return least


def _cost(call: Callable[[_T], object], value: _T) -> float:
    began = time.thread_time()
    call(value)
    return time.thread_time() - began


def texts() -> Iterator[str]:
    """Units, phrases, and pairs of units that mean something to the search for personal data. Repeated, a pair is the
    same text in either order, and a unit with itself is that unit.
    """
    yield from UNITS
    yield from PHRASES
    yield from map("".join, combinations(UNITS[:24], 2))
    yield from map("".join, product(UNITS[-24:], ("0", "@", " ", "a@b.", "06 ", "\u200b")))


def with_text(pointer: str, unit: str) -> Callable[[int], bytes]:
    """Makes whole offers in which one text repeats a unit up to about this length."""
    *parents, name = pointer[1:].split("/")

    def make(length: int) -> bytes:
        document: Any = deepcopy(WHOLE)
        parent = document
        for step in parents:
            parent = parent[_step(parent, step)]
        parent[_step(parent, name)] = unit * (length // len(orjson.dumps(unit)[1:-1]))
        return orjson.dumps(document)

    return make


def _step(parent: Any, step: str) -> Any:
    return int(step) if isinstance(parent, list) else step


def _offer(**fields: Any) -> bytes:
    return orjson.dumps({**WHOLE, **fields})


def _extended(value: Any) -> bytes:
    return _offer(extensions={"bretagne": value})


STRUCTURES: Mapping[str, Callable[[int], bytes]] = {
    "keys that are e-mail addresses": lambda n: _extended({f"{i:04x}@b.fr": 1 for i in range(n // 14)}),
    "e-mail addresses": lambda n: _extended(["a@b.fr"] * (n // 9)),
    "e-mail addresses under a long key": lambda n: _extended({"k" * (n // 2): ["a@b.fr"] * (n // 18)}),
    "large integers": lambda n: _extended([2**53] * (n // 17)),
    "the same key": lambda n: b'{"a":1' + b',"a":1' * (n // 6) + b"}",
    "every key twice": lambda n: b'{"a":1' + b"".join(b',"%d":1' % (i // 2) for i in range(n // 9)) + b"}",
    "unknown keys": lambda n: _offer(**{f"employer_websit{i}": 1 for i in range(n // 24)}),
    "unknown schools": lambda n: _offer(restrictions={"schools": [f"{i:07}A" for i in range(n // 11)]}),
    "weeks": lambda n: _offer(weeks=[f"20{i}" for i in range(n // 9)]),
    "weeks that are lists": lambda n: _offer(weeks=[[i] for i in range(n // 8)]),
    "weeks that are objects": lambda n: _offer(weeks=[{"a": i} for i in range(n // 12)]),
    "one week": lambda n: _offer(weeks=["2027-W24"] * (n // 11)),
    "days": lambda n: _offer(schedule={f"monday{i}": {"start": "9"} for i in range(n // 29)}),
    "platforms": lambda n: _offer(extensions={f"p{i}": i for i in range(n // 15)}),
    "brackets": lambda n: b'{"a":' + b"[" * (n // 2) + b"]" * (n // 2) + b"}",
    "brackets without end": lambda n: b'{"a":' + b"[" * n,
    "braces": lambda n: b'{"a":' * (n // 5),
    "backslashes": lambda n: b'{"a":"' + b"\\" * n,
    "quotes": lambda n: b'{"a":"' + b'\\"' * (n // 2) + b'"}',
    "quotes and colons": lambda n: b'{"a":"' + b'\\":' * (n // 3) + b'"}',
    "digits": lambda n: b'{"revision":' + b"9" * n + b"}",
    "an exponent": lambda n: b'{"revision":1e' + b"9" * n + b"}",
    "decimals": lambda n: b'{"revision":1.' + b"9" * n + b"}",
    "blanks": lambda n: b'{"revision" ' + b" " * n + b":1}",
    "bytes that are no UTF-8": lambda n: b'{"a":"' + b"\xff" * n,
    "surrogates": lambda n: b'{"a":"' + b"\\ud83d" * (n // 6) + b'"}',
}
"""Documents of about this length, each with one element repeated."""
