"""The set-up on a fresh machine: the Python that it finds, its message without one, and the locks."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FIND = ROOT / "requirements" / "find-python"


def find(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``find-python`` where only what is in this folder can be found."""
    known = {"PATH": str(folder), "HOME": str(folder), **environ}
    return subprocess.run(["/bin/sh", str(FIND)], env=known, capture_output=True, text=True, check=False)


def make_python(path: Path, version: str, *, venv: bool) -> None:
    """A program that answers like a Python of that version."""
    major, minor = version.split(".")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""#!/bin/sh
case "$2" in
    *ensurepip*) [ {int(venv)} = 1 ] || exit 1 ;;
    *sys.executable*) echo "$0"; exit 0 ;;
esac
[ {major} -eq 3 ] && [ {minor} -ge 11 ]
"""
    )
    path.chmod(0o755)


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    make_python(tmp_path / "python3", "3.9", venv=True)
    make_python(tmp_path / "python3.12", "3.12", venv=True)
    assert f"{tmp_path}/python3.12\n" == find(tmp_path).stdout


def test_a_python_of_pyenv_is_found(tmp_path: Path) -> None:
    make_python(tmp_path / "python3", "3.9", venv=True)
    kept = tmp_path / ".pyenv" / "versions" / "3.13.0" / "bin" / "python"
    make_python(kept, "3.13", venv=True)
    assert f"{kept}\n" == find(tmp_path).stdout


def test_a_chosen_python_is_used(tmp_path: Path) -> None:
    make_python(tmp_path / "python3", "3.12", venv=True)
    make_python(tmp_path / "mine", "3.11", venv=True)
    assert f"{tmp_path}/mine\n" == find(tmp_path, PYTHON=str(tmp_path / "mine")).stdout


@pytest.mark.parametrize(
    ("version", "said"), [("3.9", "No Python 3.11 or newer was found"), ("3.12", "has no venv module")]
)
def test_without_a_python_the_next_step_is_printed(tmp_path: Path, version: str, said: str) -> None:
    make_python(tmp_path / "python3", version, venv=False)
    ended = find(tmp_path)
    assert (1, "") == (ended.returncode, ended.stdout)
    assert said in ended.stderr
    assert "Next step: " in ended.stderr


def test_the_python_that_runs_these_tests_would_do(tmp_path: Path) -> None:
    assert sys.executable == find(tmp_path, PYTHON=sys.executable, PATH=os.environ["PATH"]).stdout.strip()


@pytest.mark.parametrize("kind", ["run", "demo", "dev"])
def test_locks_pin_every_package_with_hashes_and_name_no_host(kind: str) -> None:
    text = (ROOT / "requirements" / f"{kind}.txt").read_text()
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==[^ ]+", text, re.MULTILINE)
    with_hash = re.findall(r"^([a-z0-9][a-z0-9._-]*)==.*\\\n +--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(pinned) > 40
    assert pinned == with_hash
    assert re.search(r"://|^--|^-[a-z]| @ |file:", text, re.MULTILINE) is None


def test_locks_hold_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {
        "run": project["dependencies"],
        "demo": [*project["dependencies"], *project["optional-dependencies"]["demo"]],
        "dev": [*project["dependencies"], *project["optional-dependencies"]["dev"]],
    }
    for kind, requirements in asked.items():
        text = (ROOT / "requirements" / f"{kind}.txt").read_text()
        found = [re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements]
        assert None not in found
        names = {name[0].lower() for name in found if name is not None}
        assert set() == {name for name in names if f"\n{name}==" not in f"\n{text}"}
