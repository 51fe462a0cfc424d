"""Assemble the API from its parts, open listening sockets, and serve on them."""

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from math import ceil

from aiohttp import web

from adapters.rendering import renderings
from gateway import clock
from gateway.api.app import build_app
from gateway.api.context import Context, Limits
from gateway.api.idempotency import REQUESTS
from gateway.api.malformed_http import ProblemRunner
from gateway.api.management import METRICS
from gateway.api.tokens import TOKEN_ISSUER
from gateway.bootstrap.parts import Parts
from gateway.errors import SettingsError
from gateway.oauth.authority import Authority
from gateway.oauth.client import first_use_on
from gateway.oauth.keys import KeyRing
from gateway.oauth.remote import RemoteKeys
from gateway.oauth.token import AccessTokens
from gateway.oauth.verifier import Verifier
from gateway.partners.credential import TokenVerifier
from gateway.protocol.seal import Seal
from gateway.runtime.listening import bind, format_endpoint, reason

_RETRY_SECONDS = 0.1


def build_api(parts: Parts, url: str) -> web.Application:
    """The API at this URL. The limits are divided among the worker processes.

    Raises SettingsError if there is no signing key.
    """
    settings = parts.settings
    share = max(1, settings.workers)
    if settings.signing_key is None:
        raise SettingsError("PASSERELLE_SIGNING_KEY names no file")
    keys = KeyRing.read(settings.signing_key)
    tokens = AccessTokens(keys, issuer=url, clock=parts.clock)
    verifier = Verifier(tokens, parts.partners, RemoteKeys(clock=clock.steady), clock=parts.clock)
    limits = Limits()
    limits = replace(
        limits,
        requests_per_minute=ceil(settings.requests_per_minute / share),
        uploads_at_once=ceil(settings.uploads_at_once / share),
        uploads_waiting=ceil(limits.uploads_waiting / share),
        upload_processor_seconds=settings.upload_processor_seconds,
        processor_percent=settings.processor_percent,
        exports_at_once=ceil(limits.exports_at_once / share),
        spool_bytes=limits.spool_bytes // share,
    )
    app = build_app(build_context(parts, url, verifier=verifier, limits=limits))
    app[METRICS] = parts.metrics
    app[TOKEN_ISSUER] = Authority(
        parts.partners,
        keys,
        issuer=url,
        clock=parts.clock,
        first_use=first_use_on(app[REQUESTS]),
        processes=share,
    )
    return app


def build_context(parts: Parts, url: str, *, verifier: TokenVerifier, limits: Limits) -> Context:
    """The request context of the API with these parts, at this URL."""
    spool = parts.settings.data / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    return Context(
        log=parts.log,
        identity=parts.identity,
        submissions=parts.submissions,
        partners=parts.partners,
        verifier=verifier,
        offers=parts.offers,
        receipts=parts.receipts,
        receipt_ids=parts.ids,
        deliveries=parts.deliveries,
        runs=parts.runs,
        positions=parts.positions,
        snapshots=parts.snapshots,
        cursors=Seal(parts.secret, purpose="cursor"),
        limits=limits,
        clock=parts.clock,
        spool=spool,
        renderings=renderings(url),
        require_certificate=parts.settings.require_certificate,
    )


async def listen(stack: AsyncExitStack, host: str, port: int, *, patience: float = 5.0) -> socket.socket:
    """A listening socket, closed with the stack. Retries for ``patience`` seconds while the port is in use: the workers
    of a killed gateway end within moments. Raises SettingsError if it cannot listen.
    """
    until = time.monotonic() + patience
    while True:
        try:
            listening = bind(host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            raise SettingsError(
                f"cannot listen on {format_endpoint(host, port)} ({reason(error)}); free the port, or set another port "
                "or address: PASSERELLE_PORT and PASSERELLE_HOST, or PASSERELLE_MANAGEMENT_PORT and …_MANAGEMENT_HOST"
            ) from error
        stack.callback(listening.close)
        return listening


async def serve(
    stack: AsyncExitStack,
    app: web.Application,
    listening: socket.socket,
    *,
    site: Callable[[web.AppRunner, socket.socket], web.BaseSite] = web.SockSite,
) -> None:
    """Serve an application on a socket until the stack is closed."""
    runner = ProblemRunner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await site(runner, listening).start()
