"""A data folder with content in every file, and the queries whose answers must stay the same."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from demo.client import Client
from gateway import clock
from gateway.bootstrap.gateway import Gateway, running
from gateway.bootstrap.log import open_log
from gateway.log.reading import read_all
from gateway.partners import Partners, topics_of
from gateway.partners.credential import mint_secret
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.identity import partition_of, platform_of
from gateway.protocol.partner import Partner, PublicAgreement
from gateway.protocol.record import read_offer
from gateway.protocol.source_run import SourceRun, run_record
from gateway.protocol.topic import COMMON, DELIVERIES, OFFERS, RUNS
from gateway.settings import Settings

PUBLISHER, READER, OPERATOR = "bretagne", "grand-est", "exploitation"
OFFERS_MADE = 40
_SECTORS = ("s5", "s12", "s24")
_WAIT = {"Prefer": "wait=20"}
_PUBLIC = PublicAgreement(since="2026-01-05", agreement="1")


def offer(number: int, revision: int = 1) -> dict[str, Any]:
    """The document of one offer."""
    return {
        "id": f"{PUBLISHER}:d{number}",
        "revision": revision,
        "title": f"Découverte de l'atelier {number}",
        "description": "Observer la fabrication d'un meuble, du dessin à la pose. " * (1 + number % 7),
        "employer": {"name": f"Atelier {number}", "description": "Menuiserie."},
        "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": _SECTORS[number % len(_SECTORS)],
        "apply_url": f"https://stages.ideo.bretagne.bzh/{number % 30}",
    }


@dataclass(frozen=True)
class Populated:
    """A data folder, the partners' secrets, and the answers before any damage."""

    folder: Path
    secrets: Mapping[str, str]
    answers: Mapping[str, Any]

    def copy(self, folder: Path) -> "Populated":
        """The same in another folder."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)

    @asynccontextmanager
    async def opened(self, *, workers: int = 0) -> AsyncIterator[tuple[Gateway, dict[str, Client]]]:
        """A gateway on the folder, and its partners' clients."""
        async with AsyncExitStack() as stack:
            settings = Settings(data=self.folder, port=0, management_port=0, log_level="warning", workers=workers)
            gateway = await stack.enter_async_context(running(settings))
            clients = {}
            for slug, secret in self.secrets.items():
                session = await stack.enter_async_context(aiohttp.ClientSession())
                clients[slug] = Client(session, gateway.url, client_id=slug, client_secret=secret)
            yield gateway, clients


async def populate(folder: Path, *, killed: bool) -> Populated:
    """Create a data folder of a gateway that is stopped, or ``killed``: then with write-ahead logs."""
    folder = folder.with_name(f"{folder.name}-{'killed' if killed else 'stopped'}")
    live = Populated(
        folder.with_name(f"{folder.name}-live"), await onboard(folder.with_name(f"{folder.name}-live")), {}
    )
    async with live.opened() as (_, clients):
        publisher = clients[PUBLISHER]
        for number in range(OFFERS_MADE):
            await _put(publisher, offer(number))
        for number in range(0, OFFERS_MADE, 4):
            await _put(publisher, offer(number, revision=2))
        for number in range(1, OFFERS_MADE, 7):
            path = f"/v1/offers/{PUBLISHER}:d{number}"
            await publisher.call("DELETE", path, params={"revision": "9", "reason": "filled"}, headers=_WAIT)
        await _fill_national(live.folder)
        answers = await ask(clients)
        for _ in range(200):  # until the views answer the same twice: deliveries and runs come by themselves
            again = await ask(clients)
            if again == answers and answers["deliveries"]:
                break
            answers = again
        if killed:
            shutil.copytree(live.folder, folder)
    if not killed:
        shutil.copytree(live.folder, folder)
    return Populated(folder, live.secrets, answers)


