"""The three ways in to a gateway in the test's process: its API, its pages, and commands beside it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.bootstrap.log import log_path
from gateway.bootstrap.pages import add_site, page_ports
from gateway.clock import now
from gateway.log.sqlite import SqliteLog
from gateway.pages.site import PagePorts, PageSite, all_pages
from gateway.partners.credential import mint_secret
from gateway.partners.revocation import newest_credential
from gateway.protocol.delivery_order import read_order
from gateway.protocol.join_request import PARTITION, request_record
from gateway.protocol.source_run import Pause, RunOrder, read_run
from gateway.protocol.topic import DELIVERIES, JOINING, PARTNERS, RECEIPTS, RELEASES, RUNS, SUBMISSIONS
from gateway.settings import Settings
from tests.api.write.gateway_harness import offer
from tests.cli.conftest import Ended
from tests.cli.inside import Inside
from tests.harness import ALL, SECRET, URL, built, records_of
from tests.pages.desk import Desk, desk_of, publish
from tests.pages.national.seeded import Owner, write_note
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness, with_mails
from tests.protocol.test_join_request import confirmed

OFFER = f"{SIGNED.platform}:1"
OTHER = "bretagne"
"""A platform without a feed."""
_VARIABLE = frozenset({"at", "sequence", "receipt"})
"""Members of a record that the clock decides."""
REASON = "L’adresse n’est pas celle d’un employeur"
DONE = {"replayed": 0, "nothing_to_do": [], "kept": {"count": 0, "fields": []}}
"""The answer of the owner of the account."""
WITHOUT_A_PAGE = frozenset({"erase", "erase-name"})
ADDRESS = "contact@region.example"
PUSH_URL = "https://stages.example.org/in?key=s3cret"
ASKING = "demande"
"""The id of a request whose feed cannot be fetched."""
JOINED = "ville"
AGREED = {"since": "2027-01-04", "agreement": "2027-1"}
AGREEING = ("--public-since", AGREED["since"], "--agreement", AGREED["agreement"])
MAIL = {
    "PASSERELLE_SMTP": "smtp://127.0.0.1:9",
    "PASSERELLE_SMTP_FROM": "avis@region.example",
    "PASSERELLE_PUBLIC_URL": URL,
}
HEADERS = {"Authorization": f"Bearer {OPERATOR.platform}"}


@dataclass(frozen=True, kw_only=True)
class Act:
    """An act on an offer, on the feed of a platform, on its access, or at the national site. ``number``: of withdrawals
    that a run may make, of hours for which a former secret stays valid, of days of a nonce; ``person``: of a link;
    ``day``: of a release or an end, which ``force`` brings.
    """

    name: str
    about: str
    reason: str | None = REASON
    number: int | None = None
    person: str = "Personne d’essai"
    day: str = ""
    force: bool = False


Request: TypeAlias = tuple[str, str, dict[str, Any]]
"""Method, path, body."""


def _push_request(act: Act) -> Request:
    match act.name:
        case "create-push":
            return "PUT", "/v1/subscriptions/copie", {"url": PUSH_URL, "filter": {"region": ["53"]}}
        case "delete-push":
            return "DELETE", "/v1/subscriptions/copie", {}
        case _:
            return "POST", "/v1/subscriptions/copie/replay", {}


class Office:
    """A gateway on an embedded log, and the three ways to act in it. Each returns what it answers."""

    def __init__(self, desk: Desk, command: Inside, seconds: int) -> None:
        self.desk = desk
        self.seconds = seconds
        self.run = command

    async def api(self, act: Act) -> str:
        """Over the API."""
        method, path, body = _push_request(act) if act.name.endswith("-push") else await self._request(act)
        answer = await self.desk.site.client.request(
            method,
            path,
            data=orjson.dumps({name: value for name, value in body.items() if value is not None}) if body else None,
            headers={**HEADERS, "Content-Type": "application/json", "Prefer": f"wait={self.seconds}"},
        )
        return f"{answer.status} {await answer.text()}"

    async def _request(self, act: Act) -> Request:
        body: dict[str, Any] = {"reason": act.reason}
        match act.name:
            case "moderate" | "lift":
                path = f"/v1/offers/{act.about}/moderation"
                body |= {"action": act.name}
            case "rotate":
                path = f"/v1/partners/{act.about}/secrets"
                body |= {"replaces": self.known(act.about), "overlap_hours": act.number}
            case "revoke" | "link" | "sign-out" | "nonce":
                last = {"revoke": "revocation", "link": "links", "nonce": "nonces"}.get(act.name, act.name)
                path = f"/v1/partners/{act.about}/{last}"
                body |= {"person": act.person if act.name == "link" else None, "days": act.number}
            case "uncertify":
                path = f"/v1/partners/{act.about}/certificates/revocation"
                body |= {"role": "publisher"}
            case "replay" | "erase" | "adopt":
                path = "/v1/national/orders"
                member = {"replay": "account", "erase": "offer", "adopt": "platform"}[act.name]
                body |= {"order": act.name, member: act.about, "confirm": act.number}
            case "add-contact" | "stop-contact" | "erase-contact":
                path, members = await self._contact_request(act)
                body |= members
            case "activate" | "cancel":
                path = f"/v1/releases/{act.about}/activation"
                body |= {"from": act.day} if act.name == "activate" else {"cancel": True}
                body |= {"force": True} if act.force else {}
            case "try-request" | "approve-request" | "refuse-request":
                path = f"/v1/requests/{act.about}"
                body |= {"action": act.name.partition("-")[0]}
                body |= {"platform": JOINED, "secret": True, "public": AGREED} if act.name == "approve-request" else {}
            case "erase-name":
                path, body = "/v1/journal/erasures", {"name": act.about}
            case _:
                path = f"/v1/platforms/{act.about}/feed"
                body |= {"action": act.name, "confirm": act.number}
        return "POST", path, body

    async def _contact_request(self, act: Act) -> tuple[str, dict[str, Any]]:
        contacts = f"/v1/partners/{act.about}/contacts"
        if act.name == "add-contact":
            return contacts, {"address": ADDRESS, "name": act.person, "language": "fr"}
        return f"{contacts}/{await self.contact(act.about)}", {"action": act.name.partition("-")[0]}

    async def page(self, act: Act) -> str:
        """With the form of a page."""
        reason, number = act.reason or "", "" if act.number is None else act.number
        match act.name:
            case "moderate" | "lift":
                state = await self.desk.federation.offers.get(act.about)
                sequence = 1 if state is None else state.known.sequence
                path, fields = "/offre", {"act": act.name, "id": act.about, "sequence": sequence, "reason": reason}
            case "rotate":
                fields = {"act": "rotate", "slug": act.about, "overlap": number, "why_rotate": reason}
                path, fields = "/plateforme", {**fields, "known": self.known(act.about)}
            case "revoke":
                path, fields = "/plateforme/retirer", {"slug": act.about, "why": reason}
            case "link" | "sign-out" | "nonce" | "uncertify":
                field = f"why_{act.name.replace('-', '_')}"
                path, fields = "/plateforme", {"act": act.name, "slug": act.about, field: reason, "role": "publisher"}
                fields |= {"person": act.person}
            case "replay" | "adopt":
                member = "account" if act.name == "replay" else "platform"
                path, fields = "/site-national/ordre", {"order": act.name, member: act.about, "why": reason}
                fields |= {"confirm": number}
            case "activate" | "cancel":
                path, fields = "/evolutions/jour", {"act": act.name, "release": act.about, "day": act.day}
                fields |= {"reason": reason, "force": "on" if act.force else ""}
            case "add-contact" | "stop-contact" | "erase-contact":
                fields = {"act": act.name.partition("-")[0], "address": ADDRESS, "name": act.person, "language": "fr"}
                path, fields = "/plateforme/avis", {**fields, "contact": await self.contact(act.about), "sure": "1"}
            case "create-push" | "delete-push" | "replay-push":
                fields = {"act": act.name.partition("-")[0].replace("create", "set"), "name": "copie", "url": PUSH_URL}
                path = "/plateforme/abonnements"
                fields = {**fields, "region": "53", "max_batch": "20480", "rate": "600", "sure": "1"}
            case "try-request" | "approve-request" | "refuse-request":
                fields = {"act": act.name.partition("-")[0], "id": act.about, "why": reason, "why_refuse": reason}
                path, fields = "/demande", {**fields, "slug": JOINED, "scopes": "offers:read", "secret": "1"}
                fields["untried"] = "1"
                fields |= {f"public_{name}": value for name, value in AGREED.items()}
            case _:
                path, fields = "", {"act": act.name, "platform": act.about, "confirm": number, "reason": reason}
        home = "" if path in ("/plateforme/avis", "/plateforme/abonnements") else "/exploitation"
        answer = await self.desk.send(f"{home}{path}", fields)
        return f"{answer.status} {unescape(await answer.text())}"

    async def command(self, act: Act) -> str:
        """By a command on the machine of the gateway."""
        named: Mapping[str, Sequence[object]] = {
            "moderate": ["moderate", act.about, "--wait", self.seconds],
            "lift": ["moderate", "--lift", act.about, "--wait", self.seconds],
            "run": ["platform", "run", act.about, "--wait", 1],
            "rotate": ["partner", "rotate", act.about],
            "revoke": ["partner", "revoke", act.about],
            "link": ["partner", "link", act.about, "--person", act.person],
            "sign-out": ["partner", "sign-out", act.about],
            "nonce": ["certificate", "nonce", act.about],
            "uncertify": ["certificate", "revoke", act.about],
            "replay": ["national", "replay", "--account", act.about, "--wait", self.seconds],
            "erase": ["national", "erase", act.about, "--wait", self.seconds],
            "adopt": ["national", "adopt", act.about, "--wait", self.seconds],
            "activate": ["schema", "activate", act.about, "--from", act.day, *(["--force"] if act.force else [])],
            "cancel": ["schema", "activate", act.about, "--cancel"],
            "erase-name": ["journal", "erase-name", act.about],
            "try-request": ["requests", "try", act.about],
            "approve-request": ["requests", "approve", act.about, "--platform", JOINED, "--secret", *AGREEING],
            "refuse-request": ["requests", "refuse", act.about],
            "add-contact": ["contact", "add", act.about, "--address", ADDRESS, "--name", act.person],
            "stop-contact": ["contact", "stop", act.about, await self.contact(act.about)],
            "erase-contact": ["contact", "erase", act.about, await self.contact(act.about)],
        }
        if act.name.endswith("-push"):
            options = ["--url", PUSH_URL, "--filter", "region=53"] if act.name == "create-push" else []
            named = {act.name: ["push", act.name.removesuffix("-push"), act.about, "copie", *options]}
        words = [*named.get(act.name, (act.name, act.about))]
        words += ["--by", "Nom d’essai", *(["--reason", act.reason] if act.reason and act.name != "erase-name" else [])]
        option = {"rotate": "--overlap", "nonce": "--days"}.get(act.name, "--confirm")
        words += [] if act.number is None else [option, act.number]
        ended: Ended = await asyncio.to_thread(self.run, *words)
        return f"{ended.code} {ended.output}{ended.errors}"

    def known(self, platform: str) -> str:
        """The name of the newest secret of a platform."""
        partner = self.desk.federation.partners.get(platform)
        return "" if partner is None else newest_credential(partner, now=now()) or ""

    async def contact(self, platform: str) -> str:
        """The id of the first contact of a platform."""
        await self.desk.federation.contacts.catch_up()
        return next((one.id for one in self.desk.federation.contacts.of(platform)), "none")

    async def effect(self) -> Mapping[str, Sequence[Any]]:
        """The records of the log, without times and what a way in says of the one who acts."""
        log = self.desk.federation.log
        runs = [read_run(record.key, record.value) for record in await records_of(log, RUNS)]
        return {
            "journal": [
                (one.act, one.about, _details(one.details), one.why, one.failed) for one in await self.desk.entries()
            ],
            "submissions": [_content(record.value) for record in await records_of(log, SUBMISSIONS)],
            "receipts": [_content(record.value) for record in await records_of(log, RECEIPTS)],
            "pauses": [(one.platform, one.paused) for one in runs if isinstance(one, Pause)],
            "partners": [_access(record.value) for record in await records_of(log, PARTNERS)],
            "activations": [
                (record.key, orjson.loads(record.value or b"{}").get("from"))
                for record in await records_of(log, RELEASES)
            ],
            "orders": [(one.platform, one.confirm) for one in runs if isinstance(one, RunOrder)],
            "national": [
                (placed.account, placed.order, placed.answer)
                for record in await records_of(log, DELIVERIES)
                if record.value and (placed := read_order(record.key or b"", record.value)) is not None
            ],
        }


def _details(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details of an act in the journal, without times."""
    return {name: value for name, value in details.items() if name != "expires_at"}


