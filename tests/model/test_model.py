"""The gateway does what the model predicts, for any requests in any order."""

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Federation
from tests.model.model_harness import READERS
from tests.model.spec import Mark, Model, Outcome, Publish

pytestmark = pytest.mark.slow

SHORT = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
UNSHRUNK = settings(SHORT, phases=(Phase.generate,), report_multiple_bugs=False)


def test_the_gateway_does_what_the_model_predicts() -> None:
    """The same sequences each time; ``python -m tests.model`` plays new ones for any time."""
    run_state_machine_as_test(Federation, settings=SHORT)


class Permissive(Model):
    """Takes other content under the same revision for a duplicate."""

    def _publish(self, item: Publish, mark: Mark | None) -> Outcome:
        outcome = super()._publish(item, mark)
        return Outcome("duplicate") if outcome.code == "revision-reused" else outcome


class Indiscreet(Model):
    """Returns every live offer to every subscriber that asks for all."""

    def visible(self, reader: str, asked: Mapping[str, str]) -> dict[str, int]:
        known = {name: one.revision for name, one in self.offers.items() if one.wish is not None}
        return known if asked == {"territory": "all"} else super().visible(reader, asked)


class Forgetful(Model):
    """Takes every live offer for present in a snapshot."""

    def snapshot(self, mark: Mark, items: Sequence[Publish], unsound: Iterable[str], confirm: int | None) -> int | str:
        return super().snapshot(mark, items, {*unsound, *self.live(mark.platform)}, confirm)


@pytest.mark.parametrize("wrong", [Permissive, Indiscreet, Forgetful])
def test_a_wrong_model_is_detected(wrong: type[Model]) -> None:
    """The comparison can fail: each of these differs from the gateway in one thing."""

    class Against(Federation):
        def __init__(self) -> None:
            super().__init__(wrong(READERS))

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Against, settings=UNSHRUNK)
