"""Faults that a test or a demo orders from the simulated site, each for a number of calls."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "status", "refused", "forbidden", "geocoder", "foreign", "hang", "reset", "garbage", "twice", "late"
]


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next calls of one method (of all, where none is named).

    ``status`` answers that status as a failing server does, ``refused`` refuses as the site does, whatever the body,
    ``forbidden`` forbids the call, ``geocoder`` does not find the postcode, ``foreign`` answers ``page`` as a proxy in
    the site's stead does, ``hang`` never answers, ``reset`` cuts the connection, ``garbage`` answers 200 with
    a page of HTML, ``twice`` inserts two rows for one creation, ``late`` cuts the connection and carries the call out
    ``after`` so many seconds; with ``done`` the call has had its effect before.
    """

    kind: Kind
    method: str | None = None
    status: int = 503
    page: str = ""
    after: float = 0.05
    done: bool = False
    times: int = 1


class Faults:
    """The faults that are still to happen, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._poisoned: frozenset[str] = frozenset()

    def order(self, fault: Fault) -> None:
        """Have a fault happen."""
        self._ordered.append(fault)

    def poison(self, *remote_ids: str) -> None:
        """Have every write about these remote ids fail with 500."""
        self._poisoned = frozenset(remote_ids)

    def heal(self) -> None:
        """Have writes about any remote id succeed again."""
        self._poisoned = frozenset()

    def take(self, method: str, remote_id: str | None = None) -> Fault | None:
        """The fault that strikes this call. ``remote_id``: the offer that a write is about."""
        if remote_id in self._poisoned:
            return Fault("status", method, status=500)
        for fault in self._ordered:
            if fault.method in {None, method}:
                fault.times -= 1
                if fault.times == 0:
                    self._ordered.remove(fault)
                return fault
        return None

    def is_ordered(self, kind: Kind) -> bool:
        """Whether a fault of this kind is still to happen."""
        return any(fault.kind == kind for fault in self._ordered)

    def clear(self) -> None:
        """Have none happen any more."""
        self._ordered.clear()
