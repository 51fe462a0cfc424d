"""A release that does not exist yet, from its rolling deploy to the day after: publishers and subscribers work on while
replicas are replaced, rolled back before the day, and cross the midnight on which the release begins.

It has one optional field, one with another name, one value of a list that ends, and one rule that is an error from the
day on.
"""

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from demo.client import Client, ClientAnswer, ClientError
from gateway import clock
from gateway.oauth.keys import KeyRing
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.release import earliest_day
from gateway.settings import Settings
from schemas.evolution.process import Release
from schemas.registry import fast_validator
from tests.faults.process import GatewayProcess
from tests.harness import OFFER, until
from tests.rolling.test_release_on_a_day import OPERATOR, missing, onboard_all
from tests.rolling.test_rolling_deploy import PUBLISHER, SUBSCRIBER, is_clean
from tests.schemas.evolution.scratch import scratch_tree
from tests.schemas.evolution.waiting import FIELD, RELEASE, waiting_offer

pytestmark = pytest.mark.slow
OLD, NEW, VALUE = "seats", "places", "quatrieme"
RETIRED = f"value-retired:levels:{VALUE}"
KINDS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "field": {FIELD: True},
    "old-name": {OLD: 2},
    "new-name": {NEW: 3},
    "value": {"levels": [VALUE, "troisieme"]},
    "sign": {"title": "Décou\u00advrir un atelier"},
}
BEFORE, AFTER = {"plain", "old-name", "value", "sign"}, {"plain", "field", "old-name", "new-name"}
"""The kinds that are accepted before the day, and from it on. The old name has no end yet, since its day is not set."""
LEAD_MS = 6_000
"""The replicas' clocks are set so long before midnight: all of them cross it at work."""


def release_tree(folder: Path, day: date) -> str:
    """A checkout with the later release."""
    on, offer = day.isoformat(), waiting_offer()
    seats = offer["properties"][OLD]
    renamed = {OLD: {**seats, "x-ends": on}, NEW: {**seats, "x-replaces": OLD, "x-begins": RELEASE}}
    retired = {VALUE: {"successor": "troisieme", "error_from": on}}
    level = {**offer["$defs"]["level"], "x-retires": retired}
    body = {**offer, "properties": {**offer["properties"], **renamed}, "$defs": {**offer["$defs"], "level": level}}

    def described(reference: dict[str, Any]) -> dict[str, Any]:
        fields = reference["fields"]
        return {**reference, "fields": {**fields, NEW: fields[OLD], FIELD: fields[OLD]}}

    def tightened(catalogue: dict[str, Any]) -> dict[str, Any]:
        return {**catalogue, "text-invisible": {**catalogue["text-invisible"], "error_from": on}}

    return scratch_tree(folder, {"offer": body}, reference=described, catalogue__offer=tightened)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An offer that was sent, at one replica; instants are those of the replicas' clock."""

    kind: str
    replica: str
    sent_at: int
    answered_at: int
    status: int


@dataclass(slots=True)
class Fleet:
    """The replicas that take requests now, as a proxy knows them, and their partners at work."""

    texts: Mapping[str, str]
    clock: Path
    session: aiohttp.ClientSession
    serving: dict[str, GatewayProcess] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    clients: dict[tuple[str, str], Client] = field(default_factory=dict)
    calls: Callable[[], int] = itertools.count().__next__

    def now(self) -> int:
        """The replicas' time."""
        return clock.now() + int(self.clock.read_text())

    def set_clock(self, instant: int) -> None:
        """Set the clocks of all replicas at once."""
        with self.clock.open("r+") as file:
            file.write(f"{instant - clock.now():<20}")

    async def call(self, slug: str, method: str, path: str, **arguments: Any) -> tuple[str, int, ClientAnswer]:
        """A call at any replica, at another one where that does not answer: its name, the instant, the answer."""
        while True:
            names = sorted(self.serving)
            if not names:
                await asyncio.sleep(0.02)
                continue
            name = names[self.calls() % len(names)]
            url = self.serving[name].url
            client = self.clients.setdefault(
                (slug, url), Client(self.session, url, client_id=slug, client_secret=self.texts[slug], patience=2.0)
            )
            sent_at = self.now()
            try:
                return name, sent_at, await client.call(method, path, **arguments)
            except ClientError:
                continue

    async def publish(self, kinds: Sequence[str], ended: asyncio.Event) -> None:
        """Publish offers of these kinds in turn, and each that is accepted once more, until the event."""
        for number, kind in enumerate(itertools.cycle(kinds)):
            if ended.is_set():
                return
            offer_id = f"{PUBLISHER}:{kind}-{number}"
            for revision in (1, 2):
                body = orjson.dumps({**OFFER, "id": offer_id, "revision": revision, **KINDS[kind]})
                name, sent_at, answer = await self.call(
                    PUBLISHER, "PUT", f"/v1/offers/{offer_id}", body=body, headers={"Prefer": "wait=20"}
                )
                assert answer.status in {200, 201, 202, 422}, answer.explain()
                self.attempts.append(Attempt(kind, name, sent_at, self.now(), answer.status))
                if not answer.ok:
                    break
                self.acknowledged[offer_id] = revision
            await asyncio.sleep(0.05)

    async def progress(self, each: int = 2) -> None:
        """Wait until each serving replica has answered further offers of every kind."""
        start = len(self.attempts)

        def enough() -> bool:
            found = Counter((one.kind, one.replica) for one in self.attempts[start:])
            return all(found[kind, name] >= each for kind in KINDS for name in self.serving)

        await until(enough)

    def judge(self, midnight: int) -> None:
        """Every replica answered by the day alone; requests that were under way at midnight may have either answer."""
        wrong = [
            one
            for one in self.attempts
            if not one.sent_at < midnight <= one.answered_at
            and (one.status != 422) != (one.kind in (BEFORE if one.answered_at < midnight else AFTER))
        ]
        assert [] == wrong
        days = {(one.kind, one.answered_at < midnight) for one in self.attempts}
        assert {(kind, before) for kind in KINDS for before in (True, False)} == days


