"""The gateway and the kit's stand-in side by side: the same accounts, the same requests, answers to compare."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from conformance.clock import milliseconds, today
from conformance.role.host import Host, client_of, hosting
from conformance.standin.gateway import StandIn
from conformance.standin.tokens import PUBLISHER, SUBSCRIBER
from conformance.target.setup import TargetAccount
from gateway.bootstrap import running
from tests.conformance.gateway_fixture import onboard, settings_in

CALLERS = ("publisher", "neighbour", "subscriber", "national")
_READERS = ("subscriber", "national")
_KEPT = re.compile(r"\$\{([a-z]+)\}")
_RECEIPT = re.compile(r"r[A-Za-z0-9_-]{20,63}")
PRESENT = ("RateLimit", "RateLimit-Policy", "X-Request-Id", "Retry-After")
"""Headers of which only the presence is compared."""
EXACT = (
    "Allow",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Idempotency-Replayed",
    "Pragma",
    "Preference-Applied",
    "Vary",
    "WWW-Authenticate",
)
"""Headers that are equal, values included."""
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``target`` and header values may hold ``${name}``, kept from an earlier answer on the same side.
    ``caller`` is an account, or None without a token. ``keep``: names, each with the member of the answer that it has.
    """

    operation: str
    method: str
    target: str
    why: str
    caller: str | None = "publisher"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    keep: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        body = b"" if self.body is None else self.body[:120]
        return f"{self.method} {self.target} {dict(self.headers)} {body!r} as {self.caller}: {self.why}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, its JSON decoded."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> Any:
        """The code of a problem, or the error of the token endpoint."""
        return self.body.get("code", self.body.get("error")) if isinstance(self.body, dict) else None

    def summary(self) -> dict[str, Any]:
        """What both sides have in common."""
        return {
            "status": self.status,
            "code": self.code,
            **{name: self.headers.get(name) for name in EXACT},
            **{f"{name} present": name in self.headers for name in PRESENT},
            "ETag": re.sub(r'"[^"]*"', '"…"', self.headers.get("ETag", "")),
            "Location": _RECEIPT.sub("r…", self.headers.get("Location", "")),
            **(_problem(self.body) if self._is_problem() else _members(self.body)),
        }

    def _is_problem(self) -> bool:
        return isinstance(self.body, dict) and self.headers.get("Content-Type") == PROBLEM


