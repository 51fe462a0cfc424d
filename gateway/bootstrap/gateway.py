"""One running gateway: the background half, and the API in this process or in workers."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

import schemas
from gateway import clock
from gateway.api.management import build_management
from gateway.bootstrap import parts
from gateway.bootstrap.background import Background, national_parts
from gateway.bootstrap.files import local_copies
from gateway.bootstrap.log import check_topics, log_path, with_signing_key
from gateway.bootstrap.pages import add_pages
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.rehearsal import with_rehearsals
from gateway.bootstrap.serving import build_api, listen, serve
from gateway.bootstrap.workers import WorkerProcess, Workers
from gateway.log.sqlite import SqliteLog
from gateway.log.sqlite.examination import Examination
from gateway.log.tasks import raise_first_end, start_tasks
from gateway.oauth import jws
from gateway.runtime.listening import format_endpoint
from gateway.runtime.lock import locked
from gateway.runtime.logs import configure_logs, watch_loop
from gateway.settings import Settings
from gateway.store.trusted_clock import RetentionClock

_log = structlog.get_logger()


class Gateway:
    """A running gateway: its URLs, and its end."""

    def __init__(self, *, url: str, management_url: str, tasks: Mapping[str, asyncio.Future[None]]) -> None:
        self.url = url
        self.management_url = management_url
        self._tasks = tasks

    async def finished(self) -> None:
        """Wait for the first part that stops, and raise its error: no part may end by itself."""
        await raise_first_end(self._tasks)


@asynccontextmanager
async def running(settings: Settings, forked: Sequence[WorkerProcess] = ()) -> AsyncIterator[Gateway]:
    """Run a gateway with these settings, and with workers that are forked already; shut it down in order when the block
    ends. Raises SettingsError, LogError.
    """
    configure_logs(settings.log_level)
    watch_loop()
    async with AsyncExitStack() as stack:
        stack.enter_context(locked(settings.data))
        settings = with_signing_key(settings)
        workers = Workers(settings, forked) if settings.workers else None
        submitting = None if workers is None else await stack.enter_async_context(workers.spawned())
        built = await build_federation(settings, stack, ready=check_topics, check=True, submitting=submitting)
        federation = with_rehearsals(built, settings)
        await federation.releases.refuse_unknown()
        since = await federation.log.newest() if isinstance(federation.log, SqliteLog) else None
        retention = RetentionClock(
            settings.data / "clock.json", wall=clock.now, steady=clock.steady, since=since, boot=clock.boot()
        )
        background = Background(settings, federation, retention)
        api_socket = await listen(stack, settings.host, settings.port)
        management_socket = await listen(stack, settings.management_host, settings.management_port)
        url = settings.public_url or f"http://{format_endpoint(settings.host, api_socket.getsockname()[1])}"
        management_url = f"http://{format_endpoint(settings.management_host, management_socket.getsockname()[1])}"

        def conditions() -> Mapping[str, bool]:
            answerers = {} if workers is None else {"workers": workers.ready}
            return {**parts.conditions(federation), **background.conditions(), **answerers}

        log_file = log_path(settings) if settings.kafka is None else None
        examination = Examination(
            partial(local_copies, settings.data), log_file, ready=lambda: all(conditions().values())
        )
        national = await national_parts(settings, federation, stack)
        running_parts = {
            **parts.running(federation),
            **background.running(),
            **national,
            "examination": examination.run,
        }
        tasks = start_tasks(running_parts, stack)
        if workers is not None:
            stack.push_async_callback(workers.stop)  # before the parts that their requests need
            await workers.begin(api_socket, url)
            tasks |= start_tasks({"workers": workers.finished}, stack)
        else:
            await asyncio.to_thread(schemas.preload)
            jws.preload()
            await serve(stack, build_api(settings, federation, url, pages=add_pages), api_socket)

        await serve(stack, build_management(federation.metrics, conditions, background.gauges()), management_socket)
        gateway = Gateway(url=url, management_url=management_url, tasks=tasks)
        _log.info("gateway.started", url=gateway.url, management=gateway.management_url, log=federation.identity)
        yield gateway
