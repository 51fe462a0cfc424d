"""The core: a federation on a log in memory, its relay and views, and its API on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import structlog

import schemas
from gateway.api.context import CONTEXT
from gateway.api.tokens import TOKEN_ISSUER
from gateway.bootstrap import parts
from gateway.bootstrap.log import with_signing_key
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.serving import build_api, listen
from gateway.clock import Clock
from gateway.federation import Federation
from gateway.log.tasks import raise_first_end, start_tasks
from gateway.mock.accounts import Tokens
from gateway.mock.decisions import Decisions
from gateway.mock.front import serve_marked
from gateway.mock.log import WatchedLog
from gateway.oauth import jws
from gateway.operate.decision_counts import count_decisions
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.release import PARTITION, Activation, activation_record
from gateway.protocol.topic import COMMON, OFFERS, RELEASES
from gateway.push.sender import run_sender
from gateway.relay import CommitPace, Relay
from gateway.settings import Settings
from gateway.store import ViewUpdater

LOOPBACK = "127.0.0.1"
_PAUSE = 0.002
_SECONDS = 10.0


class _Immediate(CommitPace):
    """A commit costs nothing here: the relay never rests."""

    def rest(self, **_: object) -> float:
        """No seconds."""
        return 0.0


class StoppedPartError(Exception):
    """A part of the core has stopped, and the core with it."""


class Core:
    """A running core. ``url`` is where its API answers; its partners know the URL of the front."""

    def __init__(self, federation: Federation, url: str, tokens: Tokens) -> None:
        self.federation = federation
        self.url = url
        self.tokens = tokens

    async def overtake(self, offer_id: str, *, by: int) -> None:
        """Raise the revision of a live offer, as if another machine of its platform had published it."""
        federation = self.federation
        await federation.offers.reached(await federation.log.ends(OFFERS), _SECONDS)
        state = await federation.offers.get(offer_id)
        if state is None or state.offer is None:
            return
        document = {**orjson.loads(orjson.dumps(state.offer)), "revision": state.known.revision + by}
        verdict = schemas.check(
            orjson.dumps(document),
            on=date.fromisoformat(paris_date(federation.clock())),
            activations=federation.releases.activations,
        )
        hosts, publisher = federation.partners.hosts(), offer_id.partition(":")[0]
        command = federation.submissions.prepare(verdict, publisher=publisher, hosts=hosts)
        await federation.submissions.submit([command])
        await federation.receipts.wait(command.receipt, _SECONDS)


@asynccontextmanager
async def watching(parts: Mapping[str, asyncio.Future[None]]) -> AsyncIterator[None]:
    """End the block when the first of these parts stops. Raises StoppedPartError."""
    task, ends = asyncio.current_task(), asyncio.ensure_future(raise_first_end(parts))
    if task is None:
        raise RuntimeError("a block that can end is of a task")
    ends.add_done_callback(lambda ended: ended.cancelled() or task.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if not ends.done():
            raise
        task.uncancel()
        error = ends.exception()
        raise StoppedPartError(f"{type(error).__name__}: {error}") from error
    finally:
        ends.cancel()


@asynccontextmanager
async def core(
    *,
    url: str,
    partners: Iterable[Partner],
    clients: Mapping[str, str],
    clock: Clock,
    watch: Decisions,
    open_to_all: bool,
    activations: schemas.Activations,
) -> AsyncIterator[Core]:
    """A core whose partners know it as ``url``, in a folder and with keys of its own, which end with the block.
    ``activations`` are on its log. Raises SettingsError where no port is free, and StoppedPartError.
    """
    if not structlog.is_configured():  # a process with logs of its own keeps them
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="passerelle-mock-")))
        settings = with_signing_key(Settings(data=folder, pages=0, loopback_feeds=1))
        log = WatchedLog(watch, clock=clock)
        await log.create_topics(COMMON)
        days = [
            Activation(release=name, begins=day, fields=(), entry=1, at=clock()) for name, day in activations.items()
        ]
        if days:
            await log.append(RELEASES, PARTITION, [*map(activation_record, days)])
        federation = await build_federation(settings, stack, log=log, clock=clock)
        for partner in partners:
            await federation.partners.save(partner)
        relay = Relay(
            log,
            folder=folder / "relay",
            identity=federation.identity,
            submissions=federation.submissions,
            ids=federation.ids,
            clock=clock,
            decided=federation.metrics.count_verdicts,
            pace=_Immediate(),
        )
        views = {name: ViewUpdater(log, name, view, clock=clock) for name, view in federation.views.items()}
        tasks = start_tasks(
            {
                **parts.running(federation),
                "relay": relay.run,
                "statistics": partial(count_decisions, log, refused_offer_seal(federation.secret)),
                "subscriptions": federation.subscriptions.run,
                "pushes": partial(run_sender, log, federation.push_parts()),
                **{f"view of {name}": view.run for name, view in views.items()},
            },
            stack,
        )
        await stack.enter_async_context(watching(tasks))
        await asyncio.to_thread(schemas.preload)
        jws.preload()
        listening = await listen(stack, LOOPBACK, 0)
        app = build_api(settings, federation, url)
        tokens = Tokens(
            federation.partners, app[TOKEN_ISSUER], app[CONTEXT].verifier, clients=clients, open_to_all=open_to_all
        )
        app[TOKEN_ISSUER], app[CONTEXT] = tokens, replace(app[CONTEXT], verifier=tokens)
        while not (relay.ready and all(view.ready for view in views.values())):  # noqa: ASYNC110  # some milliseconds
            await asyncio.sleep(_PAUSE)
        await serve_marked(stack, app, listening)
        yield Core(federation, f"http://{LOOPBACK}:{listening.getsockname()[1]}", tokens)
