"""Pushes as records: the topic ``subscriptions`` as a value, and the rows of the topic ``pushes``. Pure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace

import orjson

from gateway.protocol.push import PushProgress, PushRow, Successes
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.subscription import PlatformSubscriptions, read_platform
from gateway.protocol.value import from_members


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionTopic:
    """The topic: the settings by platform, and the progress by platform and name."""

    platforms: Mapping[str, PlatformSubscriptions] = field(default_factory=dict)
    progress: Mapping[tuple[str, str], PushProgress] = field(default_factory=dict)

    def of(self, platform: str, joined_at: int | None) -> PlatformSubscriptions:
        """The subscriptions of a platform; none of an earlier membership."""
        found = self.platforms.get(platform)
        if found is None or found.joined_at != joined_at:
            return PlatformSubscriptions(platform=platform, joined_at=joined_at)
        return found


def fold_subscriptions(topic: SubscriptionTopic, records: Sequence[StoredRecord]) -> SubscriptionTopic:
    """The topic after more records. An unreadable one is none: a later version may have written it."""
    if not records:
        return topic
    platforms, progress = dict(topic.platforms), dict(topic.progress)
    for record in records:
        key = (record.key or b"").decode(errors="replace")
        platform, slash, name = key.partition("/")
        if slash:
            progress.pop((platform, name), None)
        else:
            platforms.pop(platform, None)
        if record.value is not None:
            with suppress(ValueError):
                if slash:
                    progress[platform, name] = read_progress(record.value)
                else:
                    platforms[platform] = read_platform(record.key or b"", record.value)
    return replace(topic, platforms=platforms, progress=progress)


def progress_key(platform: str, name: str) -> bytes:
    """The key of a subscription's progress; that of a platform's settings has no slash."""
    return f"{platform}/{name}".encode()


def progress_record(platform: str, name: str, progress: PushProgress) -> Record:
    """Progress as a record of ``subscriptions``; members that say nothing are left out."""
    members = ((one.name, getattr(progress, one.name)) for one in fields(progress))  # asdict takes 130 µs
    return Record(
        progress_key(platform, name), orjson.dumps({name: value for name, value in members if value is not None})
    )


def read_progress(value: bytes) -> PushProgress:
    """The inverse of ``progress_record``. Raises ValueError on a value that the gateway did not write."""
    try:
        body = orjson.loads(value)
        vectors = {name: tuple(map(int, body[name])) for name in ("positions", "began", "floor")}
        if len({len(vector) for vector in vectors.values()}) != 1:
            raise ValueError("progress with positions of different lengths")
        blocked = body.get("blocked")
        successes = body.get("successes")
        return from_members(
            PushProgress,
            {
                **body,
                **vectors,
                "blocked": None if blocked is None else (blocked[0], blocked[1]),
                "successes": None if successes is None else from_members(Successes, successes),
            },
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"progress with other members: {error}") from error


def attempts_key(platform: str, subscription: str) -> bytes:
    """The key of the attempts of a subscription, which has an id: another one of its name has others."""
    return f"{platform}/{subscription}".encode()


def attempt_record(platform: str, subscription: str, attempt: PushRow) -> Record:
    """A row of the attempts as a record of ``pushes``; members that say nothing are left out."""
    body = {member: value for member, value in asdict(attempt).items() if value not in (None, False)}
    return Record(attempts_key(platform, subscription), orjson.dumps(body))


def read_attempt(value: bytes) -> PushRow:
    """The inverse of ``attempt_record``. Raises ValueError on a value that the gateway did not write."""
    try:
        return from_members(PushRow, orjson.loads(value))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"an attempt with other members: {error}") from error