@dataclass(slots=True)
class Reader:
    """A subscriber that keeps a copy, and every page."""

    fleet: Fleet
    cursor: str | None = None
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    async def read(self) -> None:
        """Follow the feed, until cancelled."""
        while True:
            asked = {"territory": "all", **({"cursor": self.cursor} if self.cursor else {})}
            *_, answer = await self.fleet.call(SUBSCRIBER, "GET", "/v1/changes", params=asked)
            assert 200 == answer.status, answer.explain()
            for change in answer.body["changes"]:
                assert change["sequence"] > self.seen.get(change["id"], 0)
                self.seen[change["id"]] = change["sequence"]
                self.held[change["id"]] = change["offer"]
            if answer.body["changes"]:
                self.pages.append(answer.body)
            self.cursor = answer.body["cursor"]
            await asyncio.sleep(0.05)

    def has_all(self) -> bool:
        """Whether nothing that was acknowledged is lost."""
        held = {offer_id: offer["revision"] for offer_id, offer in self.held.items()}
        return all(held.get(offer_id, 0) >= revision for offer_id, revision in self.fleet.acknowledged.items())

    def judge(self, tree: str, day: date) -> None:
        """Every page is valid under the schema of either release, and has a renamed field under both names."""
        assert [True] * len(self.pages) == [fast_validator("changes-page").is_valid(one) for one in self.pages]
        with Release(tree) as later:
            assert {True} == {one.accepted for one in later.judge("changes-page", day.isoformat(), self.pages)}
        renamed = [offer for offer_id, offer in self.held.items() if "new-name" in offer_id]
        assert renamed
        assert [(3, 3)] * len(renamed) == [(offer[OLD], offer[NEW]) for offer in renamed]


@asynccontextmanager
async def at_work(fleet: Fleet, readers: Sequence[Reader]) -> AsyncIterator[asyncio.Event]:
    """Publishers and subscribers until the end of the block; the event ends the publishers. One that fails ends it."""
    ended, half = asyncio.Event(), len(KINDS) // 2
    async with asyncio.TaskGroup() as group:
        for kinds in ([*KINDS][:half], [*KINDS][half:]):
            group.create_task(fleet.publish(kinds, ended))
        followers = [group.create_task(one.read()) for one in readers]
        yield ended
        for one in followers:
            one.cancel()


