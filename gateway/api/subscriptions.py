"""Subscriptions to pushes over HTTP: a platform sets its own, and acts on them (requirements PSH-*)."""

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from multidict import MultiDict

from gateway.api.answer import PRIVATE, send_json
from gateway.api.auth import requires
from gateway.api.body import read_document, refuse_body
from gateway.api.context import federation_of, partner_of
from gateway.api.desk import Check, answered, is_object, is_text, parse_act, refusals, within
from gateway.api.problem import ProblemError
from gateway.api.query import Parameters, read_filter, refuse_parameters
from gateway.operate.desk import Desk, RefusedActError
from gateway.protocol.journal import Actor
from gateway.protocol.partner import Partner
from gateway.protocol.push import PushRow
from gateway.protocol.subscription import MAX_BYTES, MAX_RATE, MIN_BYTES
from gateway.push.acts import (
    ACTIONS,
    act_on_subscription,
    delete_subscription,
    newest_secret,
    progress_of,
    put_subscription,
    subscription_document,
)
from gateway.push.attempts import attempt_document, read_attempts
from gateway.push.book import settings_of
from gateway.push.wish import SubscriptionWish

_MAX_DOCUMENT = 16_384
_WISH: Mapping[str, Check] = {
    "url": is_text,
    "filter": is_object,
    "max_batch": within(MIN_BYTES, MAX_BYTES),
    "rate": within(1, MAX_RATE),
}
_EXPECTED = (
    '{"url": "https://…", "filter"?: {"region": ["53"], …}, '
    f'"max_batch"?: {MIN_BYTES}..{MAX_BYTES}, "rate"?: 1..{MAX_RATE}}}'
)
_CODE = '{"code": "…"}'


@requires("offers:read")
async def list_subscriptions(request: web.Request) -> web.StreamResponse:
    """``GET /v1/subscriptions``."""
    refuse_parameters(request.query)
    book, partner = federation_of(request).subscriptions, partner_of(request)
    await book.catch_up()
    own = settings_of(book.state, partner)
    documents = [subscription_document(book, partner.platform, one, owner=True) for one in own.items]
    return send_json({"subscriptions": documents}, PRIVATE)


@requires("offers:read")
async def get_subscription(request: web.Request) -> web.StreamResponse:
    """``GET /v1/subscriptions/{name}``."""
    refuse_parameters(request.query)
    book, partner = federation_of(request).subscriptions, partner_of(request)
    await book.catch_up()
    one = settings_of(book.state, partner).get(request.match_info["name"])
    if one is None:
        raise ProblemError("not-found")
    return send_json(subscription_document(book, partner.platform, one, owner=True), PRIVATE)


@requires("offers:read")
async def put_one(request: web.Request) -> web.StreamResponse:
    """``PUT /v1/subscriptions/{name}``: 201 with the secret for a new one, which no later answer has."""
    refuse_parameters(request.query)
    given, _ = parse_act(await read_document(request, most=_MAX_DOCUMENT), _WISH, required=("url",), expected=_EXPECTED)
    federation, partner, desk = federation_of(request), partner_of(request), await _desk(request)
    book, criteria = federation.subscriptions, _criteria(given.pop("filter", {}), partner, federation.waiting)
    wish = SubscriptionWish(**given, **criteria)
    with _refused():
        one, before = await put_subscription(desk, book, partner, request.match_info["name"], wish)
    body = subscription_document(book, partner.platform, one, owner=True)
    if before is not None:
        return answered(body)
    secret = newest_secret(federation.secret, partner.platform, one)
    location: dict[str, str] = {hdrs.LOCATION: f"/v1/subscriptions/{one.name}"}
    return answered({**body, "secret": secret}, status=HTTPStatus.CREATED, headers=location)


@requires("offers:read")
async def delete_one(request: web.Request) -> web.StreamResponse:
    """``DELETE /v1/subscriptions/{name}``."""
    refuse_parameters(request.query)
    federation, name = federation_of(request), request.match_info["name"]
    with _refused():
        await delete_subscription(await _desk(request), federation.subscriptions, partner_of(request), name)
    return answered({"name": name})


