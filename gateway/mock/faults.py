"""Faults of the mock: named in a header of the request that meets one, or in a scenario for the requests to come.

    Passerelle-Mock-Fault: unavailable; seconds=2; stored
    [{"fault": "busy", "on": "PUT /v1/offers/*", "times": 3}, {"fault": "resync", "on": "GET /v1/changes"}]

The words are those of the conformance cases; ``cut``, ``late`` and ``duplicate`` are of the mock alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from gateway.mock.front import ReceivedRequest

HEADER = "Passerelle-Mock-Fault"
FAULTS: Mapping[str, str] = {
    "unavailable": "503 with Retry-After",
    "busy": "429 with Retry-After",
    "lost": "the connection is closed before an answer",
    "cut": "the connection is closed after half of the answer",
    "slow": "the answer comes late",
    "expired-token": "every token ends, and the answer is 401",
    "resync": "410: a subscriber begins again",
    "late": "what the request submits is decided late",
    "duplicate": "the request comes twice; the answer is the second one",
}
_NUMBERS: Mapping[str, tuple[float, float]] = {"seconds": (0, 3_600), "times": (1, 1_000_000)}
_MEMBERS = frozenset({"fault", "on", "stored", *_NUMBERS})


class FaultError(ValueError):
    """A fault that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. ``on``: which requests meet it, ``METHOD /path`` with ``*`` for any text, empty for all. ``stored``:
    what the request submits is kept although its answer says otherwise.
    """

    fault: str
    on: str = ""
    stored: bool = False
    seconds: float = 1.0
    times: int = 1

    def meets(self, asked: ReceivedRequest) -> bool:
        """Whether it is meant for a request; a token request must be named."""
        line = f"{asked.method} {asked.url.path}"
        return fnmatchcase(line, self.on) if self.on else asked.url.path.startswith("/v1/")


class FaultScenario:
    """Faults for the requests to come, each as often as it says, in order."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._left = list(faults)

    def next(self, asked: ReceivedRequest) -> Fault | None:
        """The fault that a request meets: of its own header, else the first one that is meant for it."""
        header = asked.headers.get(HEADER)
        if header is not None:
            return read_header(header)
        for index, fault in enumerate(self._left):
            if fault.meets(asked):
                self._left[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None


def read_header(text: str) -> Fault:
    """The fault of a header. Raises FaultError."""
    name, *members = (part.strip() for part in text.split(";"))
    named: dict[str, Any] = {"fault": name}
    for member in members:
        key, equals, value = member.partition("=")
        named[key] = _number(key, value) if equals else True
    return read_fault(named)


def read_scenario(value: Any) -> list[Fault]:
    """The faults of a scenario file's JSON value. Raises FaultError."""
    if not isinstance(value, list):
        raise FaultError("a scenario is a list of faults")
    return [read_fault(one) for one in value]


def read_fault(value: Any) -> Fault:
    """One fault. Raises FaultError."""
    if not isinstance(value, dict) or value.get("fault") not in FAULTS:
        named = value.get("fault", "") if isinstance(value, dict) else value
        raise FaultError(f"{named!r} is no fault; known are {', '.join(FAULTS)}")
    unknown = sorted(value.keys() - _MEMBERS)
    if unknown:
        raise FaultError(f"{unknown[0]!r} is no member of a fault; known are {', '.join(sorted(_MEMBERS))}")
    for name, (least, most) in _NUMBERS.items():
        if name in value and not (isinstance(value[name], int | float) and least <= value[name] <= most):
            raise FaultError(f"{name} is a number from {least:g} to {most:g}")
    if not isinstance(value.get("stored", False), bool) or not isinstance(value.get("on", ""), str):
        raise FaultError("stored is true or false, and on a text such as PUT /v1/offers/*")
    members: dict[str, Any] = {**value, "times": int(value.get("times", 1))}
    return Fault(**members)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FaultError(f"{name} is a number, not {text!r}") from None
