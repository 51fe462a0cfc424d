"""This version is the release on file under its name."""

from schemas.evolution.answer import facts
from schemas.evolution.process import TREE
from schemas.evolution.record import find_remedy


def test_what_decides_verdicts_is_recorded() -> None:
    assert "" == find_remedy(facts(), (TREE / "CHANGELOG.md").read_text())
