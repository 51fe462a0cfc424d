"""The composition root: the one place that knows concrete classes, and puts the gateway together from settings."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web

import schemas
from gateway import clock
from gateway.api.app import build_app, runner_options
from gateway.api.context import Context, Limits
from gateway.api.management import METRICS, Metrics, build_management
from gateway.api.once import REQUESTS
from gateway.api.tokens import TOKEN_ISSUER
from gateway.feed import Feeds
from gateway.intake import Intake
from gateway.kafka import KafkaLog, KafkaSettings
from gateway.keys import load_secret
from gateway.lock import locked
from gateway.oauth.authority import Authority
from gateway.oauth.keys import KeyRing
from gateway.oauth.remote import RemoteKeys
from gateway.oauth.replay import first_use_on
from gateway.oauth.token import AccessTokens
from gateway.oauth.verifier import Verifier
from gateway.partners import Partners
from gateway.ports import EventLog, TopicError
from gateway.positions import Positions
from gateway.protocol.receipt import ReceiptIds
from gateway.protocol.seal import Seal
from gateway.protocol.topic import COMMON, OFFERS, RECEIPTS, Topic, feed, inbox
from gateway.relay import Relay
from gateway.settings import Settings, SettingsError
from gateway.share import keep_going
from gateway.snapshot import Snapshots
from gateway.sqlite import SqliteLog
from gateway.submissions import Submissions
from gateway.views import OfferView, ReceiptView, Tail

_MAINTAIN_SECONDS = 60.0
_LAG_LIMIT_MS = 2 * 24 * 3_600_000

_log = structlog.get_logger()


@asynccontextmanager
async def open_log(settings: Settings) -> AsyncIterator[EventLog]:
    """The event log of these settings: Kafka where an address is given, else the embedded one, made when missing."""
    if settings.kafka is None:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        log: EventLog = await SqliteLog.open(settings.data / "log.sqlite", partitions=settings.partitions)
        await log.create_topics(COMMON)
    else:
        log = await KafkaLog.open(kafka_settings(settings))
    try:
        yield log
    finally:
        await log.close()


def kafka_settings(settings: Settings) -> KafkaSettings:
    """What the Kafka log needs of the settings, as plain values. Raises SettingsError for contradictions."""
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
        )
    except ValueError as error:
        raise SettingsError(f"PASSERELLE_KAFKA_…: {error}") from error


def topics_of(partners: Partners) -> tuple[Topic, ...]:
    """Every topic that this federation needs: the common ones, and those of its Kafka-native partners."""
    inboxes = (inbox(partner.platform) for partner in partners.all() if partner.inbox)
    feeds = (feed(partner.platform) for partner in partners.all() if partner.feed)
    return (*COMMON, *inboxes, *feeds)


class Gateway:
    """A running gateway: where it listens, and when it ends."""

    def __init__(self, *, url: str, management_url: str, tasks: Mapping[str, asyncio.Future[None]]) -> None:
        self.url = url
        self.management_url = management_url
        self._tasks = tasks

    async def finished(self) -> None:
        """Wait for the first part that stops, and raise what made it stop: no part may end by itself."""
        done, _ = await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        for name, task in self._tasks.items():
            if task in done:
                _log.error("gateway.part_stopped", part=name)
                await task
                raise RuntimeError(f"{name} ended by itself")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway with these settings, listening; it is taken down in order when the block ends."""
    configure_logs(settings.log_level)
    async with AsyncExitStack() as stack:
        stack.enter_context(locked(settings.data))
        log = await stack.enter_async_context(open_log(settings))
        identity = await log.identity()
        partners = Partners(log)
        await partners.catch_up()
        await _check_topics(log, partners)
        # The explaining validator takes a second to import: better now than under the first refusal.
        await asyncio.to_thread(schemas.validator, "offer")
        parts = await _build(settings, log, identity, partners, stack)
        api_socket = _listen(stack, settings.host, settings.port)
        management_socket = _listen(stack, settings.management_host, settings.management_port)
        url = settings.public_url or f"http://{settings.host}:{api_socket.getsockname()[1]}"
        app = _api(settings, parts, url)
        management = build_management(parts.metrics, parts.conditions)
        await _serve(stack, app, api_socket)
        await _serve(stack, management, management_socket)
        tasks = {name: asyncio.ensure_future(part) for name, part in parts.running().items()}
        stack.push_async_callback(_cancel, tasks)
        port = management_socket.getsockname()[1]
        gateway = Gateway(url=url, management_url=f"http://{settings.management_host}:{port}", tasks=tasks)
        _log.info("gateway.started", url=gateway.url, management=gateway.management_url, log=identity)
        yield gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Everything that runs or answers, built but not yet started."""

    log: EventLog
    identity: str
    folder: Path
    partners: Partners
    ids: ReceiptIds
    cursors: Seal
    submissions: Submissions
    offers: OfferView
    receipts: ReceiptView
    positions: Positions
    snapshots: Snapshots
    relay: Relay
    tails: Mapping[str, Tail]
    metrics: Metrics

    def running(self) -> dict[str, Awaitable[None]]:
        """What must go on as long as the gateway does, by the name that an error would tell."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "partners": self.partners.run,
            "positions": self.positions.run,
            "relay": self.relay.run,
            "intake": Intake(self.log, partners=self.partners, ids=self.ids).run,
            "feeds": Feeds(self.log, partners=self.partners).run,
            **{f"view of {name}": tail.run for name, tail in self.tails.items()},
        }
        if isinstance(self.log, SqliteLog):
            parts["maintenance"] = partial(_maintain, self.log, self.partners)
        return {name: keep_going(name, run) for name, run in parts.items()}

    def conditions(self) -> Mapping[str, bool]:
        """What must hold for the gateway to be ready."""
        return {
            "partners": self.partners.caught_up,
            "positions": self.positions.caught_up,
            "relay": self.relay.ready,
            "lag": self.relay.lag_ms < _LAG_LIMIT_MS,
            **{f"view of {name}": tail.ready for name, tail in self.tails.items()},
        }


