"""One platform of the federation: its channel, its profile, and its copy of the offers of its territory."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemas
from adapters.profile.profile import profiles
from adapters.pull.pulls import order_run
from demo.client import Client
from demo.region_site.feed import example_profile, write_feed
from demo.region_site.simulator import RegionalPlatform
from gateway import clock
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.protocol.source_run import NATIVE, RunOrder, SourceRun
from gateway.protocol.topic import INBOX, full_name
from gateway.settings import Settings
from tests.interconnection.channels import Batches, Channel, Inbox, Pulled, Puts, Snapshots, drop
from tests.interconnection.offers import UNCOVERED, Offer
from tests.interconnection.taking_part import join_platform, native_profile, profile_of
from tests.transport.sftp_server import sftp_server

WITHIN = 60.0
"""Deadline of a wait, in seconds."""
NEIGHBOURS: Mapping[str, str] = {"Hauts-de-France": "normandie", "Centre-Val de Loire": "pays-de-la-loire"}
"""The platform that asks for the departments of a Region without one."""


@dataclass(slots=True, kw_only=True)
class Region:
    """``offers`` are those that it publishes, by ``channel``; ``platform`` serves its feed and holds the offers that it
    reads. ``order`` orders a run of its feed, where there is one.
    """

    slug: str
    channel_name: str
    channel: Channel
    platform: RegionalPlatform
    order: Callable[[], Awaitable[SourceRun]]
    secret: str = field(repr=False)
    offers: dict[str, Offer] = field(default_factory=dict)
    client: Client | None = None

    async def publish(self) -> None:
        """Publish its current offers."""
        assert self.client is not None
        await self.channel.publish(self.client, list(self.offers.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFactory:
    """Creates regions, with all that their channels need. Everything opened for them closes with ``stack``."""

    folder: Path
    settings: Settings
    log: EventLog
    partners: Partners
    stack: AsyncExitStack

    async def region(self, slug: str, channel_name: str) -> Region:
        """A platform that takes part by its profile. ``channel_name`` is one of those of ``demo.entry``."""
        kind, _, form = channel_name.partition(" ")
        platform = RegionalPlatform(slug, lambda offers: write_feed(form, offers))

        async def order() -> SourceRun:
            asked = RunOrder(platform=slug, id=secrets.token_hex(4), ordered_at=clock.now())
            run = await order_run(self.log, asked, seconds=WITHIN)
            assert run is not None, f"no gateway has run the feed of {slug}"
            return run

        transport: dict[str, Any] = {"kind": NATIVE}
        channel: Channel
        match kind:
            case "PUT":
                channel = Puts()
            case "batch":
                channel = Batches()
            case "snapshot":
                channel = Snapshots()
            case "Kafka":
                settings = self.settings
                channel = Inbox(settings.kafka or "", full_name(settings.kafka_prefix, INBOX + slug))
            case "folder":
                channel = Pulled(drop(self.folder / "feeds" / slug, form), order)
                transport = {"kind": "folder", "folder": slug, "pattern": f"*.{form}"}
            case "sftp":
                channel = Pulled(drop(self.folder / "sftp" / slug, form), order)
                transport = await self._sftp(slug, form)
            case _:
                channel = Pulled(_feed_writer(platform), order)
                url = await self.stack.enter_async_context(platform.serving())
                transport = {"kind": "https", "url": url, "most_megabytes": 1}
        profile = profile_of(_document(slug, form, transport))
        secret = await join_platform(self.partners, profile, inbox=kind == "Kafka")
        return Region(
            slug=slug, channel_name=channel_name, channel=channel, platform=platform, order=order, secret=secret
        )

    async def _sftp(self, slug: str, form: str) -> dict[str, Any]:
        server = await self.stack.enter_async_context(sftp_server(self.folder / "sftp"))
        (self.folder / "secrets" / slug).write_text(server.secret + "\n")
        return {
            "kind": "sftp",
            "host": server.host,
            "port": server.port,
            "host_key": server.host_key,
            "credential": {"kind": "key", "user": "region", "secret": {"file": slug}},
            "folder": f"/{slug}",
            "pattern": f"*.{form}",
        }


def _feed_writer(platform: RegionalPlatform) -> Callable[[Sequence[Offer]], None]:
    def keep(offers: Sequence[Offer]) -> None:
        platform.offers = {one["id"]: one for one in offers}

    return keep


def _document(slug: str, form: str, transport: Mapping[str, Any]) -> dict[str, Any]:
    """The profile of a platform that also asks for its neighbours without one."""
    known = profiles()[slug]
    native = transport["kind"] == NATIVE
    document = native_profile(slug).document if native else example_profile(slug, form, transport)
    asked = [UNCOVERED[name].region for name, neighbour in NEIGHBOURS.items() if neighbour == slug]
    departments = [one["code"] for one in schemas.reference("departments")["items"] if one["region"] in asked]
    return {**document, "territory": sorted({*known.territory, *departments}), "national_delivery": "gateway"}
