"""Reach: whether the target of a run answers as its role must before any case makes sense, or the one cause why not.

A few requests decide: discovery, a token, one read and one dry run. What a conforming gateway may do otherwise is left
to the cases.
"""

from collections.abc import Mapping
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson

import schemas
from conformance.model.cause import Cause
from conformance.model.result import Outcome
from conformance.script.body import valid_offer
from conformance.script.matcher import render_value
from conformance.script.template import Names, UnknownNameError, value_at
from conformance.target.setup import Setup, SetupError, TargetAccount
from conformance.target.wire import Reply, Wire, poll
from conformance.version import PROTOCOL_VERSION, REFERENCE
from conformance.words import Texts, joined, plain, say

_SECONDS = 20.0
_PAUSE_SECONDS = 0.5
_SKEW_SECONDS = 300
"""Beyond this skew, tokens end early and documents are judged on another day."""
_MAX_CHARACTERS = 300
_DISCOVERY = "/.well-known/passerelle"
_TOKEN = "/oauth/token"  # noqa: S105  # a path
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_FOUND, _STARTING = 200, 503
_READS = "/v1/changes?limit=1"


def words_of(reply: Reply) -> Texts:
    """The other side's own words: the status, and the text of the answer, truncated."""
    if reply.failure is not None:
        return reply.failure
    text = " ".join(reply.body[: 4 * _MAX_CHARACTERS].decode(errors="replace").split())[:_MAX_CHARACTERS]
    return joined((reply.summary, plain(text)), " · ") if text else reply.summary


