"""Doctor: checks of the set-up before any case runs. They make no statement about conformance."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import orjson

from conformance.script.template import value_at
from conformance.target.setup import ACCOUNTS, Cluster, Setup, SetupError, TargetAccount
from conformance.target.topic import subscriber_topics
from conformance.target.wire import Reply, Wire, poll
from conformance.version import PROTOCOL_VERSION
from conformance.words import Texts, joined, plain, say
from schemas.bilingual import system_reason

_SECONDS = 20.0
_PAUSE_SECONDS = 0.2
_UNAVAILABLE = 503
_SKEW_SECONDS = 30
"""Tokens and days become unreliable beyond this clock skew."""
_JSON = {"Content-Type": "application/json"}
_NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One check; ``step`` is the remedy where it is not good."""

    name: Texts
    state: Literal["good", "doubtful", "wrong"]
    text: Texts
    step: Texts | None = None


def examine(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> AsyncIterator[DoctorCheck]:
    """All checks of the set-up's role; ``now`` is this machine's time (RFC 3339)."""
    match setup.role:
        case "gateway":
            return _examine_gateway(setup, session, now=now)
        case "national":
            return _examine_national(setup, session, now=now)
        case "publisher" | "subscriber":
            return _examine_partner(setup, session)


async def _examine_gateway(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> AsyncIterator[DoctorCheck]:
    """Checks of a gateway: reachable, encrypted, protocol, clock, accounts, reset, restart."""
    reply = await _wire(setup, session).call("GET", "/.well-known/passerelle")
    for check in _target_checks(setup, reply, now):
        yield check
    if reply.failure is not None:
        return
    yield _protocol(reply)
    for name in ACCOUNTS:
        check = await _account(setup, session, name)
        yield check
        if check.state == "good" and name in {"publisher", "neighbour"} and setup.supports("snapshots"):
            yield await _reset(setup, session, name)
    if setup.supports("restart") and setup.restart is None:
        yield DoctorCheck(say("restart"), "doubtful", say("no-restart"), say("no-restart-step"))
    elif setup.supports("restart"):
        yield DoctorCheck(say("restart"), "good", say("restarts", command=setup.restart))
    if setup.cluster is not None:
        yield await _topics(setup, setup.cluster)


async def _examine_national(setup: Setup, session: aiohttp.ClientSession, *, now: str) -> AsyncIterator[DoctorCheck]:
    """Checks of the national site: reachable, encrypted, clock, login."""
    wire = _wire(setup, session)
    reply = await wire.call("GET", "/internship_offers")
    for check in _target_checks(setup, reply, now):
        yield check
    if reply.failure is not None:
        return
    account = setup.accounts.get("national")
    if account is None:
        yield _no_account("national")
        return
    proof = orjson.dumps({"email": account.client_id, "password": account.secret})
    login = await wire.call("POST", "/auth/login", headers=_JSON, body=proof)
    if login.status == 200 and isinstance(value_at(login.json, "/token"), str):
        yield DoctorCheck(_of_account("national"), "good", say("logs-in"))
    else:
        text, step = say("login-answered", text=login.summary), say("login-step")
        yield DoctorCheck(_of_account("national"), "wrong", text, step)


async def _examine_partner(setup: Setup, session: aiohttp.ClientSession) -> AsyncIterator[DoctorCheck]:
    """Checks of a publisher or a subscriber: account, the kit's listener, and the partner's test interface."""
    account = setup.accounts.get(setup.role)
    if account is None:
        yield _no_account(setup.role)
    else:
        text = say("taken-for", client=account.client_id, platform=account.platform)
        yield DoctorCheck(_of_account(setup.role), "good", text)
    yield await _listening(setup)
    if setup.control is None:
        yield _without_interface(setup)
        return
    wire = _wire(setup, session, url=setup.control)
    reply = await wire.call("POST", "/reset", headers=_JSON, body=_NOTHING)
    if not 200 <= reply.status < 300:
        yield DoctorCheck(say("test-interface"), "wrong", _to("POST /reset", reply), say("start-interface"))
        return
    if setup.role == "subscriber":
        reply = await wire.call("GET", "/offers")
        if not isinstance(value_at(reply.json, "/offers"), Mapping):
            yield DoctorCheck(say("test-interface"), "wrong", _to("GET /offers", reply), say("empty-offers-step"))
            return
        if value_at(reply.json, "/offers"):
            yield DoctorCheck(say("test-interface"), "wrong", say("offers-after-reset"), say("forget-step"))
            return
    yield DoctorCheck(say("test-interface"), "good", say("interface-answers", address=setup.control))


def _wire(setup: Setup, session: aiohttp.ClientSession, *, url: str = "", account: TargetAccount | None = None) -> Wire:
    return Wire(session, url or setup.target, account, [], seconds=_SECONDS, patience=setup.patience)


def _target_checks(setup: Setup, reply: Reply, now: str) -> Iterator[DoctorCheck]:
    """The checks of any target: reachable, encrypted, clock."""
    if reply.failure is not None:
        yield DoctorCheck(say("reachable"), "wrong", _to(setup.target, reply), say("target-step"))
        return
    yield DoctorCheck(say("reachable"), "good", say("target-answers", target=setup.target))
    yield _encryption(setup.target)
    yield _clock(reply, now)


def _of_account(name: str) -> Texts:
    return say("account", name=name)


def _no_account(name: str) -> DoctorCheck:
    return DoctorCheck(_of_account(name), "wrong", say("not-given"), say("account-missing-step", role=name))


def _to(call: str, reply: Reply) -> Texts:
    """A request with the target's answer."""
    return say("at", location=call, text=reply.summary)


def _encryption(target: str) -> DoctorCheck:
    parts = urlsplit(target)
    if parts.scheme == "https":
        return DoctorCheck(say("encrypted"), "good", say("tls"))
    if _is_loopback(parts.hostname or ""):
        return DoctorCheck(say("encrypted"), "good", say("on-this-machine"))
    return DoctorCheck(say("encrypted"), "wrong", say("in-clear"), say("https-step"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _protocol(reply: Reply) -> DoctorCheck:
    version = value_at(reply.json, "/protocol_version")
    if version == PROTOCOL_VERSION:
        return DoctorCheck(say("protocol"), "good", say("version-found", version=version))
    found = reply.summary if version is None else say("version-found", version=version)
    step = say("protocol-step", version=PROTOCOL_VERSION)
    return DoctorCheck(say("protocol"), "wrong", say("at", location="/.well-known/passerelle", text=found), step)


def _clock(reply: Reply, now: str) -> DoctorCheck:
    try:
        date = parsedate_to_datetime(reply.headers.get("Date", ""))
        apart = round(abs((date - datetime.fromisoformat(now)).total_seconds()))
    except (ValueError, TypeError):
        return DoctorCheck(say("clock"), "doubtful", say("no-date"), say("no-date-step"))
    if apart > _SKEW_SECONDS:
        return DoctorCheck(say("clock"), "wrong", say("clocks-apart", seconds=apart), say("clocks-step"))
    return DoctorCheck(say("clock"), "good", say("clocks-apart", seconds=apart))


async def _account(setup: Setup, session: aiohttp.ClientSession, name: str) -> DoctorCheck:
    account = setup.accounts.get(name)
    if account is None:
        return DoctorCheck(_of_account(name), "doubtful", say("not-given"), say("no-account-step", name=name))
    wire = _wire(setup, session, account=account)
    try:
        reading = await _settled(wire, setup, "GET", "/v1/changes?limit=1")
        writing = await _settled(wire, setup, "PUT", f"/v1/offers/{account.platform}:doctor?dry_run=true", _NOTHING)
    except SetupError as error:
        return DoctorCheck(_of_account(name), "wrong", error.text, error.step)
    wrong = _rights(name, reading, writing)
    if wrong is not None:
        return DoctorCheck(_of_account(name), "wrong", wrong, say("scopes-step"))
    if name == "subscriber" and account.host is None:
        return DoctorCheck(_of_account(name), "doubtful", say("hostless"), say("hostless-step"))
    return DoctorCheck(_of_account(name), "good", say("account-works", platform=account.platform))


async def _settled(wire: Wire, setup: Setup, method: str, path: str, body: bytes | None = None) -> Reply:
    """The first answer other than 503, or the last one at the deadline: a starting target answers 503 for a while."""
    return await poll(
        lambda: wire.call(method, path, headers=_JSON if body else {}, body=body),
        lambda reply: reply.status != _UNAVAILABLE,
        seconds=_SECONDS * setup.patience,
        pause=_PAUSE_SECONDS,
    )


def _rights(name: str, reading: Reply, writing: Reply) -> Texts | None:
    """A defect of the account's rights, or None. An account with the right to publish gets 422 for the empty offer."""
    if reading.status != 200:
        return say("may-not-read", text=reading.summary)
    if name in {"publisher", "neighbour"} and writing.status != 422:
        return say("may-not-publish", text=writing.summary)
    if name == "subscriber" and writing.status != 403:
        return say("may-publish", text=writing.summary)
    return None


async def _reset(setup: Setup, session: aiohttp.ClientSession, name: str) -> DoctorCheck:
    """Check that the account obtains a snapshot mark, the first step of every clearing."""
    wire = _wire(setup, session, account=setup.accounts[name])
    reply = await _settled(wire, setup, "POST", "/v1/snapshots/marks")
    if reply.status == 201:
        return DoctorCheck(say("reset", name=name), "good", say("can-reset"))
    return DoctorCheck(say("reset", name=name), "wrong", _to("POST /v1/snapshots/marks", reply), say("reset-step"))


async def _topics(setup: Setup, cluster: Cluster) -> DoctorCheck:
    """Check that the subscriber topics can be read; nothing is sent in clear text to another machine."""
    hosts = (server.partition(":")[0] for server in cluster.servers.split(","))
    if not cluster.security.endswith("SSL") and not all(_is_loopback(host) for host in hosts):
        return DoctorCheck(say("topics"), "wrong", say("kafka-in-clear"), say("kafka-in-clear-step"))
    try:
        async with subscriber_topics(setup) as topics:
            names = ", ".join(topic.name for topic in topics.values())
            return DoctorCheck(say("topics"), "good", plain(names))
    except SetupError as error:
        return DoctorCheck(say("topics"), "wrong", error.text, error.step)


async def _listening(setup: Setup) -> DoctorCheck:
    address, _, port = setup.listen.rpartition(":")
    try:
        server = await asyncio.start_server(lambda _, writer: writer.close(), address, int(port))
    except OSError as error:
        text = joined((plain(setup.listen), system_reason(error).texts), " : ")
        return DoctorCheck(say("listen"), "wrong", text, say("cannot-listen-step"))
    server.close()
    await server.wait_closed()
    return DoctorCheck(say("listen"), "good", say("will-listen", listen=setup.listen))


def _without_interface(setup: Setup) -> DoctorCheck:
    if setup.role == "subscriber":
        return DoctorCheck(say("test-interface"), "wrong", say("interface-needed"), say("interface-needed-step"))
    if setup.supports("order"):
        return DoctorCheck(say("test-interface"), "doubtful", say("no-interface"), say("no-interface-step"))
    return DoctorCheck(say("test-interface"), "good", say("observing", seconds=f"{setup.observe:.0f}"))
