"""The withdrawal guard: over a fifth, and at least ten."""

import pytest

from gateway.protocol.withdrawal_guard import needs_confirmation


@pytest.mark.parametrize(
    ("gone", "live", "shrinks"),
    [(9, 9, False), (10, 10, True), (10, 20, True), (10, 50, False), (20, 100, False), (21, 100, True)],
)
def test_withdrawing_over_a_fifth_and_at_least_ten_needs_confirmation(gone: int, live: int, *, shrinks: bool) -> None:
    """[PUB-028]."""
    assert shrinks == needs_confirmation(gone, live)
