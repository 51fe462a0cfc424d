"""The journal over HTTP: the acts of operators, newest first, for the scope ``operate``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import hdrs, web
from multidict import MultiMapping

from gateway.api.answer import PRIVATE, read_list_cursor, send_json, send_list, write_list_cursor
from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import context_of, federation_of, partner_of
from gateway.api.problem import ProblemError
from gateway.api.query import PAGING, Parameters, instant, paging, refuse_parameters, valid
from gateway.api.readiness import require_caught_up, view_behind
from gateway.protocol.identity import is_slug
from gateway.protocol.journal import ACTS, Actor, JournalFilter, Names, clean_name, entry_document, pseudonyms_of
from gateway.protocol.seal import is_of

_EXAMPLE = "2027-01-15T08:00:00Z"
_MAX_CHARACTERS = 200


@requires("operate")
async def list_journal(request: web.Request) -> web.StreamResponse:
    """``GET /v1/journal``."""
    context, reader = context_of(request), partner_of(request).platform
    require_caught_up(context.federation.journal)
    if not context.federation.acts.names.caught_up:
        raise view_behind()
    names = context.federation.acts.names.state
    query = read_journal_query(request.query, names, most=context.limits.page_items)
    before = read_list_cursor(context, "journal", query.cursor, reader, *query.scope, of=lambda key: is_of(key, int))
    entries, further, more = await context.federation.journal.page(
        before=before, limit=query.limit, criteria=query.criteria
    )
    cursor = write_list_cursor(context, "journal", further, reader, *query.scope)
    documents = [entry_document(entry, names) for entry in entries]
    return await send_list(request, "journal", documents, {"cursor": cursor, "more": more}, PRIVATE)


@requires("operate")
async def post_erasure(request: web.Request) -> web.StreamResponse:
    """``POST /v1/journal/erasures``: a person's name leaves the journal, the acts stay."""
    refuse_parameters(request.query)
    name = read_erasure(await read_document(request))
    erased = await federation_of(request).acts.erase_name(name, Actor(client=partner_of(request).platform))
    return send_json({"erased": erased}, {hdrs.CACHE_CONTROL: "no-store"})


def read_erasure(raw: bytes) -> str:
    """The name in a body. Raises ProblemError."""
    try:
        body = orjson.loads(raw)
        if isinstance(body, dict) and body.keys() == {"name"} and isinstance(body["name"], str):
            return clean_name(body["name"])
    except ValueError:
        pass
    raise ProblemError("body-malformed", expected='{"name": "…"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalQuery:
    """An operator's query: filter, the name in it, the text of the cursor, and the page size."""

    criteria: JournalFilter
    name: str | None
    cursor: str | None
    limit: int

    @property
    def scope(self) -> tuple[Any, ...]:
        """The filter as values, equal for equal queries, also after a name was erased."""
        criteria = self.criteria
        return sorted(criteria.acts), criteria.about, self.name, criteria.client, criteria.since, criteria.until


def read_journal_query(given: MultiMapping[str], names: Names, *, most: int) -> JournalQuery:
    """Parse the query string. Raises ProblemError."""
    with Parameters(given, (*PAGING, "act", "about", "by", "client", "since", "until")) as parameters:
        acts = parameters.several("act", ACTS.__contains__, ", ".join(ACTS))
        about = parameters.one(
            "about", lambda text: valid(text, 0 < len(text) <= _MAX_CHARACTERS), "bretagne:2027-0001"
        )
        name = parameters.one("by", clean_name, "…")
        client = parameters.one("client", lambda text: valid(text, is_slug(text)), "exploitation")
        since = parameters.one("since", instant, _EXAMPLE)
        until = parameters.one("until", instant, _EXAMPLE)
        cursor, limit = paging(parameters, most)
    persons = None if name is None else pseudonyms_of(names, name)
    criteria = JournalFilter(acts=acts, about=about, persons=persons, client=client, since=since, until=until)
    return JournalQuery(criteria=criteria, name=name, cursor=cursor, limit=limit)


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/journal", list_journal),
    web.post("/v1/journal/erasures", post_erasure),
)
