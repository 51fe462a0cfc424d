"""``make release`` refuses an unready release with all reasons, and builds a wheel of a ready one."""

import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from schemas.evolution.process import PROGRAM, names
from schemas.evolution.record import program_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "requirements" / "release.py"
URL = "https://forge.collectivite.fr/stages/passerelle.git"
BASE, DIGEST = "ARG BASE=docker.io/library/python:3.13-slim", "sha256:" + "0123456789abcdef" * 4
_COPIED = ("schemas", "gateway", "adapters", "conformance", "pyproject.toml", "README.md", "LICENCE")
_IGNORED = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")


def release(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), str(root)], capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that is ready: this one with the publisher's address, a day, the image's base, its rules recorded."""
    for name in ("pyproject.toml", "CHANGELOG.md", "publiccode.yml", "Containerfile"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("clients", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_IGNORED)
    (tmp_path / "schemas" / "releases" / names()[-1] / PROGRAM).write_bytes(program_of(tmp_path))
    change(tmp_path / "Containerfile", BASE, f"{BASE}@{DIGEST}")
    change(tmp_path / "CHANGELOG.md", "## 0.1.0 — unreleased", "## 0.1.0 — 2027-01-31")
    publiccode = yaml.safe_load((tmp_path / "publiccode.yml").read_text())
    publiccode |= {"url": URL, "releaseDate": "2027-01-31"}
    (tmp_path / "publiccode.yml").write_text(yaml.safe_dump(publiccode, allow_unicode=True))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_this_tree_keeps_the_placeholder_that_no_release_may_keep() -> None:
    """The publisher of a release sets the address; all else that the standard requires is there."""
    found = runpy.run_path(str(SCRIPT))["problems"](ROOT)
    assert [line for line in found if line.startswith("publiccode.yml")] == [
        "publiccode.yml: url holds the placeholder “example”; set the publisher's own value"
    ]
    ended = release(ROOT)
    assert (1, True) == (ended.returncode, "url holds the placeholder" in ended.stderr)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("publiccode.yml", URL, "https://example.org/passerelle", "url holds the placeholder"),
        ("publiccode.yml", URL, "http://forge.collectivite.fr/passerelle", "url is no https address"),
        ("publiccode.yml", f"url: {URL}", "url: ''", "url is missing"),
        ("publiccode.yml", "license: EUPL-1.2", "license: ''", "legal.license is missing"),
        ("publiccode.yml", "Passerelle maintainers", "REPLACE by a name", "maintenance.contacts[0].name holds"),
        ("publiccode.yml", "softwareVersion: 0.1.0", "softwareVersion: 0.2.0", "softwareVersion is not 0.1.0"),
        ("publiccode.yml", "2027-01-31", "2027-02-01", "releaseDate is not 2027-01-31"),
        ("publiccode.yml", "shortDescription: ", "other: ", "shortDescription must have 1 to 150"),
        ("CHANGELOG.md", "2027-01-31", "unreleased", "0.1.0 is “unreleased”"),
        ("CHANGELOG.md", "## 0.1.0", "## 0.0.9", "the first section is not that of 0.1.0"),
        ("Containerfile", f"@{DIGEST}", "", "BASE is docker.io/library/python:3.13-slim; name"),
        ("Containerfile", DIGEST, DIGEST[:-1], "BASE is docker.io/library/python:3.13-slim@sha256"),
        ("schemas/rules/week.py", "AHEAD = 400", "AHEAD = 500", "schemas/releases: no release on file gives"),
        ("pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"', "the first section is not that of 0.2.0"),
        ("clients/python/pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"', "is 0.2.0, not 0.1.0"),
    ],
)
def test_an_unready_release_is_refused_by_name_and_not_built(
    tree: Path, file: str, old: str, new: str, said: str
) -> None:
    change(tree / file, old, new)
    ended = release(tree)
    assert (1, True) == (ended.returncode, said in ended.stderr), ended.stderr
    assert not (tree / "dist").exists()


def test_a_ready_release_becomes_a_wheel(tree: Path) -> None:
    for name in _COPIED[1:4]:
        shutil.copytree(ROOT / name, tree / name, ignore=_IGNORED)
    for name in _COPIED[4:]:
        shutil.copy(ROOT / name, tree / name)
    ended = release(tree)
    built = (
        "Built: passerelle-0.1.0-py3-none-any.whl passerelle_client-0.1.0-py3-none-any.whl passerelle-0.1.0.cdx.json\n"
    )
    assert (0, built) == (ended.returncode, ended.stdout), ended.stderr
    bill = json.loads((tree / "dist/passerelle-0.1.0.cdx.json").read_text())
    assert ("CycloneDX", True) == (bill["bomFormat"], len(bill["components"]) > 30)
    with zipfile.ZipFile(next((tree / "dist").glob("passerelle-*.whl"))) as wheel:
        names = set(wheel.namelist())
    with zipfile.ZipFile(next((tree / "dist").glob("passerelle_client-*.whl"))) as wheel:
        of_client = {name for name in wheel.namelist() if name.startswith("passerelle_client/")}
    assert {"passerelle_client/words.json", "passerelle_client/py.typed"} < of_client < names
    recorded = "schemas/releases/1.0-2026.11/verdict.pyz"
    assert {"gateway/cli/app.py", "schemas/catalogue/http.json", "gateway/runtime/lock.py", recorded} <= names
    assert [] == [name for name in names if name.startswith("demo/")], "an operator installs no demo"
