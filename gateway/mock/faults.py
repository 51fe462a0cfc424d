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
from schemas.bilingual import Bilingual
from schemas.rulebook import Language
from schemas.texts import load_words

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
_STORED = frozenset({"unavailable", "busy", "lost", "resync", "expired-token"})
"""Faults whose answer says that nothing was kept."""
_TIMED = frozenset({"unavailable", "busy", "slow", "late"})
_NUMBERS: Mapping[str, tuple[float, float]] = {"seconds": (0, 3_600), "times": (1, 1_000_000)}
_OF_SCENARIO = ("on", "times")
_BOOLEANS: Mapping[str, bool] = {"": True, "true": True, "false": False}
_WORDS: Mapping[Language, Mapping[str, str]] = load_words(dict, "gateway", "faults")


class FaultError(ValueError):
    """A fault that cannot be read; ``reason`` says why."""

    def __init__(self, key: str, **values: object) -> None:
        self.reason = Bilingual(*(_WORDS[language][key].format_map(values) for language in ("en", "fr")))
        super().__init__(self.reason)


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

    def meets(self, received: ReceivedRequest) -> bool:
        """Whether it is meant for a request; a token request must be named."""
        line = f"{received.method} {received.url.path}"
        return fnmatchcase(line, self.on) if self.on else received.url.path.startswith("/v1/")


class FaultScenario:
    """Faults for the requests to come, each as often as it says, in order."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._left = list(faults)

    def next(self, received: ReceivedRequest) -> Fault | None:
        """The fault that a request meets: of its own header, else the first one that is meant for it."""
        header = received.headers.get(HEADER)
        if header is not None:
            return read_header(header)
        for index, fault in enumerate(self._left):
            if fault.meets(received):
                self._left[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None


def read_header(text: str) -> Fault:
    """The fault of a header. Raises FaultError."""
    name, *members = (part.strip() for part in text.split(";"))
    named: dict[str, Any] = {"fault": name}
    for member in members:
        key, _, value = (part.strip() for part in member.partition("="))
        if key in _OF_SCENARIO:
            raise FaultError("scenario_only", member=key)
        named[key] = _number(value) if key in _NUMBERS else _BOOLEANS.get(value, value)
    return read_fault(named)


def read_scenario(value: Any) -> list[Fault]:
    """The faults of a scenario file's JSON value. Raises FaultError."""
    if not isinstance(value, list):
        raise FaultError("no_list")
    return [read_fault(one) for one in value]


def read_fault(value: Any) -> Fault:
    """One fault. Raises FaultError."""
    if not isinstance(value, dict) or value.get("fault") not in tuple(FAULTS):
        named = value.get("fault", "") if isinstance(value, dict) else value
        raise FaultError("unknown_fault", fault=named, known=", ".join(FAULTS))
    fault = value["fault"]
    own = ["stored"] * (fault in _STORED) + ["seconds"] * (fault in _TIMED)
    unknown = sorted(value.keys() - {"fault", *_OF_SCENARIO, *own})
    if unknown:
        raise FaultError("unknown_member", fault=fault, member=unknown[0], known=", ".join((*own, *_OF_SCENARIO)))
    for name, (least, most) in _NUMBERS.items():
        kinds = int if name == "times" else int | float
        number = value.get(name, least)
        if isinstance(number, bool) or not (isinstance(number, kinds) and least <= number <= most):
            raise FaultError("no_number", member=name, least=f"{least:g}", most=f"{most:g}")
    if not isinstance(value.get("stored", False), bool):
        raise FaultError("no_boolean")
    if not isinstance(value.get("on", ""), str):
        raise FaultError("no_request")
    return Fault(**value)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
