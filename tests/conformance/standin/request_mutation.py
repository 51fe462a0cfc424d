"""Requests like the generated ones, each changed at random in one or two places, the same in every run."""

import random
from dataclasses import replace

from tests.conformance.standin.both_gateways import Request
from tests.conformance.standin.request_generator import generated

SEED = 1_414
_SIGNS = "%/?&=;:,.+~*!'()$@_-|^`\"<>[]{}09azAZ"
_PIECES = ("%2F", "%00", "%3A", "%zz", "%C3%A9", "&limit=1", "&x=1", "?", "//", "/..", "%25", "%20")
_VALUES = ("", " ", "x", ",", '"', "é", "0", "gzip", "*", "wait=1", "application/json", "a" * 300)
_BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b"\n",
    b",",
    b'"',
    b"}",
    b"{",
    b"[",
    b"]",
    b"null",
    b"1e999",
    b"\\u0000",
    b"\xef\xbb\xbf",
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
_OWN = "${"
"""What is kept from an earlier answer is left whole."""


def mutated(number: int) -> list[Request]:
    """So many requests."""
    chance = random.Random(SEED)
    base = [request for request in generated() if request.operation != "issueToken"]
    return [_mutated(chance.choice(base), chance, order) for order in range(number)]


def _mutated(request: Request, chance: random.Random, number: int) -> Request:
    for _ in range(chance.randint(1, 2)):
        match chance.randrange(8):
            case 0 | 1 | 2:
                request = replace(request, target=_target(request.target, chance))
            case 3 | 4 if request.headers:
                request = replace(request, headers=_headers(request.headers, chance))
            case 5 | 6 if request.body:
                request = replace(request, body=_body(request.body, chance))
            case 7:
                request = replace(request, method=chance.choice(_METHODS))
    return replace(request, why=f"mutation {number}: {request.why}")


def _target(target: str, chance: random.Random) -> str:
    if _OWN in target:
        return f"{target}&{chance.choice(_SIGNS)}"
    at = chance.randint(1, len(target))
    piece = chance.choice(_PIECES) if chance.random() < 0.3 else chance.choice(_SIGNS)
    return target[:at] + piece + target[at + chance.randint(0, 2) :]


def _headers(headers: tuple[tuple[str, str], ...], chance: random.Random) -> tuple[tuple[str, str], ...]:
    at = chance.randrange(len(headers))
    name, value = headers[at]
    changed = (
        [(name, value), (name, chance.choice(_VALUES))] if chance.random() < 0.3 else [(name, chance.choice(_VALUES))]
    )
    return (*headers[:at], *changed, *headers[at + 1 :])


def _body(body: bytes, chance: random.Random) -> bytes:
    at, end = sorted(chance.randint(0, len(body)) for _ in range(2))
    if end - at > 20:
        end = at + chance.randint(0, 3)
    return body[:at] + chance.choice(_BYTES) + body[end:]
