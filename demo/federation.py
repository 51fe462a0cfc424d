"""Complete federation on this machine: nine platforms with their transports, the national site, and one real gateway.

The gateway runs in a process of its own, so that it can be killed; platforms, national site and subscribers run in this
one.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

import aiohttp

import schemas
from adapters.profile.joining import Joined, join
from demo.balance import ExternalCounts
from demo.broker import LocalBroker
from demo.channel import Batches, Channel, Inbox, Pulled, Puts, RefusalCounts, SnapshotChannel
from demo.client import Client
from demo.cluster import cleared, lent_cluster
from demo.doorway import serving_doorways
from demo.entry import CHANNELS, KAFKA_CHANNELS, LABELS, EntryError, JoiningPlatform, departments_of, enter
from demo.mailbox import HOST, SENDER, Mailbox, add_contacts, certified, serving_smtp
from demo.national_site.simulator import NationalSimulator
from demo.process import FastTime, GatewayProcess
from demo.region import RegionSystems
from demo.site import UNCOVERED, SimulatedSite
from demo.subscriber import VISITOR, OfferCopy, counted, follow_changes, follow_topic
from demo.traffic import Arrivals
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.log.port import EventLog
from gateway.oauth.keys import KeyRing
from gateway.operate.desk import Desk
from gateway.operate.journal import Journal
from gateway.partners import Partners, topics_of
from gateway.partners.credential import mint_secret
from gateway.partners.onboarding import presets
from gateway.partners.sign_in import SignIns
from gateway.protocol.identity import NATIONAL
from gateway.protocol.journal import Actor
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner, PublicAgreement, Scope
from gateway.protocol.topic import COMMON, FEED, INBOX, full_name
from gateway.runtime.keys import load_secret
from gateway.settings import Settings

OBSERVER = "observer"
AGREEING = frozenset({"bretagne", "normandie", "occitanie", "pays-de-la-loire"})
"""Platforms whose offers everybody may see."""
AGREED_ON = "2026-01-05"
"""A subscriber without a territory: its copy holds every live offer of the federation."""
SIGNED_IN = "bretagne"
"""The platform whose pages a person of the demo sees."""
PLATFORM_PAGES, OPERATOR_PAGES = "plateforme", "exploitation"
SPEED, LATER_SPEED = 30.0, 4.0
"""Speed of the national site's clock: a minute of 100 calls takes two seconds, after ``FAST_SECONDS`` fifteen."""
FAST_SECONDS = 3_600.0
"""After these, the site's clock is a day ahead, and goes on slowly: a demo of a night does not leave the season."""


