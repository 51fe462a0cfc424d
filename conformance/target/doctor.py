"""The doctor: whether the set-up is right, before any case is played; what it finds says nothing about conformance."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import orjson

from conformance.script.template import value_at
from conformance.target.setup import ACCOUNTS, Account, Setup, SetupError
from conformance.target.wire import Reply, Wire
from conformance.version import PROTOCOL_VERSION

_SECONDS = 20.0
_PAUSE_SECONDS = 0.2
_UNAVAILABLE = 503
_SKEW_SECONDS = 30
"""Tokens and days go wrong when clocks are further apart."""
_JSON = {"Content-Type": "application/json"}
_NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``step`` says what to do where it is not good."""

    name: str
    state: Literal["good", "doubtful", "wrong"]
    told: str
    step: str = ""


def examine(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> AsyncIterator[Check]:
    """All checks of the set-up's role; ``now`` is the time by this machine's clock (RFC 3339)."""
    match setup.role:
        case "gateway":
            return examine_gateway(setup, session, now=now)
        case "national":
            return examine_national(setup, session, now=now)
        case "publisher" | "subscriber":
            return examine_partner(setup, session)


async def examine_gateway(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> AsyncIterator[Check]:
    """The set-up for a gateway."""
    wire = Wire(session, setup.target, None, [], seconds=_SECONDS, patience=setup.patience)
    reply = await wire.call("GET", "/.well-known/passerelle")
    if reply.status == 0:
        yield _unreachable(setup, reply)
        return
    yield Check("reachable", "good", f"{setup.target} answers")
    yield _encryption(setup.target)
    yield _protocol(reply)
    yield _clock(reply, now)
    for name in ACCOUNTS:
        check = await _account(setup, session, name)
        yield check
        if check.state == "good" and name in {"publisher", "neighbour"} and setup.supports("snapshots"):
            yield await _reset(setup, session, name)
    if setup.supports("restart"):
        yield _restart(setup)


async def examine_national(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> AsyncIterator[Check]:
    """The set-up for the national site."""
    wire = Wire(session, setup.target, None, [], seconds=_SECONDS, patience=setup.patience)
    reply = await wire.call("GET", "/internship_offers")
    if reply.status == 0:
        yield _unreachable(setup, reply)
        return
    yield Check("reachable", "good", f"{setup.target} answers")
    yield _encryption(setup.target)
    yield _clock(reply, now)
    account = setup.accounts.get("national")
    if account is None:
        yield Check("account national", "wrong", "is not given", "write [accounts.national] into conformance.toml")
        return
    proof = orjson.dumps({"email": account.client_id, "password": account.secret})
    login = await wire.call("POST", "/auth/login", headers=_JSON, body=proof)
    if login.status == 200 and isinstance(value_at(login.json, "/token"), str):
        yield Check("account national", "good", "logs in")
    else:
        yield Check("account national", "wrong", f"the login is answered {login.status}", "check client_id and secret")


async def examine_partner(setup: Setup, session: aiohttp.ClientSession) -> AsyncIterator[Check]:
    """The set-up for a publisher or a subscriber: where the kit listens, and the partner's test interface."""
    account = setup.accounts.get(setup.role)
    step = f"write [accounts.{setup.role}] into conformance.toml"
    yield (
        Check(f"account {setup.role}", "wrong", "is not given", step)
        if account is None
        else Check(f"account {setup.role}", "good", f"the kit takes {account.client_id} for {account.platform}")
    )
    yield await _listening(setup)
    if setup.control is None:
        yield _without_interface(setup)
        return
    wire = Wire(session, setup.control, None, [], seconds=_SECONDS, patience=setup.patience)
    reply = await wire.call("POST", "/reset", headers=_JSON, body=_NOTHING)
    if not 200 <= reply.status < 300:
        yield Check("test interface", "wrong", f"POST /reset: {_said(reply)}", "start it, and check partner.control")
        return
    if setup.role == "subscriber":
        reply = await wire.call("GET", "/offers")
        if not isinstance(value_at(reply.json, "/offers"), Mapping):
            yield Check(
                "test interface", "wrong", f"GET /offers: {_said(reply)}", 'answer {"offers": {}} after a reset'
            )
            return
        if value_at(reply.json, "/offers"):
            yield Check("test interface", "wrong", "offers are there after a reset", "forget every offer on /reset")
            return
    yield Check("test interface", "good", f"{setup.control} answers, and resets")


def _unreachable(setup: Setup, reply: Reply) -> Check:
    return Check("reachable", "wrong", f"{setup.target}: {_said(reply)}", "check target, and that it is running")


def _encryption(target: str) -> Check:
    parts = urlsplit(target)
    if parts.scheme == "https":
        return Check("encrypted", "good", "TLS, and a certificate that this machine trusts")
    if _is_loopback(parts.hostname or ""):
        return Check("encrypted", "good", "on this machine, where it need not be")
    return Check("encrypted", "wrong", "secrets would travel in clear", "give an https address as target")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _protocol(reply: Reply) -> Check:
    version = value_at(reply.json, "/protocol_version")
    if version == PROTOCOL_VERSION:
        return Check("protocol", "good", f"version {version}")
    told = f"status {reply.status}" if version is None else f"version {version}"
    step = f"the kit is about version {PROTOCOL_VERSION}: check target, or take the kit of the right version"
    return Check("protocol", "wrong", f"/.well-known/passerelle says {told}", step)


def _clock(reply: Reply, now: str) -> Check:
    told = next((value for name, value in reply.headers.items() if name.lower() == "date"), None)
    try:
        there = parsedate_to_datetime(told or "")
        apart = round(abs((there - datetime.fromisoformat(now)).total_seconds()))
    except (ValueError, TypeError):
        return Check("clock", "doubtful", "the target does not say its time (Date)", "compare the clocks by hand")
    if apart > _SKEW_SECONDS:
        return Check("clock", "wrong", f"{apart} s from this machine's", "set both clocks (NTP)")
    return Check("clock", "good", f"{apart} s from this machine's")


async def _account(setup: Setup, session: aiohttp.ClientSession, name: str) -> Check:
    account = setup.accounts.get(name)
    if account is None:
        step = f"write [accounts.{name}]; until then its cases are not verified"
        return Check(f"account {name}", "doubtful", "is not given", step)
    wire = Wire(session, setup.target, account, [], seconds=_SECONDS, patience=setup.patience)
    try:
        reading = await _settled(wire, setup, "GET", "/v1/changes?limit=1")
        writing = await _settled(wire, setup, "PUT", f"/v1/offers/{account.platform}:doctor?dry_run=true", _NOTHING)
    except SetupError as error:
        return Check(f"account {name}", "wrong", str(error), error.step)
    wrong = _rights(name, reading, writing)
    if wrong is not None:
        return Check(f"account {name}", "wrong", wrong, "give the account the scopes that docs/conformance names")
    return _with_host(name, account)


async def _settled(wire: Wire, setup: Setup, method: str, path: str, body: bytes | None = None) -> Reply:
    """The answer once it is no 503: a target that has just been started says so for a while, and is right to."""
    deadline = asyncio.get_running_loop().time() + _SECONDS * setup.patience
    while True:
        reply = await wire.call(method, path, headers=_JSON if body else {}, body=body)
        if reply.status != _UNAVAILABLE or asyncio.get_running_loop().time() >= deadline:
            return reply
        await asyncio.sleep(_PAUSE_SECONDS)


def _rights(name: str, reading: Reply, writing: Reply) -> str | None:
    """What is wrong with what the account may do. A sound account is refused the empty offer for its content (422)."""
    if reading.status != 200:
        return f"reading the feed: {_said(reading)}"
    if name in {"publisher", "neighbour"} and writing.status != 422:
        return f"it must be allowed to publish; checking an offer: {_said(writing)}"
    if name == "subscriber" and writing.status != 403:
        return f"it must not be allowed to publish; checking an offer: {_said(writing)}"
    return None


def _with_host(name: str, account: Account) -> Check:
    if name == "subscriber" and account.host is None:
        step = "write host, or the loop guard is not verified"
        return Check("account subscriber", "doubtful", "has no host of its own", step)
    return Check(f"account {name}", "good", f"{account.platform} gets a token, and may do what it must")


async def _reset(setup: Setup, session: aiohttp.ClientSession, name: str) -> Check:
    """A mark is what every clearing begins with."""
    wire = Wire(session, setup.target, setup.accounts[name], [], seconds=_SECONDS, patience=setup.patience)
    reply = await _settled(wire, setup, "POST", "/v1/snapshots/marks")
    if reply.status == 201:
        return Check(f"reset {name}", "good", "its offers can be withdrawn by a snapshot of nothing")
    step = "write snapshots = false below [features], if you do without"
    return Check(f"reset {name}", "wrong", f"POST /v1/snapshots/marks: {_said(reply)}", step)


def _restart(setup: Setup) -> Check:
    if setup.restart is None:
        step = "write hooks.restart, or restart = false below [features]"
        return Check("restart", "doubtful", "no command is given: the crash cases are not verified", step)
    return Check("restart", "good", f"the crash cases run {setup.restart!r}")


async def _listening(setup: Setup) -> Check:
    address, _, port = setup.listen.rpartition(":")
    try:
        server = await asyncio.start_server(lambda _, writer: writer.close(), address, int(port))
    except OSError as error:
        return Check("listen", "wrong", f"{setup.listen}: {error.strerror or error}", "set partner.listen")
    server.close()
    await server.wait_closed()
    return Check("listen", "good", f"the kit will answer at http://{setup.listen}")


def _without_interface(setup: Setup) -> Check:
    if setup.role == "subscriber":
        return Check("test interface", "wrong", "is not given: nothing can be verified", "write partner.control")
    if setup.supports("order"):
        step = "write partner.control, or order = false below [features] to observe only"
        return Check("test interface", "doubtful", "is not given: orders cannot be verified", step)
    return Check("test interface", "good", f"none: the kit observes for {setup.observe:.0f} s")


def _said(reply: Reply) -> str:
    if reply.status == 0:
        return reply.body.decode(errors="replace")
    code = value_at(reply.json, "/code")
    return f"status {reply.status} {code}" if code else f"status {reply.status}"