def _problem(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a problem document says. Left out are ``detail``, ``expected`` and ``actual``: sentences for people, and
    values of which the protocol fixes no form; the order of the problems is none of it either.
    """
    listed = sorted((each["code"], each.get("pointer", "")) for each in body.get("problems", ()))
    # Which of several wrong parameters comes first is not fixed, and so neither is the one that "fix" names.
    fixed = (
        "type",
        "title",
        "requirement",
        "severity",
        "pointer",
        "nearest",
        "would_withdraw",
        *(() if listed else ("fix",)),
    )
    members = {name: body.get(name) for name in fixed}
    return {**members, "problems": listed, "marker": sorted(body.get("marker", ())), **_upload(body)}


def _members(body: Any) -> dict[str, Any]:
    """The members of any other answer, and the values that both sides must agree on."""
    if not isinstance(body, dict):
        return {"type": type(body).__name__}
    said = (
        "protocol_version",
        "schema_version",
        "rules_version",
        "endpoints",
        "possible_duplicates",
        "verdict",
        "id",
        "status",
        "reason",
        "revision",
        "created",
        "digest",
        "op",
        "more",
        "token_type",
        "scope",
    )
    values = {name: body[name] for name in said if name in body}
    return {"members": sorted(body), **values, **_upload(body), "listed": _listed(body)}


def _upload(body: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "items",
        "refused",
        "queued",
        "withdrawn",
        "pending",
        "verdicts",
        "statuses",
        "rules",
        "warnings",
        "omitted",
    )
    results = [
        (
            each["index"],
            each["status"],
            each.get("id"),
            "receipt" in each,
            [p["code"] for p in each.get("problems", ())],
        )
        for each in body.get("results", ())
    ]
    return {**{name: body[name] for name in names if name in body}, "results": results}


def _listed(body: Mapping[str, Any]) -> list[Any]:
    """The entries of a list by what both sides know of them; the order of lists is one side's own."""
    if isinstance(body.get("receipts"), str):
        return [re.sub("=[bs].*", "=…", body["receipts"])]
    entries = [*body.get("receipts", ()), *body.get("offers", ()), *body.get("changes", ())]
    if body.get("more"):  # which entries are on a page, and in the changes feed how many, is one side's own
        return [len(entries)] if "changes" not in body else []
    return sorted(
        str(
            [
                each.get(name)
                for name in (
                    "id",
                    "verdict",
                    "revision",
                    "op",
                    "reason",
                    "territory",
                    "provenance",
                    "possible_duplicates",
                )
            ]
        )
        for each in entries
    )


class Side:
    """One of the two: a client for each account, and what was kept of answers."""

    def __init__(self, url: str, session: aiohttp.ClientSession, accounts: Mapping[str, TargetAccount]) -> None:
        self.url = url
        self.session = session
        self.accounts = accounts
        self.kept: dict[str, str] = {}
        self.copies: dict[str, dict[str, Any]] = {}
        for name, account in accounts.items():
            self.kept |= {f"{name}id": account.client_id, f"{name}secret": account.secret}

    async def take_tokens(self) -> None:
        for name in CALLERS:
            self.kept[name] = (await self._token(name))["access_token"]
        self.kept["narrow"] = (await self._token("publisher", scope="offers:read"))["access_token"]

    async def _token(self, name: str, **more: str) -> Any:
        account = self.accounts[name]
        form = {"grant_type": "client_credentials", "client_id": account.client_id, "client_secret": account.secret}
        async with self.session.post(f"{self.url}/oauth/token", data={**form, **more}) as response:
            return await response.json()

    async def send(self, request: Request) -> Answer:
        headers = CIMultiDict((name, self.filled(value)) for name, value in request.headers)
        if request.caller is not None and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.kept[request.caller]}"
        async with self.session.request(
            request.method,
            URL(self.url + self.filled(request.target), encoded=True),
            headers=headers,
            data=None if request.body is None else self.filled(request.body.decode("latin-1")).encode("latin-1"),
            skip_auto_headers=("Content-Type", "Accept-Encoding", "User-Agent"),
            allow_redirects=False,
        ) as response:
            content = await response.read()
            body: Any = content
            if content and "json" in response.headers.get("Content-Type", ""):
                body = json.loads(content)
            answer = Answer(response.status, CIMultiDict(response.headers), body)
        for name, member in request.keep.items():
            found = response.headers if member in response.headers else body if isinstance(body, dict) else {}
            self.kept[name] = str(found.get(member, ""))
        return answer

    async def follow(self, caller: str, query: str, copy: str) -> Mapping[str, Any]:
        """The copy, after reading on: of each offer what a change said of it last."""
        held, more = self.copies.setdefault(copy, {}), True
        while more:
            asked = "&".join(filter(None, [query, self.kept.get(f"cursor of {copy}") and "cursor=${cursor}"]))
            self.kept["cursor"] = self.kept.get(f"cursor of {copy}", "")
            page = await self.send(
                Request(operation="getChanges", method="GET", target=f"/v1/changes?{asked}", why="", caller=caller)
            )
            if page.status != 200:
                return {"answer": page.summary()}
            for change in page.body["changes"]:
                held[change["id"]] = {name: value for name, value in change.items() if name != "sequence"}
            self.kept[f"cursor of {copy}"], more = page.body["cursor"], page.body["more"]
        return held

    def filled(self, text: str) -> str:
        return _KEPT.sub(lambda found: self.kept.get(found[1], found[0]), text)


def _only(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if other.get(name) != value}


@dataclass(frozen=True, slots=True)
class Both:
    """Both sides in the same state."""

    real: Side
    standin: Side

    async def follow(self, caller: str, query: str, copy: str, *, seconds: float) -> dict[str, tuple[Any, Any]]:
        """The same for a copy of the changes feed, read on to its end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        expected = await self.standin.follow(caller, query, copy)
        while True:
            found = await self.real.follow(caller, query, copy)
            if found == expected or loop.time() >= deadline:
                return {} if found == expected else {"copy": (_only(found, expected), _only(expected, found))}
            await asyncio.sleep(0.02)

    async def compare(self, request: Request, *, seconds: float = 0.0) -> dict[str, tuple[Any, Any]]:
        """The differences of the answers to one request: by name, the gateway's and the stand-in's value. Within
        ``seconds`` what was sent before may still become visible: both are asked again.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            expected = (await self.standin.send(request)).summary()
            found = (await self.real.send(request)).summary()
            different = {
                name: (found.get(name), expected.get(name))
                for name in {**found, **expected}
                if found.get(name) != expected.get(name) and not (name == "listed" and "cursor=" in request.target)
            }
            if not different or loop.time() >= deadline:
                return different
            await asyncio.sleep(0.02)


@asynccontextmanager
async def both_gateways(folder: Path) -> AsyncIterator[Both]:
    """Both, running, with tokens for every account."""
    settings = replace(settings_in(folder), pages=0)  # the stand-in plays the API alone
    known = await onboard(settings, territory=frozenset())
    accounts = {name: known[name] for name in CALLERS}
    clients = [client_of(accounts[name], SUBSCRIBER if name in _READERS else PUBLISHER) for name in CALLERS]
    host = Host(accounts["publisher"], [], others=clients[1:])
    standin = StandIn(clients, day=today, now=milliseconds)
    connector = aiohttp.TCPConnector(limit=4)
    async with (
        running(settings) as gateway,
        hosting(host, standin.answer, "127.0.0.1:0") as url,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        sides = Side(gateway.url, session, accounts), Side(url, session, accounts)
        for side in sides:
            await side.take_tokens()
        yield Both(*sides)


__all__ = ["CALLERS", "Answer", "Both", "Request", "Side", "both_gateways", "replace"]
