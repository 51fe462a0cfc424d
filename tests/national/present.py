"""Values that a test knows to exist: a part of a delivery, a row of the site, the document of an offer."""

from collections.abc import Mapping
from typing import Any

from gateway.demo.national_site.simulator import NationalSimulator
from gateway.demo.national_site.stock import Row
from gateway.protocol.delivery import Part
from gateway.protocol.record import OfferState
from tests.national.connector_harness import ConnectorHarness


async def part_of(harness: ConnectorHarness, offer_id: str) -> Part:
    """The offer's part for the lycées."""
    part = await harness.part(offer_id)
    assert part is not None, offer_id
    return part


def row_of(simulator: NationalSimulator, remote_id: str) -> Row:
    """The site's first row of that remote id."""
    row = simulator.row(remote_id)
    assert row is not None, remote_id
    return row


def document_of(state: OfferState) -> Mapping[str, Any]:
    """The document of a live offer."""
    assert state.offer is not None, state.id
    return state.offer
