"""The proofs of the buyer's page and of the threat model are tests that pytest collects under the ids given there."""

import subprocess
import sys

import pytest

from tests.docs.test_buyer import ROOT, proofs
from tests.threats.proofs import PROOFS

pytestmark = pytest.mark.slow


def collected(*ids: str) -> subprocess.CompletedProcess[str]:
    """What pytest says of these ids; nothing is run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *ids]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def named() -> list[str]:
    """Every id of a test on both pages: those of helpers, such as a rule of the model, are no tests."""
    buyer = {one for _, cell in proofs() for one in cell.split("`")[1::2] if "::" in one}
    threats = {one for tests in PROOFS.values() for one in tests if "/test_" in one}
    return sorted(buyer | threats)


def test_every_id_is_collected() -> None:
    assert len(named()) > 100
    ended = collected(*named())
    assert (0, []) == (ended.returncode, [line for line in ended.stderr.splitlines() if "not found" in line])


@pytest.mark.parametrize(
    "wrong",
    ["tests/docs/test_collected.py::test_nothing", "tests/docs/test_collected.py::Test::test_every_id_is_collected"],
)
def test_an_id_without_its_class_or_of_no_test_is_found(wrong: str) -> None:
    ended = collected(wrong)
    assert 0 != ended.returncode
    assert f"not found: {ROOT / wrong}" in ended.stdout + ended.stderr
