"""The state of the inbound scan: the number of consecutive complete scans without an offer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.national.inbound.state import InboundState
from gateway.protocol.submission import Known
from gateway.protocol.topic import OFFERS
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document

ID = "national:7001"


@pytest.fixture
async def known(make_harness: Make, tmp_path: Path) -> AsyncIterator[tuple[ConnectorHarness, InboundState]]:
    """A harness with one offer from the site, and the state of a scan."""
    harness = await make_harness()
    await harness.publish(document(ID))
    state = InboundState(tmp_path / "inbound.sqlite", log="one")
    yield harness, state
    state.close()


def missing(state: InboundState) -> list[str]:
    return [made.id for made in state.missing(scans=2)]


def season_of(state: InboundState) -> int | None:
    made = state.made(ID)
    assert made is not None
    return made.last_season


async def scan(harness: ConnectorHarness, state: InboundState, *seen: str, season: int = 2027) -> None:
    await state.catch_up(harness.log, await harness.log.ends(OFFERS))
    state.count_missing(seen, season=season)


async def test_an_offer_is_missing_after_two_consecutive_scans_without_it(
    known: tuple[ConnectorHarness, InboundState],
) -> None:
    harness, state = known
    await scan(harness, state)
    assert [] == missing(state)
    await scan(harness, state, ID)
    await scan(harness, state)
    assert [] == missing(state)
    await scan(harness, state)
    assert [ID] == missing(state)


async def test_an_offer_that_came_back_is_missing_after_two_scans_again(
    known: tuple[ConnectorHarness, InboundState],
) -> None:
    harness, state = known
    await scan(harness, state)
    await scan(harness, state)
    assert [ID] == missing(state)
    absent = Known(revision=1, digest="bb", sequence=2_000, position=0, appended_at=0, reason="absent")
    back = harness.state(document(ID, revision=2))
    await harness.write(replace(back, known=absent, offer=None, territory=None))
    await scan(harness, state)
    await harness.write(back)
    await scan(harness, state)
    assert [] == missing(state)
    await scan(harness, state)
    assert [ID] == missing(state)


async def test_an_offer_that_came_back_between_two_scans_is_missing_after_two_scans_again(
    known: tuple[ConnectorHarness, InboundState],
) -> None:
    harness, state = known
    await scan(harness, state)
    await scan(harness, state)
    absent = Known(revision=1, digest="bb", sequence=2_000, position=0, appended_at=0, reason="absent")
    back = harness.state(document(ID, revision=2))
    await harness.write(replace(back, known=absent, offer=None, territory=None), back)
    await scan(harness, state)
    assert [] == missing(state)


async def test_a_new_revision_of_a_missing_offer_does_not_reset_the_count(
    known: tuple[ConnectorHarness, InboundState],
) -> None:
    harness, state = known
    await scan(harness, state)
    await harness.publish(document(ID, revision=2))
    await scan(harness, state)
    assert [ID] == missing(state)


async def test_it_is_known_in_which_season_the_search_showed_an_offer_with_its_weeks(
    known: tuple[ConnectorHarness, InboundState],
) -> None:
    harness, state = known
    await scan(harness, state)
    assert season_of(state) is None
    await scan(harness, state, ID)
    assert 2027 == season_of(state)
    await scan(harness, state, season=2028)
    assert 2027 == season_of(state)
    await harness.publish(document(ID, revision=2, title="Autre titre"))
    await scan(harness, state, season=2028)
    assert 2027 == season_of(state)
    await harness.publish(document(ID, revision=3, levels=["troisieme"], weeks=["2027-W46"]))
    await scan(harness, state, season=2028)
    assert season_of(state) is None
