"""Build the kit's wheel: the package ``passerelle_conformance``, with a private copy of ``schemas`` inside.

``python conformance/packaging/build.py DIST``; a final ``--pex`` (``make kit``) also builds a single file with all
dependencies for this platform. A folder ``schemas`` in a partner's project would shadow a package of that name; so the
copy is ``passerelle_conformance._schemas``, and every import is rewritten.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "passerelle_conformance"
_NAMES: Mapping[str, str] = {"conformance": PACKAGE, "schemas": f"{PACKAGE}._schemas"}
_IMPORT = re.compile(r"^(?P<head>\s*(?:from|import)\s+)(?P<name>conformance|schemas)(?P<rest>\b[^\n]*)$", re.MULTILINE)
_LEFT_OUT = ("packaging", "__pycache__")


def rewrite(source: str) -> str:
    """The source with its imports of ``conformance`` and ``schemas`` rewritten to the wheel's packages."""

    def rename(found: re.Match[str]) -> str:
        name, rest = found["name"], found["rest"]
        if found["head"].strip() == "import":
            if rest.startswith("."):
                raise ValueError(f"write from … import, for the wheel: {found[0]!r}")
            parent, _, last = _NAMES[name].rpartition(".")
            plain = (
                f"{found['head']}{_NAMES[name]}"
                if not parent
                else f"{_indent(found['head'])}from {parent} import {last}"
            )
            return plain + (f" as {name}" if last != name or not parent else "") + rest
        return f"{found['head']}{_NAMES[name]}{rest}"

    return _IMPORT.sub(rename, source)


def _indent(head: str) -> str:
    return head[: len(head) - len(head.lstrip())]


def assemble(folder: Path) -> None:
    """Write the wheel's project into an empty folder."""
    ignore = shutil.ignore_patterns(*_LEFT_OUT)
    package = folder / PACKAGE
    shutil.copytree(ROOT / "conformance", package, ignore=ignore)
    shutil.copytree(ROOT / "schemas", package / "_schemas", ignore=ignore)
    for file in package.rglob("*.py"):
        file.write_text(rewrite(file.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.copy(Path(__file__).with_name("wheel.toml"), folder / "pyproject.toml")
    shutil.copy(ROOT / "LICENCE", folder / "LICENCE")
    shutil.copy(ROOT / "docs/conformance/README.md", folder / "README.md")


def build(destination: Path) -> Path:
    """Build the wheel into a folder; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        assemble(Path(folder))
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(destination),
            folder,
        ]
        subprocess.run([*command, "--quiet"], check=True)  # noqa: S603  # our own command line
    return next(destination.glob(f"{PACKAGE}-*.whl"))


def build_pex(wheel: Path) -> None:
    """Build the PEX file beside the wheel, with the dependencies for this platform and this Python."""
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    file = wheel.with_name(f"passerelle-conformance-{sysconfig.get_platform()}-{python}.pex")
    command = [sys.executable, "-m", "pex", str(wheel), "--console-script", "passerelle-conformance"]
    subprocess.run([*command, "--output-file", str(file)], check=True)  # noqa: S603  # our own command line


if __name__ == "__main__":
    made = build(Path(sys.argv[1]))
    if "--pex" in sys.argv[2:]:
        build_pex(made)