@dataclass(slots=True, kw_only=True)
class Deploy:
    """The replicas of both versions on one log, by name."""

    fleet: Fleet
    day: date
    old: Mapping[str, GatewayProcess]
    new: Mapping[str, GatewayProcess]

    async def serve(self, gateway: GatewayProcess, name: str) -> None:
        """Have it take requests once it is ready."""
        await gateway.ready()
        self.fleet.serving[name] = gateway

    async def replace(self, name: str, gateway: GatewayProcess, *, serves: bool = True) -> None:
        """Put one replica in the place of another."""
        assert 0 == await self.fleet.serving.pop(name).stop()
        await gateway.start()
        if serves:
            await self.serve(gateway, name)

    async def set_day(self, name: str, **body: object) -> None:
        """An act of the operator on a release or an end; without a body the day."""
        asked = orjson.dumps(body if "cancel" in body else {"from": self.day.isoformat(), **body})
        *_, answer = await self.fleet.call(OPERATOR, "POST", f"/v1/releases/{name}/activation", body=asked)
        assert 200 == answer.status, answer.explain()

    async def roll_out(self) -> None:
        """Replace every replica while all work, and set the day."""
        for name in self.old:
            await self.old[name].start()
        for name in self.old:
            await self.serve(self.old[name], name)
        await self.fleet.progress()
        for name in self.new:
            await self.replace(name, self.new[name])
            await self.fleet.progress()
        await self.set_day(RELEASE)

    async def step_back(self) -> None:
        """Roll one replica back before the day: it is unready, until the day is taken back."""
        name, *others = self.old
        await self.replace(name, self.old[name], serves=False)
        await until(lambda: self._lacks_a_release(name))
        if others:
            await self.set_day(RELEASE, cancel=True)
            await self.serve(self.old[name], name)
            await self.fleet.progress()
            await self.replace(name, self.new[name])
            await self.set_day(RELEASE)
        else:
            assert 0 == await self.old[name].stop()
            await self.new[name].start()
            await self.serve(self.new[name], name)

    async def cross_midnight(self) -> None:
        """Set an end, and the clocks: a few seconds later the day begins."""
        await self.set_day(RETIRED, force=True, reason="Annoncée depuis un an")
        await self.fleet.progress()
        self.fleet.set_clock(paris_midnight(self.day) - LEAD_MS)
        await until(lambda: self.fleet.now() > paris_midnight(self.day))
        await self.fleet.progress()

    async def step_back_too_late(self) -> None:
        """The version before does not start any more."""
        name = next(iter(self.old))
        await self.replace(name, self.old[name], serves=False)
        assert 0 != await self.old[name].ended(seconds=60)
        assert f"Release {RELEASE} of the schema holds from {self.day} on" in self.old[name].last_words()
        await self.new[name].start()
        await self.serve(self.new[name], name)
        await self.fleet.progress()

    async def _lacks_a_release(self, name: str) -> bool:
        return ["releases"] == await missing(self.old[name])


async def play(folder: Path, names: Sequence[str], settings: Settings, environ: Mapping[str, str]) -> None:
    """The whole life of the release."""
    day = earliest_day(clock.now()) + timedelta(days=1)
    tree, ahead = release_tree(folder / "tree", day), folder / "ahead"
    ahead.write_text(f"{0:<20}")
    fleet = Fleet(await onboard_all(settings), ahead, aiohttp.ClientSession())
    folders = {name: settings.data if settings.kafka is None else folder / name for name in names}
    deploy = Deploy(
        fleet=fleet,
        day=day,
        old={name: GatewayProcess(name, of, environ, clock=ahead) for name, of in folders.items()},
        new={
            name: GatewayProcess(f"{name}-later", of, environ, root=Path(tree), clock=ahead)
            for name, of in folders.items()
        },
    )
    readers = [Reader(fleet), Reader(fleet)]
    try:
        async with fleet.session, at_work(fleet, readers) as ended:
            await deploy.roll_out()
            await deploy.step_back()
            await deploy.cross_midnight()
            await deploy.step_back_too_late()
            ended.set()
            await until(lambda: all(one.has_all() for one in readers))
    finally:
        for gateway in (*deploy.old.values(), *deploy.new.values()):
            await gateway.kill()
    fleet.judge(paris_midnight(day))
    for reader in readers:
        reader.judge(tree, day)
    await is_clean(settings)


async def test_a_release_begins_at_work_on_an_embedded_log(tmp_path: Path) -> None:
    """EVO-001, EVO-004, EVO-006, OFR-049 to OFR-052: nothing is lost, and the way back is open until the day only."""
    await play(tmp_path, ["one"], Settings(data=tmp_path / "data"), {})


@pytest.mark.kafka
async def test_a_release_begins_at_work_on_three_replicas(tmp_path: Path, kafka_servers: str) -> None:
    """EVO-001, EVO-004, EVO-006, OFR-049 to OFR-052: no replica refuses what another one accepts."""
    prefix, secret = f"across-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    settings = replace(Settings(data=tmp_path / "tool"), kafka=kafka_servers, kafka_prefix=prefix, secret=secret)
    KeyRing.open(tmp_path / "signing.pem")
    environ = replace(settings, signing_key=tmp_path / "signing.pem").to_environ()
    shared = {name: text for name, text in environ.items() if not name.endswith(("_PORT", "_DATA"))}
    await play(tmp_path, ["one", "two", "three"], settings, shared)