async def ask(clients: Mapping[str, Client]) -> dict[str, Any]:
    """The answers of all views, without what differs from one time to the next. Raises AnswerError."""
    reader, publisher = clients[READER], clients[PUBLISHER]
    found: dict[str, Any] = {"offers": [], "changes": [], "receipts": []}
    cursor: dict[str, str] = {}
    more = True
    while more:
        body = await _get(reader, "/v1/changes", {"territory": "all", **cursor})
        found["changes"] += body["changes"]
        cursor, more = {"cursor": body["cursor"]}, body["more"]
    cursor, more = {}, True
    while more:
        body = await _get(reader, "/v1/offers", {"territory": "all", "limit": "15", **cursor})
        found["offers"] += body["offers"]
        cursor, more = {"cursor": body["cursor"]}, body["more"]
    body = await _get(publisher, "/v1/receipts", {"limit": "500"})
    found["receipts"] = body["receipts"]
    for sector in _SECTORS:
        body = await _get(reader, "/v1/offers", {"territory": "all", "sector": sector, "limit": "100"})
        found[f"sector {sector}"] = [one["id"] for one in body["offers"]]
    for number in range(OFFERS_MADE):
        answer = await reader.call("GET", f"/v1/offers/{PUBLISHER}:d{number}")
        _check(answer.status, {200, 404, 410}, f"offer {number}")
        found[f"offer {number}"] = answer.status, answer.body.get("title")
    for one in found["receipts"][:5]:
        found[f"receipt {one['receipt']}"] = await _get(publisher, f"/v1/receipts/{one['receipt']}", {})
    body = await _get(clients[OPERATOR], "/v1/platforms", {})
    found["deliveries"] = [
        {name: row.get(name) for name in row if name not in {"connected_since", "behind", "last_success_at"}}
        for row in body["platforms"]
        if row["platform"] == PUBLISHER
    ]
    return found


class AnswerError(Exception):
    """An unusable answer: its status, and the request."""

    def __init__(self, status: int, asked: str) -> None:
        super().__init__(f"{status} for {asked}")
        self.status = status


async def _get(client: Client, path: str, params: dict[str, str]) -> Any:
    answer = await client.call("GET", path, params=params)
    _check(answer.status, {200}, path)
    return answer.body


def _check(status: int, wanted: set[int], asked: str) -> None:
    if status not in wanted:
        raise AnswerError(status, asked)


async def _put(client: Client, document: dict[str, Any]) -> None:
    answer = await client.call("PUT", f"/v1/offers/{document['id']}", body=orjson.dumps(document), headers=_WAIT)
    _check(answer.status, {200, 201}, document["id"])


async def onboard(folder: Path) -> dict[str, str]:
    """A log with three partners in a new folder. Returns their secrets."""
    texts = {}
    async with open_log(Settings(data=folder)) as log:
        partners = Partners(log)
        scopes = {PUBLISHER: {"offers:read", "offers:publish"}, READER: {"offers:read"}, OPERATOR: {"operate"}}
        for slug, some in scopes.items():
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = secret.text
            partner = Partner(platform=slug, name=slug, scopes=frozenset(some), secrets=(secret.kept,), public=_PUBLIC)
            await partners.save(partner)
        await log.create_topics((*COMMON, *topics_of(partners)))
        await partners.close()
    return texts


async def _fill_national(folder: Path) -> None:
    """Deliveries and runs on the log, and the connector's copies of it."""
    async with open_log(Settings(data=folder), make=False) as log:
        identity = await log.identity()
        outbox = Outbox(folder / "national" / "outbox-shared.sqlite", log=identity)
        for number in range(0, OFFERS_MADE, 3):
            offer_id = f"{PUBLISHER}:d{number}"
            part = DeliveryPart(group="lycee", generation=1, account="shared", state="delivered", since=number)
            delivery = Delivery(id=offer_id, sequence=7, parts=(part,))
            await log.append(DELIVERIES, partition_of(offer_id, log.partitions), [delivery_record(delivery)])
            outbox.put_delivery(delivery)
            outbox.enqueue(offer_id, "lycee", rank=1, not_before=number, now=0)
        run = SourceRun(platform=PUBLISHER, started_at=1, ended_at=2, outcome="applied", last_success_at=2)
        await log.append(RUNS, 0, [run_record(run)])
        async with read_all(log, OFFERS, limit=500) as chunks:
            async for chunk in chunks:
                for record in chunk.records:
                    state = read_offer(record.key or b"", record.value or b"")
                    outbox.put_offer(state.id, platform_of(state.id), record.value)
                outbox.keep({(OFFERS, chunk.partition): chunk.position})
        outbox.close()
        inbound = InboundState(folder / "national" / "inbound.sqlite", log=identity)
        await inbound.catch_up(log, await log.ends(OFFERS))
        inbound.close()
