"""The threat model names tests that exist."""

import re
from pathlib import Path

from tests.threats.proofs import PROOFS

ROOT = Path(__file__).parents[2]


def test_every_threat_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| (T-[0-9]{2}) \|.*\| ([^|]+) \|$", (ROOT / "THREAT_MODEL.md").read_text(), re.MULTILINE)
    named = {threat: re.findall(r"`(tests/[a-z_/]+)`", cell) for threat, cell in rows}
    assert named.keys() == PROOFS.keys()
    assert {
        threat: [folder for folder in folders if not (ROOT / folder).is_dir()] for threat, folders in named.items()
    } == {threat: [] for threat in named}
    assert all(named.values())