async def _build(settings: Settings, log: EventLog, identity: str, partners: Partners, stack: AsyncExitStack) -> _Parts:
    secret = load_secret(settings.secret, folder=settings.data)
    ids = ReceiptIds(secret)
    views = settings.data / "views"
    views.mkdir(parents=True, exist_ok=True)
    offers = await OfferView.open(views / "offers.sqlite", log_identity=identity, partitions=log.partitions)
    stack.push_async_callback(offers.close)
    receipts = await ReceiptView.open(views / "receipts.sqlite", log_identity=identity, partitions=log.partitions)
    stack.push_async_callback(receipts.close)
    positions = Positions(log)
    submissions = Submissions(log, ids=ids, clock=clock.now)
    metrics = Metrics()
    return _Parts(
        log=log,
        identity=identity,
        folder=settings.data,
        partners=partners,
        ids=ids,
        cursors=Seal(secret, purpose="cursor"),
        submissions=submissions,
        offers=offers,
        receipts=receipts,
        positions=positions,
        snapshots=Snapshots(
            log,
            submissions=submissions,
            offers=offers,
            positions=positions,
            ids=ids,
            seal=Seal(secret, purpose="mark"),
            clock=clock.now,
        ),
        relay=Relay(
            log,
            folder=settings.data / "relay",
            identity=identity,
            submissions=submissions,
            ids=ids,
            clock=clock.now,
            decided=metrics.count_verdicts,
        ),
        tails={name: Tail(log, name, view) for name, view in ((OFFERS, offers), (RECEIPTS, receipts))},
        metrics=metrics,
    )


def _api(settings: Settings, parts: _Parts, url: str) -> web.Application:
    keys = KeyRing.read(settings.signing_key) if settings.signing_key else KeyRing.open(settings.data / "signing.pem")
    tokens = AccessTokens(keys, issuer=url, clock=clock.now)
    spool = settings.data / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    app = build_app(
        Context(
            log=parts.log,
            identity=parts.identity,
            submissions=parts.submissions,
            partners=parts.partners,
            verifier=Verifier(tokens, parts.partners, RemoteKeys(clock=clock.now), clock=clock.now),
            offers=parts.offers,
            receipts=parts.receipts,
            receipt_ids=parts.ids,
            positions=parts.positions,
            snapshots=parts.snapshots,
            cursors=parts.cursors,
            limits=Limits(requests_per_minute=settings.requests_per_minute, uploads_at_once=settings.uploads_at_once),
            clock=clock.now,
            spool=spool,
            caught_up=lambda: parts.tails[OFFERS].caught_up,
        )
    )
    app[METRICS] = parts.metrics
    app[TOKEN_ISSUER] = Authority(
        parts.partners, keys, issuer=url, clock=clock.now, first_use=first_use_on(app[REQUESTS])
    )
    return app


async def _check_topics(log: EventLog, partners: Partners) -> None:
    """The embedded log makes what is missing; on Kafka topics are the operator's, checked before anything runs."""
    topics = topics_of(partners)
    if isinstance(log, SqliteLog):
        await log.create_topics(topics)
    findings = await log.check_topics(topics)
    if findings:
        raise TopicError(" ".join(findings))


async def _maintain(log: SqliteLog, partners: Partners) -> None:
    """Retention and compaction of the embedded log, and the topics of partners who have come since."""
    while True:
        topics = topics_of(partners)
        await log.create_topics(topics)
        await log.maintain(topics, now=clock.now())
        await asyncio.sleep(_MAINTAIN_SECONDS)


def _listen(stack: AsyncExitStack, host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error.strerror}); free the port, or set PASSERELLE_PORT or "
            "PASSERELLE_MANAGEMENT_PORT to another one"
        ) from error
    stack.callback(listening.close)
    return listening


async def _serve(stack: AsyncExitStack, app: web.Application, listening: socket.socket) -> None:
    runner = web.AppRunner(app, access_log=None, **runner_options())
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()


async def _cancel(tasks: Mapping[str, asyncio.Future[None]]) -> None:
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


def configure_logs(level: str) -> None:
    """One JSON object per line on standard output, from this level on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
