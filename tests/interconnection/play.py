"""The run behind the matrix: nine platforms publish, change and withdraw, and read each other's offers.

Three gateways, one after another on one log: the first takes everything in, the second one the changes, the third one
the withdrawals. So every requirement also holds across a restart.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.profile.profile import profiles
from gateway.operate.national import read_delivery_status
from gateway.partners.onboarding import presets
from gateway.protocol.identity import NATIONAL
from tests.interconnection.federation import SEARCHER, Federation, federation, settled
from tests.interconnection.loop import after, find_loops
from tests.interconnection.matrix import Line, Matrix, Uncovered
from tests.interconnection.offers import TOWNS, UNCOVERED, Offer, differences, made_there, offer
from tests.interconnection.region import NEIGHBOURS, WITHIN, Region

CHANGED = "Découverte d'une scierie"


async def play(folder: Path, *, kafka: str | None = None) -> Matrix:
    """Play it on the embedded log, or on Kafka at this address."""
    async with federation(folder, kafka=kafka) as deployment:
        matrix = Matrix(
            log="embedded" if kafka is None else "Kafka",
            lines={slug: Line(slug, region.channel_name) for slug, region in deployment.regions.items()},
            uncovered={name: Uncovered(name, neighbour) for name, neighbour in NEIGHBOURS.items()},
        )
        made = {slug: _make(deployment, town.city, "stays") for slug, town in TOWNS.items()}
        staying = {name: _make(deployment, town.city, "stays") for name, town in UNCOVERED.items()}
        leaving = {name: _make(deployment, town.city, "leaves") for name, town in UNCOVERED.items()}
        for slug, region in deployment.regions.items():
            region.offers = _first_offers(slug)
        async with deployment.gateway():
            await asyncio.gather(
                *(_publish(deployment, region, matrix.lines[region.slug]) for region in deployment.regions.values()),
                *(_receive(deployment, line, made[line.slug]) for line in matrix.lines.values()),
                *(_hear(deployment, one, staying[one.name], leaving[one.name]) for one in matrix.uncovered.values()),
            )
        for number in leaving.values():
            deployment.site.hide(deployment.site.stock.rows[number - 1])
        before = await _scanned_at(deployment)
        async with deployment.gateway():
            await asyncio.gather(
                *(_update(deployment, region, matrix.lines[region.slug]) for region in deployment.regions.values()),
                _until_scanned(deployment, before),
            )
        async with deployment.gateway() as operator:
            # First these: a scan counts only while nothing comes or goes at the national site.
            await asyncio.gather(*(_forget(deployment, one, leaving[one.name]) for one in matrix.uncovered.values()))
            await asyncio.gather(
                *(_withdraw(deployment, region, matrix.lines[region.slug]) for region in deployment.regions.values())
            )
            await settled(operator)
            matrix.loops = await find_loops(deployment, operator, [*made.values(), *staying.values()])
            matrix.echoes = (await read_delivery_status(deployment.log)).notes[SEARCHER]["search"].get("echo", 0)
            matrix.platforms = (await operator.call("GET", "/v1/platforms")).body["platforms"]
            matrix.status = await deployment.command("status", "--json")
            matrix.printed = await deployment.command("status", "--lang", "en")
    return matrix


def _make(deployment: Federation, city: str, name: str) -> int:
    """An offer that an employer makes at the national site in a town; its number there."""
    town = next(town for town in (*TOWNS.values(), *UNCOVERED.values()) if town.city == city)
    return deployment.site.publish_on_site(**made_there(town, name)).id


def _first_offers(slug: str) -> dict[str, Offer]:
    """One that stays, one that will change and go, one that has passed at the next platform, and one at the national
    site: these two lie in the next platform's territory, and apply at an address of where they have been.
    """
    near = after(slug)
    host, town = _host(slug), TOWNS[slug]
    offers = [
        offer(slug, "stays", town=town, host=host),
        offer(slug, "goes", town=town, host=host),
        offer(slug, "passed", town=TOWNS[near], host=_host(near)),
        offer(slug, "echo", town=TOWNS[near], host=presets()[NATIONAL].hosts[0]),
    ]
    return {one["id"]: one for one in offers}


def _host(slug: str) -> str:
    return profiles()[slug].hosts[0]


async def _publish(deployment: Federation, region: Region, line: Line) -> None:
    """Publish everything; it counts as published when the national site has the expected offers."""
    wanted = [one for offer_id, one in region.offers.items() if not offer_id.endswith(":echo")]
    line.published = await _timed(region.publish, lambda: all(_stands(deployment, one) for one in wanted))
    for one in wanted:
        row = deployment.row(one["id"])
        line.differences += ["missing"] if row is None else differences(row, one)


async def _update(deployment: Federation, region: Region, line: Line) -> None:
    changed = region.offers[f"{region.slug}:goes"]
    region.offers[changed["id"]] = {**changed, "title": CHANGED}
    line.updated = await _timed(region.publish, lambda: _stands(deployment, region.offers[changed["id"]]))


async def _withdraw(deployment: Federation, region: Region, line: Line) -> None:
    gone = region.offers.pop(f"{region.slug}:goes")["id"]

    def is_gone() -> bool:
        row = deployment.row(gone)
        return row is not None and not row.kept

    line.withdrawn = await _timed(region.publish, is_gone)


async def _receive(deployment: Federation, line: Line, number: int) -> None:
    held = deployment.regions[line.slug].platform.held
    line.received = await _timed(_nothing, lambda: f"national:{number}" in held)


async def _hear(deployment: Federation, one: Uncovered, *numbers: int) -> None:
    held = deployment.regions[one.neighbour].platform.held
    one.received = await _timed(_nothing, lambda: all(f"national:{number}" in held for number in numbers))


async def _forget(deployment: Federation, one: Uncovered, number: int) -> None:
    held = deployment.regions[one.neighbour].platform.held
    one.withdrawn = await _timed(_nothing, lambda: f"national:{number}" not in held)


def _stands(deployment: Federation, wanted: Offer) -> bool:
    """Whether the offer is at the national site, with this title."""
    row = deployment.row(wanted["id"])
    return row is not None and row.kept and row.title == wanted["title"]


async def _nothing() -> None:
    """It arrives without any action."""


async def _timed(begin: Callable[[], Any], condition: Callable[[], bool]) -> float | None:
    """Seconds until the condition held; None on timeout."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await begin()
    while not condition():
        if loop.time() - began > WITHIN:
            return None
        await asyncio.sleep(0.02)
    return loop.time() - began


async def _scanned_at(deployment: Federation) -> str | None:
    note = (await read_delivery_status(deployment.log)).notes.get(SEARCHER, {})
    scanned: str | None = note.get("search", {}).get("scanned_at")
    return scanned


async def _until_scanned(deployment: Federation, before: str | None) -> None:
    """Wait until the gateway has recorded another scan of the national site."""
    async with asyncio.timeout(WITHIN):
        while await _scanned_at(deployment) in {None, before}:
            await asyncio.sleep(0.2)