@requires("offers:read")
async def post_action(request: web.Request) -> web.StreamResponse:
    """``POST /v1/subscriptions/{name}/{action}``: 202 for orders that the sender follows."""
    refuse_parameters(request.query)
    action, name = request.match_info["action"], request.match_info["name"]
    if action not in ACTIONS:
        raise ProblemError("not-found")
    code = await _code(request) if action == "confirm" else ""
    if action != "confirm":
        refuse_body(request)
    federation, partner = federation_of(request), partner_of(request)
    book, secret = federation.subscriptions, federation.secret
    with _refused():
        one = await act_on_subscription(await _desk(request), book, partner, name, action, secret=secret, named=code)
    body = subscription_document(book, partner.platform, one, owner=True)
    if action == "rotate":
        return answered({**body, "secret": newest_secret(secret, partner.platform, one)}, status=HTTPStatus.CREATED)
    return answered(body, status=HTTPStatus.OK if action == "confirm" else HTTPStatus.ACCEPTED)


@requires("offers:read")
async def get_attempts(request: web.Request) -> web.StreamResponse:
    """``GET /v1/subscriptions/{name}/attempts``: the newest first; ``before`` is the cursor of the page before."""
    federation, partner, name = federation_of(request), partner_of(request), request.match_info["name"]
    with Parameters(request.query, ("before",)) as parameters:
        before = parameters.integer("before", least=0, most=2**53)
    book = federation.subscriptions
    await book.catch_up()
    one = settings_of(book.state, partner).get(name)
    if one is None:
        raise ProblemError("not-found")
    rows, more = await read_attempts(federation.log, partner.platform, one.id, before=before)
    progress = progress_of(book.state, partner.platform, one)
    running = None if progress is None or before is not None else progress.successes
    if running is not None:
        rows = [PushRow(at=running.at, pushes=running.pushes, changes=running.changes), *rows]
    body: dict[str, Any] = {"attempts": [attempt_document(row) for row in rows]}
    return send_json(body if more is None else {**body, "before": more}, PRIVATE)


async def _code(request: web.Request) -> str:
    raw = await read_document(request, most=_MAX_DOCUMENT)
    given, _ = parse_act(raw, {"code": is_text}, required=("code",), expected=_CODE)
    return str(given["code"])


async def _desk(request: web.Request) -> Desk:
    federation = federation_of(request)
    await federation.partners.catch_up()
    return federation.desk(Actor(client=partner_of(request).platform))


def _criteria(given: Mapping[str, Any], partner: Partner, waiting: Container[str]) -> dict[str, Any]:
    """A filter as in the feed, its values in lists; the platform's own territory where it names none."""
    query: MultiDict[str] = MultiDict()
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in values):
            raise ProblemError("body-malformed", expected=_EXPECTED)
        query[name] = ",".join(map(str, values))
    criteria = read_filter(query, replace(partner, territory=frozenset()), waiting=waiting)
    own = not (criteria.region or criteria.department or "territory" in query)
    return {"criteria": criteria.to_json(), "own_territory": own}


@contextmanager
def _refused() -> Iterator[None]:
    """As ``refusals``; too many acts are answered with the time after which there are fewer."""
    try:
        with refusals():
            yield
    except ProblemError as error:
        if isinstance(error.__cause__, RefusedActError) and error.status == HTTPStatus.TOO_MANY_REQUESTS:
            error.headers[hdrs.RETRY_AFTER] = error.__cause__.actual or "60"
        raise


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/subscriptions", list_subscriptions),
    web.get("/v1/subscriptions/{name}", get_subscription),
    web.put("/v1/subscriptions/{name}", put_one),
    web.delete("/v1/subscriptions/{name}", delete_one),
    web.get("/v1/subscriptions/{name}/attempts", get_attempts),
    web.post("/v1/subscriptions/{name}/{action}", post_action),
)