@dataclass(slots=True, kw_only=True)
class DemoFederation:
    """All running systems. ``credentials``: the partners' secrets by slug."""

    settings: Settings
    folder: Path
    log: EventLog
    gateway: GatewayProcess
    site: SimulatedSite
    regions: list[RegionSystems]
    reasons: RefusalCounts
    credentials: dict[str, str] = field(repr=False)
    clients: dict[str, Client] = field(repr=False)
    doorways: Mapping[str, str] = field(repr=False)
    """Addresses that sign a person in, by ``PLATFORM_PAGES`` and ``OPERATOR_PAGES``, and of the mails, by ``MAILS``."""
    observer: OfferCopy = field(default_factory=OfferCopy)
    broken: list[str] = field(default_factory=list)
    """Subscribers that stopped reading, with the error."""

    def today(self) -> date:
        """The present day in Paris."""
        return _today()

    def region(self, slug: str) -> RegionSystems:
        """The Region of a platform."""
        return next(region for region in self.regions if region.slug == slug)

    def count(self) -> ExternalCounts:
        """The present counts at all external systems, without the visitor's offers."""
        return ExternalCounts(
            parties=tuple(region.party() for region in self.regions),
            live=counted(self.observer.titles),
            gone=frozenset(self.observer.gone),
            delivered=self.site.delivered(),
            made=self.site.made(),
            uncovered={name: departments_of(code) for name, code in UNCOVERED.items()},
        )

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Run all subscribers for the block."""
        works = {OBSERVER: follow_changes(self.clients[OBSERVER], self.observer)}
        for region in self.regions:
            if region.topic is None:
                works[region.slug] = region.platform.follow(region.client)
            else:
                topic = full_name(self.settings.kafka_prefix, FEED + region.slug)
                works[region.slug] = follow_topic(
                    self.settings.kafka or "", topic, self.settings.partitions, region.topic
                )
        tasks = {slug: asyncio.ensure_future(work) for slug, work in works.items()}
        for slug, task in tasks.items():
            task.add_done_callback(partial(self._note_end, slug))
        try:
            yield
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    def _note_end(self, slug: str, ended: asyncio.Future[None]) -> None:
        if not ended.cancelled():
            self.broken.append(f"{slug} stopped reading: {ended.exception()}")


@asynccontextmanager
async def open_federation(*, kafka: bool, seed: int) -> AsyncIterator[DemoFederation]:
    """Start all systems except the gateway, on the embedded log or on Kafka; the end of the block removes them. Raises
    EntryError, BrokerError, JarsError, ClusterError.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-demo-")))
        settings = await _settings(folder, stack, kafka=kafka)
        time = FastTime(SPEED, fast_for=FAST_SECONDS, later=LATER_SPEED)
        site = SimulatedSite(await stack.enter_async_context(NationalSimulator(clock=time.clock)), _today())
        accounts = site.open_accounts(folder, tuple(CHANNELS))
        mailbox, (context, authority) = Mailbox(), certified(folder)
        mail_port = await stack.enter_async_context(serving_smtp(mailbox, context))
        gateway = GatewayProcess(
            {
                **{name: text for name, text in settings.to_environ().items() if not name.endswith("_PORT")},
                "PASSERELLE_SMTP": f"smtp://{HOST}:{mail_port}",
                "PASSERELLE_SMTP_FROM": SENDER,
                "SSL_CERT_FILE": str(authority),
            },
            accounts=accounts,
            time=time,
            words=folder / "gateway.log",
        )
        stack.push_async_callback(gateway.kill)
        log = await stack.enter_async_context(open_log(settings))
        await log.create_topics(COMMON)
        secret = load_secret(settings.secret, folder=settings.data)
        partners, journal = Partners(log), Journal(log, secret=secret)
        stack.push_async_callback(partners.close)
        stack.push_async_callback(journal.close)
        federation = DemoFederation(
            settings=settings,
            folder=folder,
            log=log,
            gateway=gateway,
            site=site,
            regions=[],
            reasons=RefusalCounts(),
            credentials={},
            clients={},
            doorways=await stack.enter_async_context(
                serving_doorways(
                    Desk(log=log, partners=partners, journal=journal, actor=Actor(name="Démonstration")),
                    SignIns(partners, secret, clock=clock.now),
                    mailbox,
                    url=gateway.url,
                    slugs={PLATFORM_PAGES: SIGNED_IN, OPERATOR_PAGES: OBSERVER},
                )
            ),
        )
        for slug, channel in (KAFKA_CHANNELS if kafka else CHANNELS).items():
            federation.regions.append(await _join_region(federation, slug, channel, partners, stack, seed=seed))
        await _join_others(federation, partners, stack)
        await log.create_topics(topics_of(partners))
        named = {one.platform: one.name for one in partners.all() if one.platform in {*CHANNELS, OBSERVER}}
        await add_contacts(log, secret, named)
        yield federation


def _today() -> date:
    return date.fromisoformat(paris_date(clock.now()))


