"""[T-29] [ERR-011] Odd bytes anywhere in a request are answered, on both ports, without a failure."""

from pathlib import Path

import pytest

from tests.raw_http import exchange
from tests.threats.odd_bytes import failures, gateway

pytestmark = pytest.mark.slow

COUNT, SEED = 1_000, 20_261_130


@pytest.mark.timeout(300)
async def test_a_thousand_requests_of_odd_bytes_are_answered_without_a_failure(tmp_path: Path) -> None:
    statuses, failed = await failures(tmp_path, COUNT, seed=SEED)
    assert [] == failed
    assert COUNT == statuses.total()
    assert {200, 400, 401, 404, 405, 417} <= statuses.keys()


async def test_an_expectation_that_is_not_utf_8_is_an_unknown_one(tmp_path: Path) -> None:
    """[ERR-011] 417 with a problem document, on both ports."""
    async with gateway(tmp_path) as served:
        for port in served.ports:
            [answer] = await exchange(port, b"GET / HTTP/1.1\r\nHost: x\r\nExpect: \xe9\r\n\r\n")
            assert (417, "expectation-failed") == (answer.status, answer.document["code"])
