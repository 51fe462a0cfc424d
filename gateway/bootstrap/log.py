"""Open the event log that the settings name, create or check its topics, and locate the file of the signing keys."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.errors import LogDamagedError, LogUnavailableError, SettingsError, TopicError
from gateway.log.port import EventLog
from gateway.log.sqlite import SqliteLog
from gateway.log.sqlite.reader import LOOK_SECONDS
from gateway.oauth.keys import KeyRing
from gateway.operate.transfer.restore import refuse_incomplete_import
from gateway.partners import Partners, topics_of
from gateway.protocol.topic import COMMON
from gateway.runtime.private_files import ExposedError, check_private
from gateway.settings import Settings
from gateway.store.updated_copy import read_positions

if TYPE_CHECKING:
    from gateway.log.kafka import KafkaSettings

_MAINTAIN_SECONDS = 60.0
_FOLLOWER_SECONDS = 0.05


@asynccontextmanager
async def open_log(
    settings: Settings, *, make: bool = True, check: bool = False, follow: bool = False
) -> AsyncIterator[EventLog]:
    """The event log of these settings: Kafka if an address is set, else the embedded one.

    ``make`` creates the embedded log's file and topics if missing; commands that only read leave it off. ``check``
    checks the embedded log's file for some seconds first. ``follow``: another process of the gateway relays; records of
    others are then seen within 50 ms instead of 10.

    Raises SettingsError if other users of the machine can read the log (SEC-009), LogDamagedError, LogUnavailableError.
    """
    if settings.kafka is None:
        path = log_path(settings)
        try:
            if make:
                settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_exposed(path)
            _refuse_lost(path, settings.data / "views")
        except OSError as error:
            raise LogUnavailableError(
                f"The data folder {settings.data.absolute()} cannot be used ({error.strerror}): check its rights, or "
                "name another one in PASSERELLE_DATA."
            ) from error
        log: EventLog = await SqliteLog.open(
            path,
            partitions=settings.partitions,
            check=check,
            look_every=_FOLLOWER_SECONDS if follow else LOOK_SECONDS,
        )
        if make:
            await log.create_topics(COMMON)
    else:
        from gateway.log.kafka import KafkaLog  # noqa: PLC0415 - the embedded log starts without aiokafka

        log = await KafkaLog.open(kafka_settings(settings))
    try:
        yield log
    finally:
        await log.close()


def log_path(settings: Settings) -> Path:
    """The path of the embedded log."""
    return settings.data / "log.sqlite"


def _refuse_exposed(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal"):
        try:
            check_private(path.with_name(name))
        except FileNotFoundError:
            continue
        except ExposedError as error:
            raise SettingsError(str(error)) from error


def _refuse_lost(path: Path, views: Path) -> None:
    """Refuse a missing or empty log beside existing views: a new log would answer as if nothing were published."""
    if (not path.exists() or path.stat().st_size == 0) and any(views.glob("*.sqlite")):
        raise LogDamagedError(
            f"The log {path.absolute()} is missing or empty, but {views.absolute()} holds views of one: restore it "
            f"from a backup; to begin a new log, remove {views.absolute()} as well."
        )


async def refuse_older(log: EventLog, settings: Settings, viewed: Iterable[str]) -> None:
    """Refuse an embedded log that ends before the positions of the views of these topics.

    Raises LogDamagedError: records are lost, or the file was restored and the local copies were not removed.
    """
    identity = await log.identity()
    for topic in viewed:
        path = settings.data / "views" / f"{topic}.sqlite"
        positions = await asyncio.to_thread(read_positions, path, log_identity=identity)
        ends = await log.ends(topic)
        if any(at > end for at, end in zip(positions, ends, strict=False)):
            raise LogDamagedError(
                f"The log {log_path(settings).absolute()} has lost records: {topic} ends before what {path.absolute()} "
                "has read. Restore it from a newer backup; if it is the restored one, remove the folders views and "
                "relay beside it."
            )


def kafka_settings(settings: Settings) -> "KafkaSettings":
    """The settings of the Kafka log, as plain values. Raises SettingsError for contradictions."""
    from gateway.log.kafka import KafkaSettings  # noqa: PLC0415 - same

    try:
        return KafkaSettings(
            bootstrap_servers=settings.kafka or "",
            prefix=settings.kafka_prefix,
            partitions=settings.partitions,
            replication=settings.kafka_replication,
            security=settings.kafka_security,  # type: ignore[arg-type]  # Settings has checked the names
            sasl_mechanism=settings.kafka_sasl_mechanism,  # type: ignore[arg-type]  # same
            username=settings.kafka_username,
            password=settings.kafka_password,
            ca=settings.kafka_ca,
            certificate=settings.kafka_certificate,
            key=settings.kafka_key,
            members=settings.data / "members",
        )
    except ValueError as error:
        raise SettingsError(f"PASSERELLE_KAFKA_…: {error}") from error


async def check_topics(log: EventLog, partners: Partners) -> None:
    """Create missing topics on the embedded log, then check all topics; on Kafka, topics belong to the operator.

    Raises TopicError; IncompleteImportError.
    """
    topics = topics_of(partners)
    if isinstance(log, SqliteLog):
        await log.create_topics(topics)
    findings = await log.check_topics(topics)
    if findings:
        raise TopicError(" ".join(findings))
    await refuse_incomplete_import(log)


async def maintain(log: SqliteLog, partners: Partners, at: Clock, *, every: float = _MAINTAIN_SECONDS) -> None:
    """Periodic maintenance of the embedded log: retention, compaction, and topics of new partners. Never returns."""
    while True:
        topics = topics_of(partners)
        await log.create_topics(topics)
        await log.maintain(topics, now=at())
        await asyncio.sleep(every)


def with_signing_key(settings: Settings) -> Settings:
    """The settings with ``signing_key`` set; if they name none, a key file is created in the data folder."""
    if settings.signing_key is not None:
        return settings
    path = signing_key_of(settings)
    KeyRing.open(path)
    return replace(settings, signing_key=path)


def signing_key_of(settings: Settings) -> Path:
    """The path of the signing keys, whether it exists or not."""
    return settings.signing_key or settings.data / "signing.pem"
