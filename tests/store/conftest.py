from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import OfferView, ReceiptView
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic


@pytest.fixture
def offer_topic() -> OfferTopic:
    return OfferTopic()


@pytest.fixture
async def offers(tmp_path: Path) -> AsyncIterator[OfferView]:
    view = await OfferView.open(tmp_path / "offers.sqlite", log_identity=LOG, partitions=PARTITIONS)
    await view.settle()
    yield view
    await view.close()


@pytest.fixture
async def followed(offers: OfferView, tmp_path: Path) -> AsyncIterator[OfferView]:
    assert offers.positions == (0,) * PARTITIONS  # updated first, then followed
    view = await OfferView.follow(tmp_path / "offers.sqlite", log_identity=LOG, partitions=PARTITIONS)
    yield view
    await view.close()


@pytest.fixture
async def receipts(tmp_path: Path) -> AsyncIterator[ReceiptView]:
    view = await ReceiptView.open(tmp_path / "receipts.sqlite", log_identity=LOG, partitions=PARTITIONS)
    yield view
    await view.close()
