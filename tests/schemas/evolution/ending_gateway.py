"""A gateway whose schema announces the end of a field: before and after that day, and after the operator has set one,
by each way in. A program of its own: ``schemas`` is the scratch copy of the working folder. It writes into a file what
was answered.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from gateway.bootstrap.log import log_path
from gateway.clock import now
from gateway.federation.moment import Moments
from gateway.log.sqlite import SqliteLog
from gateway.notices.notice import Ledger
from gateway.operate.decision_counts import CountedPartition
from gateway.protocol.paris_time import paris_date, paris_midnight
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.statistics import ELSEWHERE, Cell, CountedVerdict, CountRecord, count_record
from gateway.protocol.topic import RECEIPTS, STATISTICS
from gateway.settings import Settings
from gateway.store.view import View
from tests.api.write import gateway_harness
from tests.api.write.gateway_harness import GatewayHarness, offer
from tests.cli.inside import Inside
from tests.federation import office
from tests.federation.office import OTHER, WAYS, Act, Office
from tests.harness import SECRET, running, until
from tests.notices.test_events import CONTACT
from tests.schemas.evolution.test_ending import CODE, DAY
from tests.schemas.evolution.waiting import RELEASE

WEBSITE = "https://port.example"
END = Act(name="activate", about=CODE, day="2099-09-01", reason=None)
COMMAND = ("schema", "activate", CODE, "--from", END.day, "--by", "Nom d’essai")
FORCED = replace(END, force=True)


async def held(folder: Path) -> dict[str, Any]:
    """Status and severity of an offer with the field: on the announced day, and on the day of the act."""
    found: dict[str, Any] = {}
    async with gateway_harness.opened(folder) as gateway:
        clock, announced = gateway.clock, date.fromisoformat(DAY)
        clock.now = paris_midnight(announced - timedelta(days=30))
        await _sent(gateway, 4)
        await gateway.settled()
        found["noticed before"] = await _noticed(gateway, folder)
        await gateway.ask("DELETE", "/v1/offers/bretagne:4?revision=2", headers={"Prefer": "wait=10"})
        clock.now = paris_midnight(announced)
        found["announced"] = await _sent(gateway, 1)
        found["counted"] = await _counts(gateway)
        first = announced + timedelta(days=2)
        found["unforced"] = (await _end(gateway, first)).code
        clock.now = paris_midnight(announced + timedelta(days=29))
        found["29 days later"] = (await _end(gateway, first + timedelta(days=30))).code
        clock.now = paris_midnight(announced + timedelta(days=30))
        found["live"] = (await _end(gateway, first + timedelta(days=30))).code
        await gateway.ask("DELETE", "/v1/offers/bretagne:1?revision=2", headers={"Prefer": "wait=10"})
        await gateway.settled()
        found["30 days later"] = (await _end(gateway, first + timedelta(days=30))).body
        await _sent(gateway, 3)
        await gateway.settled()
        found["noticed"] = await _noticed(gateway, folder)
        impact = (await gateway.ask("GET", "/v1/impact")).body
        found["impact"] = [one["error_from"] for one in impact["warned"] if one["rule"] == CODE]
        clock.now = paris_midnight(first + timedelta(days=30))
        found["ended"] = await _sent(gateway, 2)
        discovery = await gateway.ask("GET", "/.well-known/passerelle")
        found["discovery"] = discovery.body["activations"]
    return found


async def _noticed(gateway: GatewayHarness, folder: Path) -> list[tuple[str, int | None]]:
    """Day and number of the notices to a contact of the platform."""
    moments = Moments(gateway.context.federation, folder)
    await until(lambda: gateway.context.federation.caught_up)
    events = await moments.events({CONTACT.id: replace(CONTACT, platform="bretagne")}, Ledger())
    return [(one.about, one.number) for one in events if one.kind == "dated"]


async def _end(gateway: GatewayHarness, day: date) -> Any:
    return await gateway.ask("POST", f"/v1/releases/{CODE}/activation", json={"from": day.isoformat()})


async def _sent(gateway: GatewayHarness, number: int) -> list[Any]:
    document = {**offer(number), "weeks": ["2028-W10"], "employer": {"name": "Atelier", "website": WEBSITE}}
    answer = await gateway.put(document, headers={"Prefer": "wait=10"})
    return [answer.status, *(one["severity"] for one in answer.body["problems"] if one["code"] == CODE)]


async def _counts(gateway: GatewayHarness) -> dict[str, int]:
    """The counts of today by rule, once every receipt is counted."""
    log, view = gateway.log, gateway.context.federation.statistics
    seal = refused_offer_seal(gateway_harness.SECRET)
    partitions = [CountedPartition(log, one, seal=seal, every=0.01).run() for one in range(log.partitions)]
    async with running(*partitions):
        await until(lambda: _has_counts(gateway))
    await _displayed(view, await log.ends(STATISTICS))
    found = await view.counts(gateway.clock.today, gateway.clock.today, by=("verdict", "rule"))
    return {f"{one.verdict} {one.rule}": one.number for one in found}


async def _has_counts(gateway: GatewayHarness) -> bool:
    return bool(await gateway.records(RECEIPTS)) and bool(await gateway.records(STATISTICS))


async def _displayed(view: View, ends: Any) -> None:
    assert await view.reached(ends, 10)


async def acted(folder: Path, way: str) -> dict[str, Any]:
    """The answers of one way in, and what the last act did: beside a platform that has sent the field, and alone."""
    act, found = WAYS[way], dict[str, Any]()
    async with office.opened(folder / way) as desk:
        await _count(desk, "rejected")
        found["alone"] = (await act(desk, END)).partition(" ")[0]
        await _take_back(desk)
        await _count(desk, "accepted")
        before = await desk.effect()
        for name, one in (("in use", END), ("without a reason", FORCED)):
            answer = await act(desk, one)
            found[name] = [answer.partition(" ")[0], OTHER in answer]
        assert before == await desk.effect()
        found["early"] = (await act(desk, replace(END, day="2027-08-31"))).partition(" ")[0]
        found["forced"] = (await act(desk, replace(FORCED, reason="Annoncée depuis un an"))).partition(" ")[0]
        await desk.desk.settled()
        after = await desk.effect()
        found["effect"] = {name: after[name][len(before[name]) :] for name in ("journal", "activations")}
    return found


async def _count(desk: Office, verdict: CountedVerdict) -> None:
    """Documents of the other platform with the field."""
    cell, federation = Cell(paris_date(now()), OTHER, verdict, CODE, ELSEWHERE), desk.desk.federation
    await federation.log.append(STATISTICS, 0, [count_record(CountRecord(verdict, 1, {cell: 3}))])
    await _displayed(federation.statistics, await federation.log.ends(STATISTICS))


async def behind(folder: Path) -> str:
    """The answer of the command where no gateway runs, and the views lack the newest record of the log."""
    settings = Settings(data=folder / "data")
    log = await SqliteLog.open(log_path(settings), partitions=settings.partitions)
    await log.append(STATISTICS, 0, [count_record(CountRecord("later", 1, {}))])
    await log.close()
    ended = await asyncio.to_thread(Inside(folder, PASSERELLE_SECRET=SECRET.decode()), *COMMAND)
    return f"{ended.code} {ended.errors}"


async def pages(folder: Path) -> list[str]:
    """The page of a platform, before and after an end and a release have their days."""
    async with office.opened(folder) as desk:
        found = [await _page(desk)]
        for act in (END, replace(END, about=RELEASE, day="2099-09-02")):
            assert (await Office.api(desk, act)).startswith("200")
        return [*found, await _page(desk)]


async def _page(desk: Office) -> str:
    answer = await desk.desk.site.client.get("/plateforme/evolutions")
    return unescape(await answer.text())


async def _take_back(desk: Office) -> None:
    assert (await Office.api(desk, replace(END, name="cancel"))).startswith("200")
    await desk.desk.settled()


async def play(folder: Path) -> dict[str, Any]:
    """Everything that is answered."""
    return {
        "held": await held(folder / "held"),
        "ways": {way: await acted(folder, way) for way in WAYS},
        "behind": await behind(folder / "command"),
        "pages": await pages(folder / "pages"),
    }


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        Path(sys.argv[1]).write_bytes(orjson.dumps(asyncio.run(play(Path(name))), default=bytes.decode))
