"""The oldest Python that is supported is that of Debian 12: 3.11.2."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "folder", ["adapters", "bench", "clients", "conformance", "demo", "gateway", "schemas", "tests"]
)
def test_no_code_handles_groups_by_except_star(folder: str) -> None:
    """Before Python 3.11.4 an error that is raised there becomes a group itself, and no caller knows it again
    (https://github.com/python/cpython/issues/103590).
    """
    files = [*(ROOT / folder).rglob("*.py")]
    assert files
    starred = [path for path in files if "except*" in (text := path.read_text("utf-8")) and _has_star(text)]
    assert [] == starred


def _has_star(text: str) -> bool:
    return any(isinstance(node, ast.TryStar) for node in ast.walk(ast.parse(text)))
