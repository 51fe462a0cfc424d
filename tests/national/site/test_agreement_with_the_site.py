"""Deliverability agrees with the simulated site, offer by offer; ``agreement`` compares more of them."""

import pytest

from tests.national.site.agreement import OURS, compare

pytestmark = pytest.mark.slow

UNKNOWN_YEAR = "not-deliverable:year-unknown"
"""Both school years of the comparison are on file."""


def test_deliverable_offers_are_accepted_and_others_refused() -> None:
    counts = compare(250)
    kinds = {"Ready", "NotDeliverable", "DeliverableLater", "Past"}
    assert kinds <= counts.keys()
    assert {
        "not-deliverable:mandatory-weeks",
        "not-deliverable:apply-url-word",
        "not-deliverable:postal-code",
    } | OURS - {UNKNOWN_YEAR} <= counts.keys()
