"""The national site over HTTP: status of deliveries, and the operator's orders to the connector, with their answers."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from gateway.api.answer import PRIVATE, read_list_cursor, send_json, write_list_cursor
from gateway.api.auth import requires
from gateway.api.context import Context, context_of, federation_of
from gateway.api.decision import wait_of
from gateway.api.desk import Check, acting, answered, are_texts, is_flag, is_text, within
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.api.readiness import require_caught_up
from gateway.api.work import work_of
from gateway.errors import PositionLostError
from gateway.operate.desk import MAX_CONFIRMED, Desk
from gateway.operate.national import (
    Ordered,
    RefusedOrderError,
    account_for,
    answered_so_far,
    carry_out,
    is_possible,
    platform_in,
)
from gateway.protocol.delivery_order import Adopt, Erase, Order, Placed, Reconcile, Replay
from gateway.protocol.seal import is_of
from gateway.protocol.topic import DELIVERIES

_SEALED = "national order"
MEMBERS: Mapping[str, Mapping[str, Check]] = {
    "reconcile": {"repair": is_flag, "confirm": within(0, MAX_CONFIRMED)},
    "replay": {"offers": are_texts},
    "adopt": {"platform": is_text, "apply": is_flag, "confirm": within(0, MAX_CONFIRMED)},
    "erase": {"offer": is_text},
}
_ORDERS: Mapping[str, Callable[..., Order]] = {
    "reconcile": Reconcile,
    "replay": lambda offers=(): Replay(tuple(offers)),
    "adopt": Adopt,
    "erase": Erase,
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {"adopt": ("platform",), "erase": ("offer",)}
_ALL: Mapping[str, Check] = {
    "order": lambda value: is_text(value) and value in MEMBERS,
    "account": is_text,
    **{name: check for members in MEMBERS.values() for name, check in members.items()},
}


@requires("operate")
async def get_status(request: web.Request) -> web.StreamResponse:
    """``GET /v1/national``."""
    refuse_parameters(request.query)
    federation = federation_of(request)
    require_caught_up(federation.deliveries)
    accounts = await federation.deliveries.accounts()
    summaries = await federation.deliveries.summaries()
    body = {
        "accounts": [{**note, "account": name} for name, note in sorted(accounts.items())],
        "platforms": [
            {"platform": platform, "states": {state: number for state, number in sorted(one.states.items()) if number}}
            for platform, one in sorted(summaries.items())
        ],
    }
    return send_json(body, PRIVATE)


@acting(_ALL, required=("order",), view=DELIVERIES)
async def post_order(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/national/orders``: 202 with the address where the answer will be; 200 with it, if it is there within
    ``Prefer: wait``.
    """
    order, seconds, context = _order(act), wait_of(request), context_of(request)
    notes = await context.federation.deliveries.accounts()
    account = account_for(notes, account=act.get("account"), platform=platform_in(order))
    try:
        ordered = await carry_out(desk, order, account=account, seconds=seconds, wait=work_of(request).wait)
    except RefusedOrderError as error:
        code = error.answer["error"]
        raise ProblemError("order-refused", actual=code, members={"answer": error.answer}) from error
    body = {"account": account, "order": act["order"]}
    headers = {"Preference-Applied": f"wait={seconds}"} if seconds else {}
    if ordered.placed.answer is not None:
        return answered({**body, "answer": ordered.placed.answer}, headers=headers)
    headers[hdrs.LOCATION] = f"/v1/national/orders/{_sealed(context, ordered)}"
    return answered(body, status=HTTPStatus.ACCEPTED, headers=headers)


@requires("operate")
async def get_order(request: web.Request) -> web.StreamResponse:
    """``GET /v1/national/orders/{order}``: the answer to an order that was answered 202, once there is one."""
    refuse_parameters(request.query)
    context = context_of(request)
    ordered = _opened(context, request.match_info["order"])
    try:
        ordered = await answered_so_far(context.federation.log, ordered)
    except PositionLostError:  # of a log that was restored since
        raise ProblemError("not-found") from None
    body: dict[str, Any] = {"account": ordered.placed.account}
    answer = ordered.placed.answer
    return answered(body if answer is None else {**body, "answer": answer})


def _order(act: Mapping[str, Any]) -> Order:
    """The order in a body, whose members have the right kinds. Raises ProblemError."""
    name = act["order"]
    given = {member: value for member, value in act.items() if member not in {"order", "account"}}
    allowed, required = MEMBERS[name], _REQUIRED.get(name, ())
    if given.keys() <= allowed.keys() and all(member in given for member in required):
        order = _ORDERS[name](**given)
        if is_possible(order):
            return order
    raise ProblemError("body-malformed", expected=f"{{order, account, {', '.join(allowed)}, reason}}")


def _is_order(key: Any) -> bool:
    return isinstance(key, list) and len(key) == 3 and all(map(is_of, key, (str, str, int)))


def _sealed(context: Context, ordered: Ordered) -> str:
    """The name of an order in an address: only this gateway makes one."""
    return write_list_cursor(context, _SEALED, [ordered.placed.account, ordered.placed.number, ordered.at])


def _opened(context: Context, text: str) -> Ordered:
    """The order of a name, of whose content only the key is known. Raises ProblemError."""
    try:
        account, number, at = read_list_cursor(context, _SEALED, text, of=_is_order)
    except ProblemError:
        raise ProblemError("not-found") from None
    return Ordered(Placed(account, number, Replay()), at)


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/national", get_status),
    web.post("/v1/national/orders", post_order),
    web.get("/v1/national/orders/{order}", get_order),
)
