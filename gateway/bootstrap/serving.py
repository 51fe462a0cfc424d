"""Assemble the API of a federation, and serve it on listening sockets, which several processes may share."""

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from math import ceil
from typing import TypeAlias

from aiohttp import web

from adapters.rendering import renderings
from gateway import clock
from gateway.api.app import build_app
from gateway.api.context import PROXIES, Context, Limits
from gateway.api.idempotency import REQUESTS
from gateway.api.malformed_http import ProblemRunner
from gateway.api.management import METRICS
from gateway.api.security_txt import SecurityContact, security_route
from gateway.api.tokens import TOKEN_ISSUER
from gateway.errors import SettingsError
from gateway.federation import Federation
from gateway.oauth.authority import Authority
from gateway.oauth.client_assertion import first_use_on
from gateway.oauth.keys import KeyRing
from gateway.oauth.remote import RemoteKeys
from gateway.oauth.token import AccessTokens, sign_certificate
from gateway.oauth.verifier import Verifier
from gateway.operate.certification import Issuer
from gateway.pages.base.door import keeps_sessions
from gateway.pages.session.view import link_url
from gateway.partners.revocation import TokenVerifier
from gateway.protocol.seal import Seal
from gateway.runtime.activity import Activity
from gateway.runtime.listening import bind, format_endpoint, reason
from gateway.runtime.proxies import Proxies
from gateway.settings import Settings, proxy_networks

_RETRY_SECONDS = 0.1


AddPages: TypeAlias = Callable[[web.Application, Settings, Federation, str], None]


def build_api(
    settings: Settings,
    federation: Federation,
    url: str,
    *,
    activity: Activity | None = None,
    pages: AddPages | None = None,
) -> web.Application:
    """The API at this URL. The limits are divided among the worker processes, which share ``activity``. ``pages`` adds
    the pages, where the settings have them.

    Raises SettingsError if there is no signing key.
    """
    share = max(1, settings.workers)
    if settings.signing_key is None:
        raise SettingsError("PASSERELLE_SIGNING_KEY names no file")
    keys = KeyRing.read(settings.signing_key)
    tokens = AccessTokens(keys, issuer=url, clock=federation.clock)
    verifier = Verifier(tokens, federation.partners, RemoteKeys(clock=clock.steady), clock=federation.clock)
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
    app = build_app(
        build_context(settings, federation, url, keys=keys, verifier=verifier, limits=limits), activity=activity
    )
    app[METRICS] = federation.metrics
    app[PROXIES] = Proxies(proxy_networks(settings.proxies))
    app[TOKEN_ISSUER] = Authority(
        federation.partners,
        keys,
        issuer=url,
        clock=federation.clock,
        first_use=first_use_on(app[REQUESTS]),
        processes=share,
    )
    if settings.security_contact is not None:
        contact = SecurityContact(contact=settings.security_contact, policy=settings.security_policy, url=url)
        app.add_routes([security_route(contact, federation.clock)])
    if settings.pages and pages is not None:
        pages(app, settings, federation, url)
    return app


def build_context(
    settings: Settings, federation: Federation, url: str, *, keys: KeyRing, verifier: TokenVerifier, limits: Limits
) -> Context:
    """The request context of the API with this federation and these signing keys, at this URL."""
    spool = settings.data / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    return Context(
        federation=federation,
        verifier=verifier,
        cursors=Seal(federation.secret, purpose="cursor"),
        limits=limits,
        spool=spool,
        renderings=renderings(url),
        issuer=Issuer(url=url.rstrip("/"), sign=lambda certificate: sign_certificate(certificate, keys)),
        link_url=partial(link_url, url) if settings.pages and keeps_sessions(url) else None,
        mails=settings.smtp is not None,
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
