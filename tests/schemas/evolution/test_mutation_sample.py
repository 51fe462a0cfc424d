"""Some changes of the smallest schemas are judged as brute force judges them; ``test_mutations`` has the others."""

import pytest

from tests.schemas.evolution.brute import contradictions
from tests.schemas.evolution.mutation import Mutation, mutations

SMALL = [one for one in mutations(("withdrawal",)) if one.pointer != "withdrawal"]


@pytest.mark.parametrize("mutation", SMALL, ids=lambda one: one.name)
def test_a_change_is_judged_as_brute_force_judges_it(mutation: Mutation) -> None:
    assert [] == contradictions(mutation)
