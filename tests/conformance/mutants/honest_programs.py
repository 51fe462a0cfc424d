"""Honest gateways as a table: the independent gateway with a line or two changed that no sentence forbids."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.mutants.programs import Change, WrongProgram

HONEST_PROGRAMS: dict[str, WrongProgram] = {}


def honest(names: str, name: str, what: str, *changes: Change, **more: Any) -> None:
    """Register a row of the table; ``names`` is the requirement whose cases must not complain."""
    HONEST_PROGRAMS[name] = WrongProgram(name, what, names, changes, **more)


_MARKER = "{ members: { marker: { id, revision, sequence, reason } } }"
_ERROR = "'Content-Language': lang, ...extra.headers,"
_CLOSED = "JSON.stringify({ ...content, asked })"
_NO_STORE = "...(status === 401 && { 'Cache-Control': 'no-store' }),"
_TWENTY: Mapping[str, Any] = {"requests_a_minute": 20}

honest(
    "ERR-002",
    "without-detail",
    "gives no detail with its errors",
    ("title, status, detail: one.message,", "title, status,"),
)
honest("SEC-002", "without-scope", "names no scopes beside a token", (" scope: scopes.join(' ') },", " },"))
honest(
    "CER-001",
    "without-platforms",
    "has no list of platforms",
    (r"  ['GET', /^\/v1\/platforms$/, ANYBODY, {}, platforms]," + "\n", ""),
)
honest(
    "WDR-011",
    "flat-marker",
    "gives the marker of a withdrawn offer beside the members of the error",
    (_MARKER, "{ members: { id, revision, sequence, reason } }"),
)
honest(
    "PUB-004",
    "pending-in-202",
    "counts in a 202 what is pending",
    ("verdict: 'pending' }, { Location })", "verdict: 'pending', pending: 1 }, { Location })"),
)
honest("SEC-001", "no-store-on-401", "forbids to store a 401", (_ERROR, f"{_ERROR} {_NO_STORE}"))
honest(
    "FEED-003",
    "cursors-of-300",
    "makes cursors of more than 300 characters",
    (_CLOSED, _CLOSED.replace("asked }", "asked, more: '.'.repeat(200) }")),
    file="seal",
)
honest("WDR-002", "twenty-a-minute", "allows twenty requests a minute", configuration=_TWENTY)
