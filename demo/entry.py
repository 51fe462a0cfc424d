"""Entries: profile, simulator and transport of each platform of the demo."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemas
from adapters.profile.profile import Profile, profiles, read_profile
from demo.balance import Document
from demo.channel import StoreFeed
from demo.region_site.feed import example_profile, write_feed
from demo.region_site.simulator import USER, RegionalPlatform, serving_sftp
from demo.site import NEIGHBOURS, UNCOVERED

CHANNELS: Mapping[str, str] = {
    "auvergne-rhone-alpes": "https cleverconnect",
    "bourgogne-franche-comte": "PUT",
    "bretagne": "https json",
    "grand-est": "batch",
    "ile-de-france": "snapshot",
    "normandie": "https csv",
    "nouvelle-aquitaine": "https jobposting",
    "occitanie": "folder xml",
    "pays-de-la-loire": "sftp csv",
}
KAFKA_CHANNELS: Mapping[str, str] = {**CHANNELS, "grand-est": "Kafka"}
LABELS: Mapping[str, str] = {
    "https cleverconnect": "pull, CleverConnect XML",
    "https json": "pull, JSON",
    "https csv": "pull, CSV",
    "https jobposting": "pull, JSON-LD",
    "folder xml": "folder, XML",
    "sftp csv": "SFTP, CSV",
    "PUT": "push, one by one",
    "batch": "push, batches",
    "snapshot": "push, whole set",
    "Kafka": "Kafka topics",
}


class EntryError(Exception):
    """A platform cannot join; the message holds its name and the reason."""


@dataclass(frozen=True, slots=True)
class JoiningPlatform:
    """A platform before it joins: its simulator, its profile, and the function that stores its feed, or None."""

    platform: RegionalPlatform
    profile: Profile
    keep: StoreFeed | None


async def enter(slug: str, channel: str, folder: Path, stack: AsyncExitStack) -> JoiningPlatform:
    """Open a platform with the servers, folders and keys of its transport, closed with the stack. Raises EntryError."""
    kind, _, form = channel.partition(" ")
    platform = RegionalPlatform(slug, lambda offers: write_feed(form, offers))
    transport: dict[str, Any] = {"kind": "native"}
    keep: StoreFeed | None = None
    match kind:
        case "folder":
            keep = _writing_feed(folder / "feeds" / slug, form)
            transport = {"kind": "folder", "folder": slug, "pattern": f"*.{form}"}
        case "sftp":
            keep = _writing_feed(folder / "sftp" / slug, form)
            transport = await _sftp_transport(folder, slug, form, stack)
        case "https":
            keep = _serving_feed(platform)
            transport = {"kind": "https", "url": await stack.enter_async_context(platform.serving())}
    return JoiningPlatform(platform, profile_of(slug, form, transport), keep)


def departments_of(region: str | None) -> frozenset[str]:
    """The departments of a Region (INSEE codes)."""
    return frozenset(one["code"] for one in schemas.reference("departments")["items"] if one["region"] == region)


def profile_of(slug: str, form: str, transport: Mapping[str, Any]) -> Profile:
    """The packaged profile, extended by the departments of neighbouring Regions without a platform and by delivery
    through the gateway. Raises EntryError.
    """
    known = profiles()[slug]
    if transport["kind"] == "native":
        document = {name: value for name, value in known.document.items() if name not in {"format", "mapping"}}
        document["transport"] = transport
    else:
        document = example_profile(slug, form, transport)
    uncovered = [departments_of(UNCOVERED[name]) for name, slugs in NEIGHBOURS.items() if slug in slugs]
    document = {**document, "territory": sorted(known.territory.union(*uncovered)), "national_delivery": "gateway"}
    profile = read_profile(document, loopback=True)
    if not isinstance(profile, Profile):
        raise EntryError(f"{slug} has no profile: {profile}")
    return profile


async def _sftp_transport(folder: Path, slug: str, form: str, stack: AsyncExitStack) -> dict[str, Any]:
    server = await stack.enter_async_context(serving_sftp(folder / "sftp"))
    secret = folder / "secrets" / slug
    secret.touch(0o600)
    secret.write_text(server.key)
    return {
        "kind": "sftp",
        "host": "127.0.0.1",
        "port": server.port,
        "host_key": server.host_key,
        "credential": {"kind": "key", "user": USER, "secret": {"file": slug}},
        "folder": f"/{slug}",
        "pattern": f"*.{form}",
    }


def _serving_feed(platform: RegionalPlatform) -> StoreFeed:
    async def keep(documents: Sequence[Document]) -> None:
        platform.offers = {one["id"]: one for one in documents}

    return keep


def _writing_feed(folder: Path, form: str) -> StoreFeed:
    """Writes a feed to a folder atomically."""
    folder.mkdir(parents=True)

    def write(documents: Sequence[Document]) -> None:
        written = folder / "export.tmp"
        written.write_bytes(write_feed(form, documents))
        written.replace(folder / f"stages.{form}")

    async def keep(documents: Sequence[Document]) -> None:
        await asyncio.to_thread(write, documents)

    return keep
