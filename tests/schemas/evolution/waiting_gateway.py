"""A gateway whose schema has a field that waits, played on the eve of its day, on the day, and afterwards. A program of
its own: ``schemas`` is the scratch copy of the working folder. It writes into a file what
every way in and out answered.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import typer
from typer.testing import CliRunner

from adapters.formats.item import ItemPosition, OfferItem, judge
from gateway.bootstrap import page_work
from gateway.bootstrap.background import Background
from gateway.cli.validate import validate
from gateway.operate.releases import ReleaseBook, UnknownReleaseError
from gateway.pages.check.form_fields import form_fields
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.partner import Partner
from gateway.protocol.record import TYPE_PUBLISHED, Record
from gateway.protocol.release import earliest_day
from gateway.protocol.topic import INBOX, RECEIPTS, inbox
from gateway.store.trusted_clock import RetentionClock
from schemas import Verdict
from schemas.rules.beginning import waiting
from tests.api.write.gateway_harness import START, GatewayHarness, ndjson, offer, opened
from tests.harness import until
from tests.schemas.evolution.waiting import FIELD, RELEASE, VALUE

DAY = earliest_day(START)


class Play:
    """What a gateway answers at an instant. ``number`` distinguishes its offers."""

    def __init__(self, gateway: GatewayHarness, folder: Path) -> None:
        self._gateway = gateway
        self._folder = folder
        self._federation = gateway.context.federation

    async def answers(self, moment: str) -> dict[str, Any]:
        """The codes of each way in for an offer with the field; none where it is accepted."""
        with_field = {way: self._offer(moment, way) for way in ("put", "batch", "inbox")}
        put = await self._gateway.put(with_field["put"])
        dry = await self._gateway.put(with_field["put"], query="?dry_run=true")
        batch = await self._gateway.batch(ndjson(with_field["batch"]))
        return {
            "put": _codes(put.body.get("problems", ())),
            "dry run": _codes(dry.body.get("problems", ())),
            "batch": _codes(batch.body["results"][0].get("problems", ())),
            "inbox": await self._inbox(with_field["inbox"]),
            "feed": self._feed(moment),
            "check": self._check(moment),
            "validate": self._validate(moment),
        }

    def _offer(self, moment: str, way: str) -> dict[str, Any]:
        return {**offer(f"{moment}-{way}"), FIELD: True}

    async def _inbox(self, document: Mapping[str, Any]) -> list[str]:
        log = self._gateway.log
        before = len(await self._gateway.records(RECEIPTS))
        record = Record(document["id"].encode(), orjson.dumps(document), (("ce_type", TYPE_PUBLISHED.encode()),))
        await log.append(INBOX + "bretagne", 0, [record])

        async def answered() -> bool:
            return len(await self._gateway.records(RECEIPTS)) > before

        await until(answered)
        receipt = orjson.loads((await self._gateway.records(RECEIPTS))[-1].value or b"")
        return _codes(receipt["problems"])

    async def value(self, moment: str) -> dict[str, Any]:
        """The same for a value of a list; of a feed the levels that are published, the warnings, and the codes where
        the list has no other one. ``forms``: whether people are offered field and value;
        ``filters``: the statuses of lists with the value.
        """
        document = {**offer(f"{moment}-value"), "levels": ["seconde", VALUE]}
        put, item = await self._gateway.put(document), self._judged(document)
        alone = self._judged({**document, "levels": [VALUE]})
        today, days = self._gateway.clock.today, self._federation.releases.activations
        await until(lambda: self._federation.offers.caught_up)
        choices = {one.path: one.choices for one in form_fields("en", today, waiting(today, days))}
        return {
            "put": _codes(put.body.get("problems", ())),
            "feed": [
                (item.document or {})["levels"],
                [one.code for one in item.problems],
                [one.code for one in alone.problems],
            ],
            "forms": FIELD in choices and VALUE in choices["levels"],
            "filters": [
                (await self._gateway.ask("GET", f"{path}?level={VALUE}&territory=all", who="normandie")).status
                for path in ("/v1/offers", "/v1/changes", "/v1/changes/digest")
            ],
        }

    def _judged(self, document: dict[str, Any]) -> Verdict:
        content = {name: value for name, value in document.items() if name not in {"id", "revision"}}
        return judge(
            OfferItem(ItemPosition(0, 1), document["id"], content),
            revision=1,
            on=self._gateway.clock.today,
            activations=self._federation.releases.activations,
        )

    def _feed(self, moment: str) -> list[str]:
        document = self._offer(moment, "feed")
        verdict = self._judged(document)
        assert verdict.accepted, verdict
        assert (FIELD in (verdict.document or {})) == (not verdict.problems)
        return [one.code for one in verdict.problems]

    def _days(self) -> dict[str, str]:
        return {release: day.isoformat() for release, day in self._federation.releases.activations.items()}

    def _check(self, moment: str) -> list[str]:
        on = self._gateway.clock.today.isoformat()
        arguments = {"choice": "auto", "language": "en", "on": on, "activations": self._days()}
        return sorted(page_work.check(orjson.dumps(self._offer(moment, "check")), arguments).rules)

    def _validate(self, moment: str) -> list[str]:
        file = self._folder / "offer.json"
        file.write_bytes(orjson.dumps(self._offer(moment, "validate")))
        command = typer.Typer()
        command.command()(validate)
        words = [str(file), "--on", self._gateway.clock.today.isoformat(), "--json"]
        words += [f"--activated={release}={day}" for release, day in self._days().items()]
        return _codes(orjson.loads(CliRunner().invoke(command, words).output)["problems"])


def _codes(problems: Any) -> list[str]:
    return [one["code"] for one in problems]


async def play(folder: Path) -> dict[str, Any]:
    """Everything that is answered."""
    found: dict[str, Any] = {"day": DAY.isoformat()}
    async with opened(folder / "data") as gateway:
        federation, clock = gateway.context.federation, gateway.clock
        await gateway.log.create_topics([inbox("bretagne")])
        await federation.partners.change("bretagne", _with_inbox)
        retention = RetentionClock(folder / "clock.json", wall=clock, steady=clock, since=None, boot=None)
        intake = Background(gateway.harness.settings, federation, retention).running()["intake"]
        task = asyncio.ensure_future(intake())
        try:
            player = Play(gateway, folder)
            found["no day"] = await player.answers("none")
            found["value"] = {"no day": await player.value("none")}
            path = f"/v1/releases/{RELEASE}/activation"
            found["activated"] = (await gateway.ask("POST", path, json={"from": DAY.isoformat()})).body
            found["discovery"] = (await gateway.ask("GET", "/.well-known/passerelle")).body["activations"]
            assert 201 == (await gateway.put(offer("old"))).status
            clock.now = paris_midnight(DAY) - 1
            found["eve"] = await player.answers("eve")
            found["value"]["eve"] = await player.value("eve")
            clock.now = paris_midnight(DAY)
            found["begun"] = await player.answers("begun")
            assert 201 == (await gateway.put(offer("plain"))).status
            await gateway.settled()
            found["read"] = {
                name: (await gateway.ask("GET", f"/v1/offers/bretagne:{name}", who="normandie"))
                .body["offer"]
                .get(FIELD)
                for name in ("old", "begun-put", "plain")
            }
            page = await gateway.ask("GET", "/v1/changes?territory=all", who="normandie")
            found["changes"] = page.body
            found["cancel"] = (await gateway.ask("POST", path, json={"cancel": True})).code
            older = ReleaseBook(gateway.log, clock=clock, knows=("1.0",))
            await older.catch_up()
            try:
                await older.refuse_unknown()
            except UnknownReleaseError as error:
                found["older"] = str(error)
            await older.close()
            found["value"]["begun"] = await player.value("begun")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return found


def _with_inbox(partner: Partner | None) -> Partner:
    assert partner is not None
    return replace(partner, inbox=True)


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        Path(sys.argv[1]).write_bytes(orjson.dumps(asyncio.run(play(Path(name)))))
