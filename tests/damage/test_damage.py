"""The short run: flipped bytes end in the same answers, in a rebuilt copy, or in a refusal that names the file."""

import pytest

from tests.damage.__main__ import trials
from tests.damage.trial import GOOD, IDENTICAL

pytestmark = pytest.mark.smoke


async def test_flipped_bytes_never_change_what_is_answered() -> None:
    outcomes = await trials(20, seed=5)
    assert [] == [one for one in outcomes if one.name not in GOOD]
    assert {IDENTICAL} < {one.name for one in outcomes}
