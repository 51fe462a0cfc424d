"""The checks of a running federation: the audit of its journal, and what its gateway finds wrong with itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.federation.federation import Federation
from gateway.operate.journal_audit import audit_journal
from gateway.protocol.journal import ChainFinding
from gateway.runtime.cached import Cached

State: TypeAlias = Literal["ok", "warn", "fail"]
_KEPT_MS = 10_000
"""The journal is read as a whole for the checks, once for all who ask for them together."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The state of one subject; ``step`` is the remedy, empty if none is needed. ``code`` names it for pages, which
    have words of their own, with these values.
    """

    state: State
    about: str
    message: str
    step: str = ""
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The result of the checks. ``at``: when they were made, in ms; ``doctor``: what is not as it should be, failures
    first; ``fine``: how many subjects of the examination are as they should be.
    """

    at: int
    entries: int
    chain: Sequence[ChainFinding]
    doctor: Sequence[Diagnosis]
    fine: int


class Checks:
    """The checks, made at most every ten seconds. ``examine`` examines the gateway."""

    def __init__(self, federation: Federation, *, examine: Callable[[], Awaitable[Sequence[Diagnosis]]]) -> None:
        self._federation = federation
        self._examine = examine
        self._kept = Cached(self._check, milliseconds=_KEPT_MS)

    async def get(self) -> Checked:
        """The result. Raises LogError."""
        return await self._kept.get()

    async def _check(self) -> Checked:
        federation, chain = self._federation, list[ChainFinding]()
        at = federation.clock()
        journal = await audit_journal(federation.log, chain.append, secret=federation.secret, clock=federation.clock)
        found = await self._examine()
        doctor = sorted((one for one in found if one.state != "ok"), key=lambda one: one.state != "fail")
        return Checked(at=at, entries=journal.entries, chain=chain, doctor=doctor, fine=len(found) - len(doctor))
