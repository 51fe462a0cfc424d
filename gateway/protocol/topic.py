"""The topics of the federation: names, keys, retention and compaction, as data."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

DAY_MS = 24 * 3_600_000

Policy: TypeAlias = Literal["delete", "compact"]

SUBMISSIONS = "submissions"
REJECTED = "rejected"
OFFERS = "offers"
POSITIONS = "positions"
RECEIPTS = "receipts"
DELIVERIES = "deliveries"
REQUESTS = "requests"
PARTNERS = "partners"
RUNS = "runs"
STATISTICS = "statistics"
JOURNAL = "journal"
OPERATORS = "operators"
CONTACTS = "contacts"
NOTICES = "notices"
JOINING = "joining"
SUBSCRIPTIONS = "subscriptions"
PUSHES = "pushes"
RELEASES = "releases"
INBOX = "inbox."
FEED = "feed."


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``retention_ms`` is how long records stay (delete) or how long deletes stay (compact).

    ``small_segments`` asks for compaction soon after writing, for topics whose keys are few and change often.
    ``erasable``: compaction erases what a newer record replaces, however little it gains.
    """

    name: str
    policy: Policy
    retention_ms: int
    small_segments: bool = False
    erasable: bool = False


COMMON = (
    Topic(SUBMISSIONS, "delete", 30 * DAY_MS),
    Topic(REJECTED, "delete", 30 * DAY_MS),
    Topic(OFFERS, "compact", 14 * DAY_MS),
    Topic(POSITIONS, "compact", 14 * DAY_MS, small_segments=True),
    Topic(RECEIPTS, "delete", 30 * DAY_MS),
    Topic(DELIVERIES, "compact", 14 * DAY_MS),
    Topic(REQUESTS, "delete", 2 * DAY_MS),
    Topic(PARTNERS, "compact", 14 * DAY_MS),
    Topic(RUNS, "compact", 14 * DAY_MS, small_segments=True),
    Topic(STATISTICS, "delete", 400 * DAY_MS),
    Topic(JOURNAL, "delete", 1_096 * DAY_MS),
    Topic(OPERATORS, "compact", 14 * DAY_MS, small_segments=True, erasable=True),
    Topic(CONTACTS, "compact", 14 * DAY_MS, small_segments=True, erasable=True),
    Topic(NOTICES, "delete", 30 * DAY_MS),
    Topic(JOINING, "compact", 14 * DAY_MS, small_segments=True, erasable=True),
    Topic(SUBSCRIPTIONS, "compact", 14 * DAY_MS, small_segments=True, erasable=True),
    Topic(PUSHES, "delete", 30 * DAY_MS),
    Topic(RELEASES, "compact", 14 * DAY_MS, small_segments=True, erasable=True),
)
"""The topics that every log has. A log writes each as ``{prefix}.{name}.v1``, all with the same partition count."""


def inbox(platform: str) -> Topic:
    """The topic where a Kafka-native publisher writes."""
    return Topic(f"{INBOX}{platform}", "delete", 7 * DAY_MS)


def feed(platform: str) -> Topic:
    """The topic where a Kafka-native subscriber reads: filtered and masked for it."""
    return Topic(f"{FEED}{platform}", "compact", 14 * DAY_MS)


def full_name(prefix: str, name: str) -> str:
    """The name on the wire, such as ``stages.offers.v1`` or ``stages.inbox.bretagne.v1``."""
    return f"{prefix}.{name}.v1"
