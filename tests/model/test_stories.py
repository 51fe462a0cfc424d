"""What the state machine found, and what it is too seldom lucky to find, told as short stories."""

from collections.abc import Iterator

import pytest

from tests.model.content import document
from tests.model.ground import READERS, Ground
from tests.model.spec import Model, Publish


@pytest.fixture
def ground() -> Iterator[Ground]:
    ground = Ground(Model(READERS))
    try:
        yield ground
    finally:
        ground.close()


def publish(ground: Ground, *wishes: str) -> None:
    for revision, wish in enumerate(wishes, 1):
        answer = ground.run(ground.gate.put(document("bretagne:1", revision, wish)))
        ground.decided(answer, Publish("bretagne:1", revision, wish))


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
def test_each_reader_hears_of_the_end_of_what_it_was_shown_and_of_nothing_else(
    ground: Ground, wishes: tuple[str, ...]
) -> None:
    """[FEED-007] [RTE-006]: one revision was not for the regions, another had passed at Normandie: it saw neither."""
    for follower in ground.followers:
        ground.run(follower.read(ground.model))
    publish(ground, *wishes)
    ground.settle()
    for follower in ground.followers:
        ground.run(follower.read(ground.model))
        assert follower.expected(ground.model) == follower.held
