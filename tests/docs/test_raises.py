"""A docstring names no error that is not there any more."""

import ast
import builtins
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("schemas", "gateway", "adapters", "conformance", "clients", "demo")
_RAISES = re.compile(r"\bRaises?\b([^.:]*)")
_ERROR = re.compile(r"\b[A-Z]\w*Error\b")


def test_each_error_that_a_docstring_names_is_there() -> None:
    """As a class of the product, or of Python or a library: in use under its name."""
    known, named = set(dir(builtins)), set[tuple[str, str]]()
    for path in (path for part in PRODUCT for path in sorted((ROOT / part).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Attribute):
                known.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                known |= {one.name for one in node.names}
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                said = _RAISES.findall(ast.get_docstring(node) or "")
                named |= {(str(path.relative_to(ROOT)), error) for one in said for error in _ERROR.findall(one)}

    assert len(named) > 200
    assert [] == sorted(one for one in named if one[1] not in known)
