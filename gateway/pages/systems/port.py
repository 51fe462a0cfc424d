"""What the page of the systems needs of the gateway."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.operate.health import HealthTerms
from gateway.operate.status import Facts
from gateway.protocol.journal import Actor, Entry
from gateway.store.statistics import Count

Action: TypeAlias = Literal["run", "pause", "resume"]
FeedOutcome: TypeAlias = Literal["done", "already", "paused", "no-feed"]
"""``already``: the feed was paused, or not paused, before; ``paused``: no order runs a paused feed."""


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry of the journal, and the name of its person: None where none is named, or where it was erased."""

    entry: Entry
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFacts:
    """What went through the gateway this week. ``counts``: submissions by platform, verdict and department;
    ``delivered``: deliveries to the national site, by the platform of the offer; ``unwritten``: changes that are not
    yet on the topic of each Kafka-native subscriber, None if the log does not answer.
    """

    counts: Sequence[Count] = ()
    delivered: Mapping[str, int] = field(default_factory=dict)
    unwritten: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemsFacts:
    """The federation at this moment. ``undecided``: submissions without a decision, None if the log does not answer;
    ``refused``: offers of this week by platform, ``rules``: by verdict and rule; ``pauses``: who paused each feed that
    is paused, and why.
    """

    facts: Facts
    terms: HealthTerms
    undecided: int | None
    refused: Mapping[str, int]
    rules: Sequence[Count]
    pauses: Mapping[str, SignedEntry]
    flow: FlowFacts = field(default_factory=FlowFacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAct:
    """An order about the feed of a platform; ``confirm``: the withdrawals that a run may make."""

    action: Action
    platform: str
    why: str | None = None
    confirm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemsPort:
    """The functions. ``ready``: whether the views have caught up; none of the others is called before."""

    ready: Callable[[], bool]
    facts: Callable[[], Awaitable[SystemsFacts]]
    act: Callable[[FeedAct, Actor], Awaitable[FeedOutcome]]
