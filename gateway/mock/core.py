"""The core: a federation on a log in memory, its relay and views, and its API on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import schemas
from gateway.api.context import CONTEXT
from gateway.api.tokens import TOKEN_ISSUER
from gateway.bootstrap import parts
from gateway.bootstrap.log import with_signing_key
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.serving import build_api, listen, serve
from gateway.clock import Clock, now
from gateway.federation import Federation
from gateway.log.tasks import start_tasks
from gateway.mock.accounts import Tokens
from gateway.mock.log import Unwatched, Watch, WatchedLog
from gateway.oauth import jws
from gateway.operate.decision_counts import DecisionCounts
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from gateway.relay import CommitPace, Relay
from gateway.settings import Settings
from gateway.store import ViewUpdater

LOOPBACK = "127.0.0.1"
_PAUSE = 0.002


class _Immediate(CommitPace):
    """A commit costs nothing here: the relay never rests."""

    def rest(self, **_: object) -> float:
        """No seconds."""
        return 0.0


class Core:
    """A running core. ``url`` is where its API answers; its partners know the URL of the front."""

    def __init__(self, federation: Federation, url: str, tokens: Tokens) -> None:
        self.federation = federation
        self.url = url
        self.tokens = tokens


@asynccontextmanager
async def core(
    *,
    url: str,
    partners: Iterable[Partner] = (),
    clock: Clock = now,
    watch: Watch | None = None,
    open_to_all: bool = False,
) -> AsyncIterator[Core]:
    """A core whose partners know it as ``url``, in a folder and with keys of its own, which end with the block. Raises
    SettingsError where no port is free.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="passerelle-mock-")))
        settings = with_signing_key(Settings(data=folder, pages=0))
        log = WatchedLog(watch or Unwatched(), clock=clock)
        await log.create_topics(COMMON)
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
        start_tasks(
            {
                **parts.running(federation),
                "relay": relay.run,
                "statistics": DecisionCounts(log).run,
                **{f"view of {name}": view.run for name, view in views.items()},
            },
            stack,
        )
        await asyncio.to_thread(schemas.preload)
        jws.preload()
        listening = await listen(stack, LOOPBACK, 0)
        app = build_api(settings, federation, url)
        tokens = Tokens(federation.partners, app[TOKEN_ISSUER], app[CONTEXT].verifier, open_to_all=open_to_all)
        app[TOKEN_ISSUER], app[CONTEXT] = tokens, replace(app[CONTEXT], verifier=tokens)
        while not (relay.ready and all(view.ready for view in views.values())):  # noqa: ASYNC110  # some milliseconds
            await asyncio.sleep(_PAUSE)
        await serve(stack, app, listening)
        yield Core(federation, f"http://{LOOPBACK}:{listening.getsockname()[1]}", tokens)
