"""Trees with a changed copy of the package ``schemas``, as a release that does not exist yet."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from schemas.evolution.process import TREE
from schemas.packaged import read_json


def answers_in(tree: str, module: str, folder: Path) -> Any:
    """What a program of the tests writes that runs on a tree."""
    answers = folder / "answers.json"
    ended = subprocess.run(
        [sys.executable, "-m", module, str(answers)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == ended.returncode, ended.stderr
    return orjson.loads(answers.read_bytes())


def scratch_tree(folder: Path, schemas: Mapping[str, Any] | None = None, **files: Any) -> str:
    """A tree with some schemas changed, and other files of the package by path, ``__`` for each slash and without
    suffix, data before code; a function gets the file's content and returns the new one.
    """
    package = folder / "schemas"
    shutil.copytree(TREE / "schemas", package, ignore=shutil.ignore_patterns("releases", "__pycache__"))
    for name, body in (schemas or {}).items():
        written = read_json("json", f"{name}.schema.json")
        if body != written and name != "change":  # the package completes it
            (package / "json" / f"{name}.schema.json").write_bytes(orjson.dumps(body))
    for path, change in files.items():
        file = min(package.parent.glob(f"schemas/{path.replace('__', '/')}.*"), key=lambda found: found.suffix == ".py")
        if file.suffix == ".gz":
            file.write_bytes(gzip.compress(change(gzip.decompress(file.read_bytes()).decode()).encode()))
        elif file.suffix == ".json":
            file.write_bytes(orjson.dumps(change(orjson.loads(file.read_bytes()))))
        else:
            file.write_text(change(file.read_text()))
    return str(folder)
