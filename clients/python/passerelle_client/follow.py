"""Follow the changes feed into a copy: pages and their cursor are stored together, and 410 never empties the copy."""

import json
from collections.abc import Callable, Mapping

from passerelle_client.connection import Connection
from passerelle_client.errors import RefusedError, say
from passerelle_client.page import Page
from passerelle_client.store import Store

_LIMIT = "500"
_WAIT = "30"
_GONE = 410


def follow(
    connection: Connection,
    store: Store,
    *,
    filters: Mapping[str, str] | None = None,
    once: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Keep a copy of the offers under these filters, such as ``territory``. ``once``: up to the end of the feed; else
    until ``stop``, called before each page. Raises ClientError and errors of the database; the copy stays consistent.
    """
    wanted = dict(filters or {})
    text = json.dumps(wanted, ensure_ascii=False, sort_keys=True)
    while not stop():
        before = store.position(text)
        params = {"limit": _LIMIT, **wanted} | ({"cursor": before.cursor} if before.cursor else {})
        answer = connection.call("GET", "/v1/changes", params=params if once else {**params, "wait": _WAIT})
        if answer.status == _GONE and before.cursor:
            store.restart(before)
            continue
        if not answer.ok:
            language = connection.language
            raise RefusedError(answer, say("doing-changes", language), language)
        page = Page.read(answer.body, connection.language)
        if store.apply(page, before) and once and not page.more:
            return
