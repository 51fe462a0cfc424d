"""Moderation by a command: from the log alone, decided by a gateway that runs (WDR-006, WDR-007)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import LogError
from gateway.operate.desk import RefusedActError
from gateway.operate.moderation import Action, decision_of, moderation_command, newest_state
from gateway.protocol.identity import partition_of
from gateway.protocol.submission import Lift, Retire
from gateway.protocol.topic import RECEIPTS
from tests.api.write.gateway_harness import GatewayHarness, offer, opened

ID = "bretagne:1"
REASON = "Cette adresse n’est pas celle d’un employeur"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with opened(tmp_path) as gateway:
        yield gateway


async def command(gateway: GatewayHarness, action: Action) -> Retire | Lift:
    known = await newest_state(gateway.log, ID)
    ids, partitions = gateway.context.federation.ids, gateway.log.partitions
    return moderation_command(action, ID, known, reason=REASON, ids=ids, partitions=partitions)


async def verdict(gateway: GatewayHarness, wanted: Retire | Lift, seconds: float = 10) -> tuple[str, str] | None:
    log = gateway.log
    start = (await log.ends(RECEIPTS))[partition_of(ID, log.partitions)]
    [outcome] = await gateway.context.federation.submissions.submit([wanted])
    assert not isinstance(outcome, LogError)
    receipt = await decision_of(log, wanted, start=start, seconds=seconds)
    return None if receipt is None else (receipt["verdict"], receipt["moderation"]["reason"])


async def test_an_offer_is_moderated_and_lifted(gateway: GatewayHarness) -> None:
    await gateway.put(offer(1))
    assert ("accepted", REASON) == await verdict(gateway, await command(gateway, "moderate"))
    assert [] == await gateway.live()
    with pytest.raises(RefusedActError, match="already moderated"):
        await command(gateway, "moderate")
    assert ("accepted", REASON) == await verdict(gateway, await command(gateway, "lift"))
    with pytest.raises(RefusedActError, match="not moderated"):
        await command(gateway, "lift")


async def test_a_newer_change_prevails(gateway: GatewayHarness) -> None:
    await gateway.put(offer(1))
    early = await command(gateway, "moderate")
    await gateway.put(offer(1, 2))
    assert ("stale", REASON) == await verdict(gateway, early)
    assert [ID] == await gateway.live()


async def test_an_unknown_offer_has_no_command(gateway: GatewayHarness) -> None:
    with pytest.raises(RefusedActError, match="no such offer"):
        await command(gateway, "moderate")


async def test_without_a_gateway_the_command_waits_on_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.put(offer(1))
        await gateway.settled()
        await gateway.harness.stop("relay")
        assert await verdict(gateway, await command(gateway, "moderate"), seconds=0.1) is None
        gateway.harness.start("relay")
        assert [] == await gateway.live()
