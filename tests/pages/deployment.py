"""A real gateway on loopback, in a thread, with pages and some published offers: what Chromium looks at."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import aiohttp
import orjson

import schemas
from demo.client import NDJSON, Client
from demo.generator import generate
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.delivery import Delivery, DeliveryPart, State, delivery_record
from gateway.protocol.identity import partition_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner, PublicAgreement
from gateway.protocol.record import Record
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountRecord, count_record
from gateway.protocol.topic import COMMON, DELIVERIES, STATISTICS
from gateway.settings import Settings
from tests.notices.persons import add_contacts
from tests.pages.feeds import FAILING, add_feeds, add_refusals
from tests.pages.journal.acts import write_acts
from tests.pages.national.seeded import write_note
from tests.pages.signing import OPERATOR, SIGNED
from tests.server_thread import served_in_thread

PLATFORMS = ("bretagne", "normandie")
OFFERS = 30
"""Offers of each platform."""
MODERATED = "bretagne:2026-0000{}"
SECRET = "a secret of the gateway that Chromium looks at"  # of tests


@contextmanager
def deployment(folder: Path, secrets: dict[str, str] | None = None) -> Iterator[str]:
    """The URL of a gateway whose offers are published; ``secrets`` gets those of its partners. A part of the legal
    notice is set.
    """
    settings = Settings(
        requests_per_minute=60_000,  # a crawler asks faster than the address of a reader may
        data=folder / "data",
        port=0,
        management_port=0,
        log_level="error",
        secret=SECRET,
        legal_publisher="Région Bretagne",
        legal_contact="stages@region.example",
        source_url="https://code.region.example/passerelle",
        smtp="smtp://127.0.0.1:9",  # away
        smtp_from="avis@region.example",
    )

    def serve() -> AbstractAsyncContextManager[str]:
        return _serve(settings, {} if secrets is None else secrets)

    with served_in_thread(serve) as url:
        yield url


@asynccontextmanager
async def _serve(settings: Settings, texts: dict[str, str]) -> AsyncIterator[str]:
    texts |= await _onboard(settings)
    today = date.fromisoformat(paris_date(clock.now()))
    async with running(settings) as gateway, aiohttp.ClientSession() as session:
        for slug in PLATFORMS:
            secret = texts[slug]
            lines = [offer.raw + b"\n" for offer in generate(1, slug, OFFERS, today, wrong=0)]
            last = orjson.loads(lines[-1])
            lines[-1] = orjson.dumps({**last, "title": f"{last['title']}\u200b"})  # text-invisible
            client = Client(session, gateway.url, client_id=slug, client_secret=secret)
            answer = await client.call(
                "POST", "/v1/offers/batch", body=b"".join(lines), media_type=NDJSON, headers={"Prefer": "wait=20"}
            )
            assert answer.ok, answer.explain()
        slug = OPERATOR.platform
        await _moderate(Client(session, gateway.url, client_id=slug, client_secret=texts[slug]))
        yield gateway.url


async def _moderate(operator: Client) -> None:
    """Two offers of Bretagne: one is moderated, the moderation of the other is lifted."""
    for number, action, reason in (
        (26, "moderate", "L’adresse est celle d’une entreprise qui a déménagé."),
        (27, "moderate", "Le lien ne mène pas à l’offre."),
        (27, "lift", "Le lien est corrigé."),
    ):
        path = f"/v1/offers/{MODERATED.format(number)}/moderation"
        body = orjson.dumps({"action": action, "reason": reason})
        answer = await operator.call("POST", path, body=body, headers={"Prefer": "wait=20"})
        assert answer.ok, answer.explain()


def _past() -> Iterator[tuple[str, Record]]:
    """What Bretagne has behind it: refusals, and deliveries in several states."""
    now = clock.now()
    today = paris_date(now)
    counts = {
        Cell(today, "bretagne", "refused", "week-malformed", ""): 12,
        Cell(today, "bretagne", "refused", BROKEN, ""): 12,
        Cell(today, "bretagne", "accepted", UNBROKEN, "35"): 229,
        Cell(today, "bretagne", "withdrawn", UNBROKEN, "35"): 3,
        Cell(today, FAILING, "accepted", UNBROKEN, "69"): 84,
        Cell(today, FAILING, "duplicate", UNBROKEN, "69"): 402,
        Cell(today, "normandie", "accepted", UNBROKEN, "14"): 61,
        Cell(today, "normandie", "stale", "revision-outdated", "14"): 9,
        Cell(today, "normandie", "stale", BROKEN, "14"): 9,
    }
    fields = {"week-malformed": "/weeks/0", "text-blank": "/title"}
    named = (
        RefusedDocument(platform="bretagne", at=now, id="bretagne:2027-0044-atelier", fields=fields),
        RefusedDocument(platform="bretagne", at=now - 60_000, index=41, fields={"week-malformed": "/weeks/2"}),
    )
    yield STATISTICS, count_record(CountRecord("past", 1, counts, named))
    days = [(date.fromisoformat(today) - timedelta(days=number)).isoformat() for number in range(1, 390)]
    opened = {day: {"35": 4 + number % 30, "22": number % 11} for number, day in enumerate(days)}
    yield STATISTICS, count_record(CountRecord("past", 2, {}, open=opened))
    ids = [offer.id for offer in generate(1, "bretagne", OFFERS, date.fromisoformat(today), wrong=0)]
    states: list[State] = ["delivered", "refused", "pending", "not-deliverable"]
    problem = schemas.problem("employer-undescribed").to_json()
    for offer_id, state in zip(ids, states, strict=False):
        problems = (problem,) if state in {"refused", "not-deliverable"} else ()
        part = DeliveryPart(group="lycee", generation=1, account="test", state=state, since=now, problems=problems)
        if state == "delivered":
            part = replace(part, remote_id="2027-0001", delivered_at=now, visible=True, sequence=1)
        yield DELIVERIES, delivery_record(Delivery(id=offer_id, sequence=1, parts=(part,)))


async def _onboard(settings: Settings) -> dict[str, str]:
    texts = {}
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        for slug in PLATFORMS:
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = secret.text
            scopes = frozenset({"offers:read", "offers:publish"})
            public = PublicAgreement(since="2026-01-05", agreement="2026-1") if slug == PLATFORMS[0] else None
            partner = Partner(platform=slug, name=slug.title(), scopes=scopes, secrets=(secret.kept,), public=public)
            await partners.save(partner)
        for partner in (OPERATOR, SIGNED):
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[partner.platform] = secret.text
            await partners.save(replace(partner, secrets=(secret.kept,)))
        await add_feeds(log, partners, now=clock.now(), secret=SECRET.encode())
        await add_refusals(log, now=clock.now())
        await add_contacts(log)
        await partners.close()
        await write_acts(log, secret=SECRET.encode())
        await write_note(log, clock.now())
        for topic, record in _past():
            assert record.key is not None
            await log.append(topic, partition_of(record.key.decode(), log.partitions), [record])
    return texts
