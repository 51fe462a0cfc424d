"""What the page of the journal needs of the gateway."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.operate.desk import Desk
from gateway.partners.sign_in import Signed
from gateway.protocol.journal import ChainFinding, Entry, JournalFilter, Names


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a running gateway found wrong with itself: its text ``doctor_{code}``, with these values."""

    state: Literal["warn", "fail"]
    code: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The audit of the journal and the examination of the gateway. ``at``: when they were made, in ms; ``fine``: how
    many subjects of the examination are as they should be.
    """

    at: int
    entries: int
    chain: Sequence[ChainFinding]
    doctor: Sequence[Finding]
    fine: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPort:
    """The functions. ``ready``: whether view and names have caught up; ``page``: entries below a number, newest first,
    and whether there are more.
    """

    ready: Callable[[], bool]
    names: Callable[[], Names]
    page: Callable[[int | None, int, JournalFilter], Awaitable[tuple[Sequence[Entry], bool]]]
    checks: Callable[[], Awaitable[Checks]]
    desk: Callable[[Signed], Desk]
