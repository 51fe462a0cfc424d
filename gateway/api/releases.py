"""Releases of the schema over HTTP: what replicas know, the days that are set, and the act that sets one."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from aiohttp import web

from gateway.api.answer import PRIVATE, send_json
from gateway.api.auth import requires
from gateway.api.context import federation_of
from gateway.api.desk import Check, acting, answered, is_flag
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.api.readiness import require_caught_up
from gateway.federation.impact import senders_of
from gateway.operate.activation import activate, announced_day, take_back
from gateway.operate.desk import Desk
from gateway.protocol.record import utc
from gateway.protocol.release import read_day

_EXPECTED = '{"from": "2027-09-01", "force"?: true, "reason"?: "…"} | {"cancel": true, "reason"?: "…"}'
_MEMBERS: Mapping[str, Check] = {"from": lambda value: read_day(value) is not None, "cancel": is_flag, "force": is_flag}


@requires("operate")
async def get_releases(request: web.Request) -> web.StreamResponse:
    """``GET /v1/releases``."""
    refuse_parameters(request.query)
    book = federation_of(request).releases
    await book.catch_up()
    activations = [
        {"release": one.release, "from": one.begins.isoformat(), "fields": one.fields, "entry": one.entry}
        for one in book.state.activations.values()
    ]
    replicas = [
        {"id": one.id, "knows": sorted(one.knows), "seen_at": utc(one.seen_at)} for one in book.state.replicas.values()
    ]
    return send_json({"knows": book.knows, "activations": activations, "replicas": replicas}, PRIVATE)


@acting(_MEMBERS, expected=_EXPECTED)
async def post_activation(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/releases/{release}/activation``."""
    release, book = request.match_info["release"], federation_of(request).releases
    day: date | None = read_day(act.get("from"))
    if (day is None) != bool(act.get("cancel")):
        raise ProblemError("body-malformed", expected=_EXPECTED)
    federation, force = federation_of(request), bool(act.get("force"))
    if announced_day(release) is not None:
        require_caught_up(federation.statistics, federation.offers)
    changed = await (
        take_back(desk, book, release)
        if day is None
        else activate(desk, book, release, day, senders=partial(senders_of, federation), force=force)
    )
    held = book.activations.get(release)
    return answered({"release": release, "from": None if held is None else held.isoformat(), "changed": changed})


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/releases", get_releases),
    web.post("/v1/releases/{release}/activation", post_activation),
)
