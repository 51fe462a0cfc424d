"""Sequences that the state machine found, or rarely finds, as separate tests."""

from collections.abc import Iterator

import pytest

from tests.model.content import document
from tests.model.model_harness import READERS, ModelHarness
from tests.model.spec import Model, Publish

pytestmark = pytest.mark.slow


@pytest.fixture
def harness() -> Iterator[ModelHarness]:
    harness = ModelHarness(Model(READERS))
    try:
        yield harness
    finally:
        harness.close()


def publish(harness: ModelHarness, *wishes: str) -> None:
    for revision, wish in enumerate(wishes, 1):
        answer = harness.run(harness.gateway.put(document("bretagne:1", revision, wish)))
        harness.decided(answer, Publish("bretagne:1", revision, wish))


@pytest.mark.parametrize(
    "wishes",
    [
        ("national only", "of normandie", "for nobody"),
        ("of normandie", "national only", "for nobody"),
        ("for nobody", "of normandie", "for nobody"),
        ("plain", "of normandie", "for nobody"),
        ("of normandie", "plain", "of normandie"),
    ],
)
def test_each_subscriber_gets_the_removal_of_the_offers_it_received_and_of_no_other(
    harness: ModelHarness, wishes: tuple[str, ...]
) -> None:
    """[FEED-007] [RTE-006]: one revision was not for the regions, another had passed at Normandie: it saw neither."""
    for follower in harness.followers:
        harness.run(follower.read(harness.model))
    publish(harness, *wishes)
    harness.settle()
    for follower in harness.followers:
        harness.run(follower.read(harness.model))
        assert follower.expected(harness.model) == follower.held
