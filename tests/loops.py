"""Event loops of tests: a connection that comes as its server stops is closed.

asyncio accepts a connection in one turn of the loop and makes its transport in the next. Where the server was closed
between the two, that fails silently (an ``assert`` of ``Server._attach``) and leaves the socket open until it is
collected, in some later test, which fails for it. A gateway ends its process there.
"""

from asyncio.selector_events import BaseSelectorEventLoop
from typing import Any


def close_what_comes_too_late() -> None:
    """For every event loop of this process."""
    accept = BaseSelectorEventLoop._accept_connection2  # type: ignore[attr-defined]

    async def accept_or_close(
        loop: BaseSelectorEventLoop,
        factory: Any,
        connection: Any,
        extra: Any,
        tls: Any,
        server: Any,
        *rest: Any,
        **kw: Any,
    ) -> None:
        if server is not None and not server.sockets:
            connection.close()
        else:
            await accept(loop, factory, connection, extra, tls, server, *rest, **kw)

    BaseSelectorEventLoop._accept_connection2 = accept_or_close  # type: ignore[attr-defined]
