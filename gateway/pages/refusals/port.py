"""What the page of refusals needs of the gateway."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from gateway.pages.partner.port import RefusedFacts
from gateway.protocol.source_run import Run
from gateway.protocol.statistics import Dimension
from gateway.store.statistics import Count

Platforms: TypeAlias = Collection[str] | None
"""Those that are asked for; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The filter: some days, both included, and perhaps a platform and a rule."""

    first: date
    last: date
    platform: str = ""
    rule: str = ""

    @property
    def platforms(self) -> Platforms:
        """The platform, or all."""
        return (self.platform,) if self.platform else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalsPort:
    """The functions. ``ready``: whether the views have caught up; none of the others is called before. ``runs``: the
    last run of each feed.
    """

    clock: Callable[[], int]
    ready: Callable[[], bool]
    platforms: Callable[[], Mapping[str, str]]
    counts: Callable[[date, date, Collection[Dimension], Platforms], Awaitable[Sequence[Count]]]
    refused: Callable[[Asked], Awaitable[RefusedFacts]]
    runs: Callable[[], Awaitable[Mapping[str, Run]]]