def _access(value: bytes | None) -> tuple[Any, ...]:
    """The access of a platform: the numbers of its secrets, nonces and certificates."""
    document = orjson.loads(value or b"{}")
    lists = [len(document.get(name, ())) for name in ("secrets", "nonces", "certificates")]
    return document.get("platform"), document.get("revoked"), *lists


def _content(value: bytes | None) -> Mapping[str, Any]:
    return {name: one for name, one in orjson.loads(value or b"{}").items() if name not in _VARIABLE}


@asynccontextmanager
async def opened(folder: Path, *, seconds: int = 10, answers: bool = True) -> AsyncIterator[Office]:
    """A gateway with an offer, a platform with a feed and one without, and an account at the national site, whose owner
    answers.
    """
    settings = Settings(data=folder / "data")
    async with AsyncExitStack() as stack:
        settings.data.mkdir(parents=True)
        log = await SqliteLog.open(log_path(settings), partitions=settings.partitions)
        stack.push_async_callback(log.close)
        partners = [
            SIGNED,
            replace(OPERATOR, scopes=OPERATOR.scopes | {"offers:read"}),
            replace(SIGNED, platform=OTHER, secrets=(mint_secret(now=now(), entropy=os.urandom).kept,)),
        ]
        harness = await stack.enter_async_context(built(settings.data, log=log, clock=now, partners=partners))
        harness.settings = with_mails(harness.settings)
        harness.start(*ALL)
        await harness.ready()
        app = build_app(harness.context())
        ports: PagePorts = replace(page_ports(harness.settings, harness.federation, URL), decision_seconds=seconds)
        add_site(app, PageSite(all_pages(ports), public_url=URL, door=ports.door))
        headers = {"Cookie": await cookie_of(harness.federation, SIGNED.platform)}
        client = await stack.enter_async_context(TestClient(TestServer(app), headers=headers))
        site = PageHarness(harness, app, client)
        desk = await desk_of(site)
        await publish(site, [offer(1, platform=SIGNED.platform)])
        await write_note(log, now(), platforms=["*"])
        joining = confirmed(ASKING, at=now(), feed="http://127.0.0.1/offres.xml")
        await log.append(JOINING, PARTITION, [request_record(joining)])
        if answers:
            await stack.enter_async_context(Owner(log, [DONE]))
        await desk.settled()
        yield Office(desk, Inside(folder, PASSERELLE_SECRET=SECRET.decode(), **MAIL), seconds)


Way = Callable[[Office, Act], Coroutine[Any, Any, str]]
WAYS: Mapping[str, Way] = {"api": Office.api, "page": Office.page, "command": Office.command}