async def _settings(folder: Path, stack: AsyncExitStack, *, kafka: bool) -> Settings:
    for name in ("feeds", "secrets"):
        (folder / name).mkdir()
    settings = Settings(
        data=folder / "data",
        feeds=folder / "feeds",
        feed_secrets=folder / "secrets",
        loopback_feeds=1,
        log_level=os.environ.get("PASSERELLE_LOG_LEVEL", "error"),
        # All partners call from one machine, beyond the default quotas.
        uploads_at_once=32,
        requests_per_minute=1_000_000,
    )
    if not kafka:
        return settings
    prefix = f"demo-{secrets.token_hex(3)}"
    servers = lent_cluster()
    if servers is None:
        broker = LocalBroker()
        stack.callback(broker.close)
        await asyncio.to_thread(broker.start)
        servers = broker.bootstrap_servers
    else:
        await stack.enter_async_context(cleared(servers, prefix))
    signing_key = folder / "signing.pem"
    KeyRing.open(signing_key)
    return replace(
        settings,
        kafka=servers,
        kafka_prefix=prefix,
        secret=secrets.token_urlsafe(32),
        signing_key=signing_key,
    )


async def _join_region(
    federation: DemoFederation, slug: str, channel: str, partners: Partners, stack: AsyncExitStack, *, seed: int
) -> RegionSystems:
    """Join a platform by its profile, as ``passerelle platform add`` does. Raises EntryError."""
    entry = await enter(slug, channel, federation.folder, stack)
    joined = join(entry.profile, partners.all())
    if not isinstance(joined, Joined):
        raise EntryError(f"{slug} cannot join: {joined}")
    native = channel == "Kafka"
    client = await _save(federation, replace(joined.partner, inbox=native, feed=native), partners, stack)
    return RegionSystems(
        name=next(one["name"] for one in schemas.reference("regions")["items"] if one["code"] == entry.profile.region),
        label=LABELS[channel],
        profile=entry.profile,
        arrivals=Arrivals(seed, entry.profile),
        client=client,
        channel=_channel_of(federation, channel, slug, entry, client),
        platform=entry.platform,
        topic=OfferCopy() if native else None,
    )


def _channel_of(federation: DemoFederation, channel: str, slug: str, entry: JoiningPlatform, client: Client) -> Channel:
    if entry.keep is not None:
        return Pulled(federation.log, slug, entry.keep, federation.reasons)
    match channel:
        case "PUT":
            return Puts(client, federation.reasons)
        case "batch":
            return Batches(client, federation.reasons)
        case "Kafka":
            topic = full_name(federation.settings.kafka_prefix, INBOX + slug)
            return Inbox(client, federation.reasons, servers=federation.settings.kafka or "", topic=topic)
    return SnapshotChannel(client, federation.reasons)


async def _join_others(federation: DemoFederation, partners: Partners, stack: AsyncExitStack) -> None:
    """Save the national site, the observer and the visitor."""
    await partners.save(presets()[NATIONAL])
    watching: frozenset[Scope] = frozenset({"offers:read", "operate"})
    for partner in (
        Partner(platform=OBSERVER, name="Observer", scopes=watching),
        Partner(
            platform=VISITOR,
            name="Visitor",
            scopes=watching | presets()[NATIONAL].scopes,
            hosts=("visitor.example.fr",),
            national_delivery="self",
        ),
    ):
        await _save(federation, partner, partners, stack)


async def _save(federation: DemoFederation, partner: Partner, partners: Partners, stack: AsyncExitStack) -> Client:
    """Save the partner with a secret; returns its client, with an HTTP session of its own."""
    minted = mint_secret(now=clock.now(), entropy=os.urandom)
    public = PublicAgreement(since=AGREED_ON, agreement="demo") if partner.platform in AGREEING else None
    await partners.save(replace(partner, secrets=(minted.kept,), public=public))
    session = await stack.enter_async_context(aiohttp.ClientSession())
    client = Client(session, federation.gateway.url, client_id=partner.platform, client_secret=minted.text)
    federation.credentials[partner.platform] = minted.text
    federation.clients[partner.platform] = client
    return client
