"""Crashes between the effect of an order and its answer: the next owner continues, and repeats no completed step."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pytest

from gateway.errors import LogUnavailableError
from gateway.log.port import EventLog, Output, Owner
from gateway.protocol.delivery_order import Adopt, Erase, Reconcile, Replay, read_order
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, eventually, row_of
from tests.national.connector.test_adopting import pushed, region

pytestmark = pytest.mark.slow

Cut = Callable[[Sequence[Output]], bool]


class CutOwner:
    """An owner whose process ends instead of the commits that ``cut`` names."""

    def __init__(self, owner: Owner, cut: Cut) -> None:
        self._owner = owner
        self._cut = cut

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        if self._cut(outputs):
            await self._owner.close()
            raise LogUnavailableError("cut off before this commit")
        return await self._owner.commit(outputs)

    async def end(self, topic: str, partition: int) -> int:
        return await self._owner.end(topic, partition)

    async def close(self) -> None:
        await self._owner.close()


class CutLog:
    """A log whose owners are cut off before the first commit that ``cut`` names, once."""

    def __init__(self, log: EventLog, cut: Cut) -> None:
        self._log = log
        self._cut = cut
        self.cuts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def own(self, role: str, partition: int) -> CutOwner:
        return CutOwner(await self._log.own(role, partition), self._once)

    def _once(self, outputs: Sequence[Output]) -> bool:
        if self.cuts or not self._cut(outputs):
            return False
        self.cuts += 1
        return True


def answers(outputs: Sequence[Output]) -> bool:
    """Whether a commit answers an order."""
    for record in (output.record for output in outputs):
        placed = None if record.value is None or not record.key else read_order(record.key, record.value)
        if placed is not None and placed.answer is not None:
            return True
    return False


def notes_deletions(number: int) -> Cut:
    """Whether a commit records this number of deleted extra offers."""

    def cut(outputs: Sequence[Output]) -> bool:
        bodies = [orjson.loads(output.record.value) for output in outputs if output.record.value]
        return any(isinstance(body, dict) and body.get("deleted") == number for body in bodies)

    return cut


async def restarted_on(harness: ConnectorHarness, cut: Cut) -> CutLog:
    """The connector again, on a log that is cut off once."""
    await harness.stop()
    log = CutLog(harness.log, cut)
    await harness.start(log=log)
    return log


async def progress_left(harness: ConnectorHarness) -> list[bytes]:
    found = await harness.records()
    return [key for key, value in found.items() if value is not None and key.startswith(b"progress/")]


async def delivered(make_harness: Make, count: int) -> tuple[ConnectorHarness, list[str]]:
    harness = await make_harness(speed=6_000.0, rights={"full_access": True})
    ids = [f"bretagne:{number}" for number in range(count)]
    await harness.deliver(*(document(one) for one in ids))
    return harness, ids


async def test_a_replay_is_carried_out_once(make_harness: Make) -> None:
    harness, ids = await delivered(make_harness, 5)
    log = await restarted_on(harness, answers)
    answer = await harness.order(Replay(tuple(ids[:3])))
    assert (1, {"replayed": 3, "nothing_to_do": []}) == (log.cuts, answer)
    await harness.until_states(dict.fromkeys(ids, "delivered"))
    assert 3 == harness.calls("PATCH")
    assert [] == await progress_left(harness)


async def test_an_erasure_is_carried_out_once(make_harness: Make) -> None:
    harness, ids = await delivered(make_harness, 1)
    await harness.withdraw(*ids)
    await harness.until_states(dict.fromkeys(ids, "withdrawn"))
    log = await restarted_on(harness, answers)
    answer = await harness.order(Erase(ids[0]))
    assert (1, 1) == (log.cuts, answer["erased"]["count"])
    assert 1 == harness.calls("PATCH")
    assert [] == await progress_left(harness)


@pytest.mark.parametrize("cut", [answers, notes_deletions(2)], ids=["before the answer", "amid the deletions"])
async def test_a_repair_resumes_where_it_stopped(make_harness: Make, cut: Cut) -> None:
    harness, ids = await delivered(make_harness, 5)
    for number in range(4):
        pushed(harness, f"stranger-{number}", account="shared")
    harness.simulator.discard(row_of(harness.simulator, ids[0]))
    log = await restarted_on(harness, cut)
    answer = await harness.order(Reconcile(repair=True, confirm=4))
    assert (1, True, 4) == (log.cuts, answer["repaired"], answer["deleted"])
    assert [ids[0]] == answer["missing"]["remote_ids"]
    assert set(ids[1:]) == set(harness.live())
    assert 4 == harness.simulator.answered["DELETE", 200]
    assert [] == await progress_left(harness)


@pytest.mark.parametrize("cut", [answers, notes_deletions(2)], ids=["before the answer", "amid the deletions"])
async def test_a_takeover_resumes_where_it_stopped(make_harness: Make, cut: Cut) -> None:
    harness = await region(make_harness, 6)
    log = await restarted_on(harness, cut)
    answer = await harness.order(Adopt("bretagne", apply=True, confirm=3), account="bretagne")
    assert (1, True, 6, 3) == (log.cuts, answer["applied"], answer["matched"], answer["deleted"])
    assert 2 == answer["missing"]["count"]
    await harness.until_states({f"bretagne:{number}": "delivered" for number in (*range(6), "new-1", "new-2")})
    assert 3 == harness.simulator.answered["DELETE", 200]
    assert [] == await progress_left(harness)


async def test_a_partner_changed_while_the_index_is_walked_keeps_the_change(make_harness: Make) -> None:
    harness = await region(make_harness, 400, speed=60.0)
    placed = await harness.submit(Adopt("bretagne", apply=True), account="bretagne")
    await eventually(lambda: harness.calls("GET", "PATCH", "DELETE") >= 2)
    await harness.save("bretagne", jwks={"keys": []}, name="IDÉO")
    assert {} == await harness.deliveries()
    answer = await harness.answer(placed, seconds=60)
    assert answer["applied"]
    await harness.partners.catch_up()
    partner = harness.partners.get("bretagne")
    assert partner is not None
    assert ("IDÉO", {"keys": []}, "gateway") == (partner.name, partner.jwks, partner.national_delivery)