async def reach_gateway(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> Cause | None:
    """The cause that explains why every case would fail at this gateway, or None."""
    wire = Wire(session, setup.target, None, [], seconds=_SECONDS, patience=setup.patience)
    discovery = await _settled(wire, "GET", _DISCOVERY, setup)
    cause = _no_answer(discovery, setup) or _redirected(discovery, setup)
    if cause is not None:
        return cause
    version = value_at(discovery.json, "/protocol_version")
    if isinstance(version, str) and version != PROTOCOL_VERSION:
        title = say("cause-version", found=version, version=PROTOCOL_VERSION)
        return Cause(code="protocol-version", title=title, step=say("protocol-step", version=PROTOCOL_VERSION))
    for name, account in setup.accounts.items():
        cause = await _reach_account(setup, session, name, account, known=version is not None, now=now)
        if cause is not None:
            return cause
    return None


async def reference_of(setup: Setup, session: aiohttp.ClientSession) -> str | None:
    """The address of the gateway that explains the requirements: the one that the set-up names, else the target where
    it has the page; None without one.
    """
    if setup.gateway is not None or setup.role != "gateway":
        return setup.gateway
    wire = Wire(session, setup.target, None, [], seconds=_SECONDS, patience=setup.patience)
    reply = await wire.call("GET", REFERENCE["fr"])
    is_page = reply.headers.get("Content-Type", "").lower().startswith("text/html")
    return setup.target if reply.status == _FOUND and is_page else None


async def _reach_account(
    setup: Setup, session: aiohttp.ClientSession, name: str, account: TargetAccount, *, known: bool, now: str
) -> Cause | None:
    """The cause found with one account. ``known``: the discovery document is there."""
    wire = Wire(session, setup.target, None, [], seconds=_SECONDS, patience=setup.patience)
    proof = {"grant_type": "client_credentials", "client_id": account.client_id, "client_secret": account.secret}
    reply = await _settled(wire, "POST", _TOKEN, setup, headers=_FORM, body=urlencode(proof).encode())
    cause = _no_answer(reply, setup) or _failing(reply, f"POST {_TOKEN}")
    if cause is not None:
        return cause
    token = value_at(reply.json, "/access_token")
    if not isinstance(token, str) or not token:
        if not known and reply.status not in {400, 401, 403}:
            return await _no_gateway(wire, reply, setup)
        return _refused_token(name, account, reply)
    return await _use(wire, setup, name, account, token, now=now)


async def _use(wire: Wire, setup: Setup, name: str, account: TargetAccount, token: str, *, now: str) -> Cause | None:
    """The cause found with a token: read the feed, and for a publisher check an offer without storing it."""
    bearer = {"Authorization": f"Bearer {token}"}
    reading = await _settled(wire, "GET", _READS, setup, headers=bearer)
    replies = {f"GET {_READS}": reading}
    if name in {"publisher", "neighbour"}:
        path = f"/v1/offers/{account.platform}:doctor?dry_run=true"
        replies[f"PUT {path}"] = await _settled(wire, "PUT", path, setup, headers={**bearer, **_JSON}, body=b"{}")
    for reply in replies.values():
        cause = _no_answer(reply, setup) or _clock(reply, now)
        if cause is not None:
            return cause
    for call, reply in replies.items():
        if reply.status == 403:
            return _forbidden(name, account, call, reply)
    if all(reply.status == 401 for reply in replies.values()):
        title = say("cause-own-token", account=name)
        return _fault("token-not-accepted", title, say("cause-own-token-step"), reading, "SEC-001")
    if all(reply.status == 404 for reply in replies.values()):
        title = say("cause-no-paths", target=setup.target)
        return Cause(code="base-path", title=title, words=words_of(reading), step=say("cause-base-path-step"))
    found = [_failing(reply, call) for call, reply in replies.items()]
    return found[0] if all(found) else None


async def reach_offer(setup: Setup, session: aiohttp.ClientSession, *, day: date) -> Cause | None:
    """The cause that a gateway refuses the valid offer from which all cases derive, or None."""
    account = setup.accounts.get("publisher")
    if account is None:
        return None
    wire = Wire(session, setup.target, account, [], seconds=_SECONDS, patience=setup.patience)
    names = Names(seed="examination", case="run", day=day, platforms={"publisher": account.platform})
    try:
        offer = valid_offer(names, {"is": "a"})
        path = f"/v1/offers/{offer['id']}?dry_run=true"
        reply = await wire.call("PUT", path, headers=_JSON, body=orjson.dumps(offer))
    except (UnknownNameError, SetupError):
        return None
    problems = value_at(reply.json, "/problems")
    if reply.status != 422 or not isinstance(problems, list):
        return None
    found = [each for each in problems if isinstance(each, dict) and each.get("severity", "error") == "error"]
    named = [(str(each.get("code", "?")), str(each.get("pointer", ""))) for each in found[:5]]
    rules = schemas.catalogue()
    listed = joined((say("problem-at", code=c, pointer=p) if p else say("problem", code=c) for c, p in named), ", ")
    return Cause(
        code="documents-refused",
        title=say("cause-valid-refused", problems=listed),
        step=say("cause-valid-refused-step"),
        outcome=Outcome.FAIL,
        words=words_of(reply),
        requirements=("OFR-038", *dict.fromkeys(rules[code].requirement for code, _ in named if code in rules)),
    )


async def reach_national(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> Cause | None:
    """The cause that explains why every case would fail at the national site, or None."""
    wire = Wire(session, setup.target, None, [], seconds=_SECONDS, patience=setup.patience)
    account = setup.account("national")
    proof = orjson.dumps({"email": account.client_id, "password": account.secret})
    reply = await _settled(wire, "POST", "/auth/login", setup, headers=_JSON, body=proof)
    cause = _no_answer(reply, setup) or _redirected(reply, setup) or _failing(reply, "POST /auth/login")
    if cause is not None:
        return cause
    if isinstance(value_at(reply.json, "/token"), str):
        return _clock(reply, now)
    if reply.status in {404, 405}:
        title = say("cause-no-paths", target=setup.target)
        return Cause(code="base-path", title=title, words=words_of(reply), step=say("cause-base-path-step"))
    return _refused_token("national", account, reply)


async def reach_interface(setup: Setup, session: aiohttp.ClientSession) -> Cause | None:
    """The cause that the partner's test interface does not work at all, or None; without an interface None."""
    if setup.control is None:
        return None
    wire = Wire(session, setup.control, None, [], seconds=_SECONDS, patience=setup.patience)
    reply = await wire.call("POST", "/reset", headers=_JSON, body=b"{}")
    if reply.failure is None and reply.status < 500:
        return None
    return interface_cause("POST /reset", setup, words_of(reply), silent=reply.failure is not None)


def interface_cause(call: str, setup: Setup, words: Texts, *, silent: bool) -> Cause:
    """The cause that a call of the test interface fails whenever it is made."""
    code, title = "interface-fails", say("cause-interface-fails", call=call)
    if silent:
        code, title = "interface-silent", say("cause-interface-silent", call=call, control=setup.control)
    return Cause(code=code, title=title, words=words, step=say("cause-interface-step", control=setup.control))


async def _settled(
    wire: Wire,
    method: str,
    path: str,
    setup: Setup,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """The first answer other than 503, or the last one at the deadline: a starting target answers 503 for a while."""
    return await poll(
        lambda: wire.send(method, path, headers or {}, body),
        lambda reply: reply.status != _STARTING,
        seconds=_SECONDS * setup.patience,
        pause=_PAUSE_SECONDS,
    )


def _no_answer(reply: Reply, setup: Setup) -> Cause | None:
    if reply.failure is None:
        return None
    if reply.untrusted:
        title = say("cause-tls", target=setup.target)
        return Cause(code="tls", title=title, words=reply.failure, step=say("cause-tls-step"))
    if reply.late:
        title = say("cause-silent", target=setup.target, seconds=f"{_SECONDS * setup.patience:.0f}")
        return Cause(code="target-silent", title=title, words=reply.failure, step=say("cause-silent-step"))
    title = say("cause-unreachable", target=setup.target)
    return Cause(code="target-unreachable", title=title, words=reply.failure, step=say("target-step"))


def _redirected(reply: Reply, setup: Setup) -> Cause | None:
    if not 300 <= reply.status < 400:
        return None
    title = say("cause-redirect", target=setup.target)
    step = say("cause-redirect-step", location=reply.headers.get("Location", ""))
    return Cause(code="target-redirects", title=title, words=words_of(reply), step=step)


def _failing(reply: Reply, call: str) -> Cause | None:
    """The cause that a basic request fails by the target's own statement: 5xx, or too many requests."""
    if reply.status >= 500:
        title = say("cause-target-fails", request=call, status=reply.status)
        return Cause(code="target-fails", title=title, words=words_of(reply), step=say("cause-target-fails-step"))
    if reply.status == 429:
        title = say("cause-rate", request=call)
        return Cause(code="rate-limited", title=title, words=words_of(reply), step=say("cause-rate-step"))
    return None


async def _no_gateway(wire: Wire, reply: Reply, setup: Setup) -> Cause:
    """The cause that neither discovery nor the token endpoint is there; the remedy names the address without a path
    where a gateway answers there.
    """
    parts = urlsplit(setup.target)
    title = say("cause-no-gateway", target=setup.target)
    step = say("cause-base-path-step")
    if parts.path.strip("/"):
        origin = f"{parts.scheme}://{parts.netloc}"
        found = await wire.elsewhere(origin).send("GET", _DISCOVERY, {}, None)
        if isinstance(value_at(found.json, "/protocol_version"), str):
            step = say("cause-origin-step", origin=origin)
    return Cause(code="wrong-target", title=title, words=words_of(reply), step=step)


def _refused_token(name: str, account: TargetAccount, reply: Reply) -> Cause:
    title = say("cause-token", account=name, client=account.client_id)
    step = say("cause-token-step", account=name)
    return Cause(code="token-refused", title=title, words=words_of(reply), step=step)


def _forbidden(name: str, account: TargetAccount, call: str, reply: Reply) -> Cause:
    """The cause of a 403: a scope that the account lacks, or the name of another platform."""
    code = value_at(reply.json, "/code")
    challenge = " ".join(reply.headers.getall("WWW-Authenticate", ()))
    if code == "scope-missing" or "insufficient_scope" in challenge or call.startswith("GET"):
        title = say("cause-scope", account=name, request=call)
        return Cause(code="scope-missing", title=title, words=words_of(reply), step=say("scopes-step"))
    title = say("cause-platform", account=name, platform=account.platform)
    step = say("cause-platform-step", account=name)
    return Cause(code="wrong-platform", title=title, words=words_of(reply), step=step)


def _fault(code: str, title: Texts, step: Texts, reply: Reply, *requirements: str) -> Cause:
    return Cause(
        code=code, title=title, step=step, outcome=Outcome.FAIL, words=words_of(reply), requirements=requirements
    )


def _clock(reply: Reply, now: str) -> Cause | None:
    for sent in filter(None, map(_date, reply.headers.getall("Date", ()))):
        apart = round(abs((sent - datetime.fromisoformat(now)).total_seconds()))
        if apart > _SKEW_SECONDS:
            title = say("cause-clock", seconds=apart, date=render_value(sent.isoformat()), here=now)
            return Cause(code="clock", title=title, step=say("clocks-step"))
    return None


def _date(value: str) -> datetime | None:
    try:
        sent = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return None if sent.tzinfo is None else sent
