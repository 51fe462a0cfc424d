"""Harness of the state machine: a real gateway, the model, and the decisions so far."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from gateway.operate.audit import audit
from gateway.protocol.partner import SCOPES, Partner
from tests.api.write.gateway_harness import Answer, opened
from tests.model.content import HOST_OF_NORMANDIE, document, withdrawal
from tests.model.follower import Follower
from tests.model.spec import Item, Mark, Model, Outcome, Publish, Withdraw

PUBLISHERS = ("bretagne", "normandie")
READERS = ("bretagne", "normandie", "national", "occitanie")
FILTERS: tuple[dict[str, str], ...] = (
    {"territory": "all"}, {"department": "31"}, {"department": "35"}, {"territory": "all", "sector": "s24"},
    {"territory": "all", "platform": "normandie"}, {},
)  # fmt: skip
WAIT = {"Prefer": "wait=10"}
LINES = {"Content-Type": "application/x-ndjson"}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an upload; ``item`` is None when it must be refused."""

    document: dict[str, Any]
    item: Item | None


class ModelHarness:
    """One gateway on a log in memory, and the model that predicts it. Close it after use."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._runner = asyncio.Runner()
        self._folder = TemporaryDirectory(prefix="passerelle-model-")
        self._gating = opened(Path(self._folder.name))
        self.gateway = self.run(self._gating.__aenter__())
        for partner in (
            Partner(platform="normandie", name="Normandie", scopes=frozenset(SCOPES), hosts=(HOST_OF_NORMANDIE,)),
            Partner(platform="national", name="National", scopes=frozenset(SCOPES)),
            Partner(platform="occitanie", name="Occitanie", scopes=frozenset(SCOPES), territory=frozenset({"31"})),
        ):
            self.run(self.gateway.context.federation.partners.save(partner))
        self.followers = [Follower(self.gateway, reader, asked) for reader in READERS for asked in FILTERS]
        self.marks: list[tuple[str, Mark]] = []
        self.keys: dict[tuple[str, str], tuple[str, bytes, Answer]] = {}
        self.decisions: list[tuple[str, str, Outcome]] = []

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run the gateway's loop until this is done."""
        return self._runner.run(work)

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        """One request."""
        return self.run(self.gateway.ask(method, path, **more))

    def settle(self) -> None:
        """Wait until everything is decided and visible."""
        self.run(self.gateway.settled())

    def revision(self, offer_id: str, step: int) -> int:
        """A revision somewhat below, at or above the current one."""
        known = self.model.offers.get(offer_id)
        return max(1, (1 if known is None else known.revision) + step)

    def line(self, platform: str, kind: str, number: int, step: int, wish: str) -> Line:
        """A line of a batch."""
        offer_id = f"{platform}:{number}"
        revision = self.revision(offer_id, step)
        match kind:
            case "publish":
                return Line(document(offer_id, revision, wish), Publish(offer_id, revision, wish))
            case "withdraw":
                return Line(withdrawal(offer_id, revision, "filled"), Withdraw(offer_id, revision, "filled"))
            case "unsound":
                return Line({**document(offer_id, revision, wish), "seats": 0}, None)
        return Line(document(f"{another(platform)}:{number}", revision, wish), None)

    def as_it_stands(self, item: Publish) -> Publish:
        """The same offer as last published, if it was."""
        known = self.model.offers.get(item.id)
        if known is None or not known.content.startswith("publish "):
            return item
        return Publish(item.id, known.revision, known.content.removeprefix("publish "))

    def decided(self, answer: Answer, item: Item) -> None:
        """An answer with a decision: as the model predicts, with a receipt that is read later."""
        outcome = self.model.submit(item)
        assert (outcome.status, outcome.verdict) == (answer.status, answer.body["verdict"]), answer.raw
        self._record(item, answer.body["receipt"], outcome)

    def queued(self, answer: Answer, lines: Sequence[Line], *, partial: bool, dry: bool) -> None:
        """An answer to a batch: every line's status, in order."""
        refused = sum(line.item is None for line in lines)
        if not lines:
            assert (422, "batch-empty") == (answer.status, answer.code)
            return
        if dry:
            status, word = (422 if refused else 200), "valid"
        elif refused == len(lines) or (refused and not partial):
            status, word = 422, "not-queued"
        else:
            status, word = (207 if refused else 202), "queued"
        results = answer.body["results"]
        expected = ["refused" if line.item is None else word for line in lines]
        assert (status, expected) == (answer.status, [result["status"] for result in results]), answer.raw
        if word == "queued":
            for line, result in zip(lines, results, strict=True):
                if line.item is not None:
                    self._record(line.item, result["receipt"], self.model.submit(line.item))

    def close(self) -> None:
        """Close everything."""
        self.run(self._gating.__aexit__(None, None, None))
        self._runner.close()
        self._folder.cleanup()

    def _record(self, item: Item, receipt: str, outcome: Outcome) -> None:
        self.decisions.append((item.id.partition(":")[0], receipt, outcome))

    async def compare(self) -> None:
        """Compare the offers, every subscriber's copy, late ones too, every receipt, and the log's invariants."""
        for platform in PUBLISHERS:
            assert self.model.live(platform) == await self.gateway.live(platform)
            answer = await self.gateway.ask("GET", "/v1/receipts?limit=1000", who=platform)
            given = [(one["id"], one["verdict"], one["revision"]) for one in answer.body["receipts"]]
            assert sorted(self.model.receipts.get(platform, [])) == sorted(given), "[RCP-001]"
        for follower in self.followers:
            await follower.read(self.model)
            late = Follower(self.gateway, follower.platform, follower.asked)
            await late.read(self.model)
            expected = follower.expected(self.model)
            assert (expected, expected, 0) == (follower.held, late.held, late.removals), (
                f"[FEED-010]: {follower.platform} {follower.asked}"
            )
        for publisher, receipt, outcome in self.decisions:
            path = f"/v1/receipts/{receipt}"
            answer = await self.gateway.ask("GET", path, who=publisher)
            assert (200, outcome.verdict) == (answer.status, answer.body["verdict"])
            assert outcome.code is None or outcome.code == answer.body["problems"][0]["code"]
            assert 404 == (await self.gateway.ask("GET", path, who=another(publisher))).status, "[RCP-002]"
        assert [] == (await audit(self.gateway.log)).findings


def another(platform: str) -> str:
    """The other publisher."""
    return PUBLISHERS[platform == PUBLISHERS[0]]
