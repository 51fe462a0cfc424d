"""The checks of a running federation: the audit of its journal, and what its gateway finds wrong with itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.federation.federation import Federation
from gateway.operate.journal_audit import audit_journal
from gateway.protocol.journal import ChainFinding

State: TypeAlias = Literal["ok", "warn", "fail"]
CHECKED_MS = 10_000
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


async def run_checks(federation: Federation, examine: Callable[[], Awaitable[Sequence[Diagnosis]]]) -> Checked:
    """The checks, with what ``examine`` finds of the gateway. Raises LogError."""
    at, chain = federation.clock(), list[ChainFinding]()
    journal = await audit_journal(federation.log, chain.append, secret=federation.secret, clock=federation.clock)
    found = await examine()
    doctor = sorted((one for one in found if one.state != "ok"), key=lambda one: one.state != "fail")
    return Checked(at=at, entries=journal.entries, chain=chain, doctor=doctor, fine=len(found) - len(doctor))
