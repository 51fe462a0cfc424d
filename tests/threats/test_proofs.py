"""The threat model and its tests name each other: no line without a test, no test for a line that is not there."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.threats.proofs import PROOFS

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (T-[0-9]{2}) \|.*\| ([^|]+) \|$", re.MULTILINE)
_ID = re.compile(r"\bT-[0-9]{2}\b")


def lines() -> dict[str, set[str]]:
    """Every line of the table, and the folders that it cites."""
    rows = _ROW.findall((ROOT / "THREAT_MODEL.md").read_text())
    return {threat: set(re.findall(r"`(tests/[a-z_/]+)`", cell)) for threat, cell in rows}


@cache
def functions(path: str) -> set[str]:
    """The names of all functions in a file, methods included."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, kinds)}


def test_every_line_has_proofs_and_every_proof_its_line() -> None:
    assert sorted(PROOFS) == sorted(lines())
    assert all(PROOFS.values())


def test_every_proof_exists() -> None:
    named = {proof for proofs in PROOFS.values() for proof in proofs}
    assert [
        proof for proof in sorted(named) if proof.rpartition("::")[2] not in functions(proof.partition("::")[0])
    ] == []


def test_each_line_cites_the_folders_of_its_proofs() -> None:
    folders = {
        threat: {proof.partition("::")[0].rpartition("/")[0] for proof in proofs} for threat, proofs in PROOFS.items()
    }
    assert folders == lines()


def test_no_test_names_an_unknown_threat() -> None:
    named = {found for path in (ROOT / "tests").rglob("*.py") for found in _ID.findall(path.read_text())}
    assert sorted(named - set(lines())) == []
