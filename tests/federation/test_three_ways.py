"""An act of an operator is one act, whatever the way in: over the API, on a page, by a command beside the gateway."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.api.decision import MAX_WAIT
from gateway.bootstrap.log import log_path
from gateway.bootstrap.pages import add_site, page_ports
from gateway.clock import now
from gateway.log.sqlite import SqliteLog
from gateway.operate.desk import MAX_CONFIRMED
from gateway.operate.moderation import DECISION_SECONDS
from gateway.pages.site import PagePorts, PageSite, all_pages
from gateway.partners.credential import MAX_OVERLAP_HOURS, mint_secret
from gateway.partners.revocation import newest_credential
from gateway.protocol.journal import MAX_CHARACTERS
from gateway.protocol.source_run import Pause, RunOrder, read_run
from gateway.protocol.topic import PARTNERS, RECEIPTS, RUNS, SUBMISSIONS
from gateway.settings import Settings
from tests.api.write.gateway_harness import offer
from tests.cli.conftest import Ended
from tests.cli.inside import Inside
from tests.harness import ALL, RELAY, SECRET, URL, built, records_of
from tests.pages.desk import Desk, desk_of, publish
from tests.pages.feeds import FAILING
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = [pytest.mark.slow, pytest.mark.smoke]

OFFER = f"{SIGNED.platform}:1"
OTHER = "bretagne"
"""A platform without a feed."""
_VARIABLE = frozenset({"at", "sequence", "receipt"})
"""Members of a record that the clock decides."""
REASON = "L’adresse n’est pas celle d’un employeur"
HEADERS = {"Authorization": f"Bearer {OPERATOR.platform}"}


@dataclass(frozen=True, kw_only=True)
class Act:
    """An act on an offer, on the feed of a platform, or on its access. ``number``: of withdrawals that a run may make,
    of hours for which a former secret stays valid.
    """

    name: str
    about: str
    reason: str | None = REASON
    number: int | None = None


class Office:
    """A gateway on an embedded log, and the three ways to act in it. Each returns what it answers."""

    def __init__(self, desk: Desk, command: Inside, seconds: int) -> None:
        self.desk = desk
        self.seconds = seconds
        self._command = command

    async def api(self, act: Act) -> str:
        """Over the API."""
        body: dict[str, Any] = {"reason": act.reason}
        match act.name:
            case "moderate" | "lift":
                path = f"/v1/offers/{act.about}/moderation"
                body |= {"action": act.name}
            case "rotate":
                path = f"/v1/partners/{act.about}/secrets"
                body |= {"replaces": self.known(act.about), "overlap_hours": act.number}
            case "revoke":
                path = f"/v1/partners/{act.about}/revocation"
            case _:
                path = f"/v1/platforms/{act.about}/feed"
                body |= {"action": act.name, "confirm": act.number}
        answer = await self.desk.site.client.post(
            path,
            data=orjson.dumps({name: value for name, value in body.items() if value is not None}),
            headers={**HEADERS, "Content-Type": "application/json", "Prefer": f"wait={self.seconds}"},
        )
        return f"{answer.status} {await answer.text()}"

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
            case _:
                path, fields = "", {"act": act.name, "platform": act.about, "confirm": number, "reason": reason}
        answer = await self.desk.send(f"/exploitation{path}", fields)
        return f"{answer.status} {unescape(await answer.text())}"

    async def command(self, act: Act) -> str:
        """By a command on the machine of the gateway."""
        named: Mapping[str, Sequence[object]] = {
            "moderate": ["moderate", act.about, "--wait", self.seconds],
            "lift": ["moderate", "--lift", act.about, "--wait", self.seconds],
            "run": ["platform", "run", act.about, "--wait", 1],
            "rotate": ["partner", "rotate", act.about],
            "revoke": ["partner", "revoke", act.about],
        }
        words = [*named.get(act.name, (act.name, act.about))]
        words += ["--by", "Nom d’essai", *(["--reason", act.reason] if act.reason else [])]
        words += [] if act.number is None else ["--overlap" if act.name == "rotate" else "--confirm", act.number]
        ended: Ended = await asyncio.to_thread(self._command, *words)
        return f"{ended.code} {ended.output}{ended.errors}"

    def known(self, platform: str) -> str:
        """The name of the newest secret of a platform."""
        partner = self.desk.federation.partners.get(platform)
        return "" if partner is None else newest_credential(partner, now=now()) or ""

    async def effect(self) -> Mapping[str, Sequence[Any]]:
        """What is on the log, without times and what a way in says of the one who acts."""
        log = self.desk.federation.log
        runs = [read_run(record.key, record.value) for record in await records_of(log, RUNS)]
        return {
            "journal": [(one.act, one.about, one.details, one.why, one.failed) for one in await self.desk.entries()],
            "submissions": [_content(record.value) for record in await records_of(log, SUBMISSIONS)],
            "receipts": [_content(record.value) for record in await records_of(log, RECEIPTS)],
            "pauses": [(one.platform, one.paused) for one in runs if isinstance(one, Pause)],
            "partners": [_access(record.value) for record in await records_of(log, PARTNERS)],
            "orders": [(one.platform, one.confirm) for one in runs if isinstance(one, RunOrder)],
        }


def _access(value: bytes | None) -> tuple[Any, ...]:
    """Who has access, and with how many secrets."""
    document = orjson.loads(value or b"{}")
    return document.get("platform"), document.get("revoked"), len(document.get("secrets", ()))


def _content(value: bytes | None) -> Mapping[str, Any]:
    return {name: one for name, one in orjson.loads(value or b"{}").items() if name not in _VARIABLE}


@asynccontextmanager
async def opened(folder: Path, *, seconds: int = 10) -> AsyncIterator[Office]:
    """A gateway with an offer, a platform with a feed and one without."""
    settings = Settings(data=folder / "data")
    async with AsyncExitStack() as stack:
        settings.data.mkdir(parents=True)
        log = await SqliteLog.open(log_path(settings), partitions=settings.partitions)
        stack.push_async_callback(log.close)
        partners = [
            SIGNED,
            OPERATOR,
            replace(SIGNED, platform=OTHER, secrets=(mint_secret(now=now(), entropy=os.urandom).kept,)),
        ]
        harness = await stack.enter_async_context(built(settings.data, log=log, clock=now, partners=partners))
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
        await desk.settled()
        yield Office(desk, Inside(folder, PASSERELLE_SECRET=SECRET.decode()), seconds)


Way = Callable[[Office, Act], Coroutine[Any, Any, str]]
WAYS: Mapping[str, Way] = {"api": Office.api, "page": Office.page, "command": Office.command}

MODERATE = Act(name="moderate", about=OFFER)
LIFT = replace(MODERATE, name="lift")
PAUSE = Act(name="pause", about=FAILING)
RESUME = replace(PAUSE, name="resume")
RUN = replace(PAUSE, name="run")
ROTATE = Act(name="rotate", about=OTHER, number=MAX_OVERLAP_HOURS)
REVOKE = Act(name="revoke", about=OTHER)
Effect = Mapping[str, Sequence[Any]]


async def played(folder: Path, act: Act, *before: Act) -> tuple[Mapping[str, str], Sequence[Effect]]:
    """An act by each way in, after others over the API, each time in another gateway: the answers, and what it did."""
    said: dict[str, str] = {}
    effects: list[Effect] = []
    for name, way in WAYS.items():
        async with opened(folder / name) as office:
            for one in before:
                assert (await office.api(one)).startswith("2")
                await office.desk.settled()
            started = await office.effect()
            said[name] = await way(office, act)
            await office.desk.settled()
            ended = await office.effect()
            effects.append({topic: ended[topic][len(started[topic]) :] for topic in ended})
    return said, effects


@pytest.mark.parametrize(
    ("act", "before"),
    [
        (MODERATE, ()),
        (LIFT, (MODERATE,)),
        (PAUSE, ()),
        (RESUME, (PAUSE,)),
        (RUN, ()),
        (replace(RUN, number=MAX_CONFIRMED), ()),
        (replace(MODERATE, reason="Écrire à personne@example.org,\n06 12 34 56 78"), ()),
        (replace(PAUSE, reason="x" * MAX_CHARACTERS), ()),
        (ROTATE, ()),
        (replace(ROTATE, number=0), (ROTATE,)),
        (REVOKE, ()),
    ],
    ids=lambda one: one.name if isinstance(one, Act) else None,
)
async def test_an_act_does_the_same_by_each_way_in(tmp_path: Path, act: Act, before: Sequence[Act]) -> None:
    """Entry, command, decision and order alike."""
    said, [first, *others] = await played(tmp_path, act, *before)
    assert 1 == len(first["journal"]), said
    assert [first] * 2 == others, said


@pytest.mark.parametrize(
    ("act", "before", "says"),
    [
        (MODERATE, (MODERATE,), ("409 already-moderated", "409 déjà retirée", "2 already moderated")),
        (LIFT, (), ("409 not-moderated", "409 n’est pas retirée", "2 not moderated")),
        (replace(MODERATE, about=f"{OTHER}:9"), (), ("404 offer-unknown", "404 ", "2 no such offer")),
        (RUN, (PAUSE,), ("409 feed-paused", "409 Reprenez-le d’abord", "2 en pause")),
        (PAUSE, (PAUSE,), ('200 "changed":false', "409 déjà suspendu", "0 is paused already")),
        (RESUME, (), ('200 "changed":false', "409 n’est pas suspendu", "0 is not paused")),
        (replace(PAUSE, about=OTHER), (), ("404 not-found", "404 ", "2 has no feed to pull")),
        (replace(RUN, about="personne"), (), ("404 not-found", "404 ", "2 personne")),
        (replace(MODERATE, reason="x" * (MAX_CHARACTERS + 1)), (), ("400 body-malformed", "422 ", "2 at most 1000")),
        (replace(PAUSE, reason="x" * (MAX_CHARACTERS + 1)), (), ("400 body-malformed", "422 ", "2 at most 1000")),
        (replace(RUN, number=MAX_CONFIRMED + 1), (), ("400 body-malformed", "400 ", "2 --confirm")),
        (replace(ROTATE, number=MAX_OVERLAP_HOURS + 1), (), ("400 body-malformed", "422 ", "2 --overlap")),
        (ROTATE, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (REVOKE, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (replace(REVOKE, about="personne"), (), ("404 not-found", "404 ", "2 is not a partner")),
    ],
    ids=lambda one: one.name if isinstance(one, Act) else None,
)
async def test_an_act_is_refused_by_each_way_in_and_does_nothing(
    tmp_path: Path, act: Act, before: Sequence[Act], says: Sequence[str]
) -> None:
    """An act that changes nothing is none, either."""
    said, effects = await played(tmp_path, act, *before)
    for answer, expected in zip(said.values(), says, strict=True):
        status, _, text = expected.partition(" ")
        assert (status, True) == (answer.partition(" ")[0], text in answer), answer
    assert {0} == {len(records) for effect in effects for records in effect.values()}, said


async def test_a_moderation_that_is_not_decided_in_time_is_queued_by_each_way_in(tmp_path: Path) -> None:
    """One wait: as long as a client may have the API wait."""
    assert MAX_WAIT == DECISION_SECONDS
    effects = []
    for name, way in WAYS.items():
        async with opened(tmp_path / name, seconds=1) as office:
            await office.desk.site.harness.stop(RELAY)
            started = await office.effect()
            answer = await way(office, MODERATE)
            assert {"api": "202", "page": "202", "command": "2"}[name] == answer.partition(" ")[0], answer
            ended = await office.effect()
            effects.append({topic: ended[topic][len(started[topic]) :] for topic in ended})
    assert [1, 1, 0] == [len(effects[0][topic]) for topic in ("journal", "submissions", "receipts")]
    assert [effects[0]] * 2 == effects[1:]
