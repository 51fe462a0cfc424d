"""After any events of offers, accounts, site and connector the site holds the expected offers, once each."""

import os

import pytest

from tests.national.model.__main__ import run

pytestmark = pytest.mark.slow

SEQUENCES = 200 if os.environ.get("CI") == "true" else 24


@pytest.mark.timeout(900)
async def test_random_sequences_end_with_the_expected_offers() -> None:
    """A part of what ``python -m tests.national.model`` plays."""
    reports = await run(range(1, 1 + SEQUENCES))
    assert {} == {report.seed: report.differences for report in reports if report.differences}
