"""Doorways of the demo: addresses on this machine that sign a person in whenever they are opened, and one that shows
the mails.

A sign-in link serves once and for fifteen minutes, which is too short for a demo of hours. Each request of a doorway
makes a link of its own and leads to it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from secrets import token_urlsafe

from aiohttp import hdrs, web

from demo.mailbox import Mailbox
from gateway.operate.desk import Desk
from gateway.operate.sign_in import make_link
from gateway.pages.session.view import link_url
from gateway.partners.sign_in import SignIns

MAILS = "courriels"
_MAILS_HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
_PERSON = "Démonstration"
_SECRET_BYTES = 12


@asynccontextmanager
async def serving_doorways(
    desk: Desk, sign_ins: SignIns, mailbox: Mailbox, *, url: str, slugs: Mapping[str, str]
) -> AsyncIterator[Mapping[str, str]]:
    """Serve, for the block, a doorway per name of ``slugs`` to the pages of its platform, of the gateway at ``url``,
    and the page of the mailbox under ``MAILS``; yields their addresses, which hold a secret: some mails sign a person
    in.
    """

    async def lead(request: web.Request) -> web.Response:
        await desk.partners.catch_up()
        text, _ = await make_link(desk, sign_ins, slugs[request.match_info["name"]], _PERSON)
        headers = {hdrs.LOCATION: link_url(url, text, "fr"), hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)

    async def mails(_request: web.Request) -> web.Response:
        return web.Response(text=mailbox.page(), content_type="text/html", headers=_MAILS_HEADERS)

    app = web.Application()
    secret = token_urlsafe(_SECRET_BYTES)
    app.router.add_get(f"/{secret}/{{name:{'|'.join(slugs)}}}", lead)
    app.router.add_get(f"/{secret}/{MAILS}", mails)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield {name: f"http://{host}:{port}/{secret}/{name}" for name in (*slugs, MAILS)}
    finally:
        await runner.cleanup()
