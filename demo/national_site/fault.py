"""Injected faults of the simulated site, each for a number of calls."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "status", "refused", "forbidden", "geocoder", "foreign", "hang", "reset", "garbage", "twice", "late"
]


@dataclass(slots=True)
class CallFault:
    """A fault of the next ``times`` calls of one method (None: any method).

    ``status`` answers this status as a failing server does, ``refused`` refuses with 422 for any body, ``forbidden``
    answers 403, ``geocoder`` does not find the postcode, ``foreign`` answers ``page`` as a proxy in front of the site
    does, ``hang`` never answers, ``reset`` resets the connection, ``garbage`` answers 200 with an HTML page, ``twice``
    inserts two rows for one creation, ``late`` resets the connection and executes the call ``after`` this many seconds;
    with ``done`` the call takes effect before the fault.
    """

    kind: Kind
    method: str | None = None
    status: int = 503
    page: str = ""
    after: float = 0.05
    done: bool = False
    times: int = 1


class Faults:
    """Queue of pending faults."""

    def __init__(self) -> None:
        self._ordered: list[CallFault] = []
        self._poisoned: frozenset[str] = frozenset()

    def order(self, fault: CallFault) -> None:
        """Append a fault."""
        self._ordered.append(fault)

    def poison(self, *remote_ids: str) -> None:
        """Answer 500 to every write of these remote ids; replaces the former ids."""
        self._poisoned = frozenset(remote_ids)

    def heal(self) -> None:
        """End the effect of ``poison``."""
        self._poisoned = frozenset()

    def take(self, method: str, remote_id: str | None = None) -> CallFault | None:
        """Consume the fault of this call, or None. ``remote_id``: the offer of a write."""
        if remote_id in self._poisoned:
            return CallFault("status", method, status=500)
        for fault in self._ordered:
            if fault.method in {None, method}:
                fault.times -= 1
                if fault.times == 0:
                    self._ordered.remove(fault)
                return fault
        return None

    def is_ordered(self, kind: Kind) -> bool:
        """Whether a fault of this kind is pending."""
        return any(fault.kind == kind for fault in self._ordered)

    def clear(self) -> None:
        """Remove all pending faults."""
        self._ordered.clear()
