"""Build the kit's wheel: the package ``passerelle_conformance``, with private copies inside of ``schemas`` and of what
the mock needs of the gateway.

``python conformance/packaging/build.py DIST``; a final ``--pex`` (``make kit``) also builds a single file with all
dependencies for this platform, and writes the bill of materials (CycloneDX).

A folder ``schemas`` in a partner's project would shadow a package of that name; so the copy is
``passerelle_conformance._schemas``, as are ``_gateway`` and ``_adapters``, and every import is rewritten.

The same commit gives the same bytes: timestamps are the commit's, modes and environment are fixed, and the build tools
and dependencies are those of the lock. ``SHA256SUMS`` beside the files has their digests.
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "passerelle_conformance"
_COPIED = ("schemas", "gateway", "adapters")
_NAMES: Mapping[str, str] = {"conformance": PACKAGE, **{name: f"{PACKAGE}._{name}" for name in _COPIED}}
_IMPORT = re.compile(rf"^(?P<head>\s*(?:from|import)\s+)(?P<name>{'|'.join(_NAMES)})(?P<rest>\b[^\n]*)$", re.MULTILINE)
_MOCK = "gateway.mock.host"
_LEFT_OUT = ("packaging", "__pycache__")
_LOCK = ROOT / "requirements/run.txt"
_FOLDER_MODE, _FILE_MODE, _UMASK = 0o755, 0o644, 0o022
_FIRST_ZIP_TIME = 315_532_800
"""1980-01-01, the earliest time of an entry in a ZIP file."""


def rewrite(source: str) -> str:
    """The source with its imports of our packages rewritten to the wheel's."""

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
    for file in needed():
        copy = package / f"_{file.relative_to(ROOT)}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    for file in package.rglob("*.py"):
        file.write_text(rewrite(file.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.copy(Path(__file__).with_name("wheel.toml"), folder / "pyproject.toml")
    shutil.copy(ROOT / "LICENCE", folder / "LICENCE")
    shutil.copy(ROOT / "docs/conformance/README.md", folder / "README.md")
    for path in folder.rglob("*"):
        path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)


def needed() -> list[Path]:
    """The files of the gateway and the adapters that the mock imports, directly or not, with the data beside them."""
    found: set[Path] = set()
    waiting = [_MOCK]
    while waiting:
        for file in _files_of(waiting.pop()):
            if file not in found:
                found.add(file)
                waiting += _imports_of(file)
    data = {data for folder in {file.parent for file in found} for data in folder.glob("*.json")}
    return sorted(found | data)


def _files_of(module: str) -> list[Path]:
    """The file of a module and those of the packages that it is in; of a name within a module, the module's."""
    parts = module.split(".")
    if parts[0] not in {"gateway", "adapters"}:
        return []
    folders = [ROOT.joinpath(*parts[:number]) for number in range(1, len(parts) + 1)]
    files = [*(folder / "__init__.py" for folder in folders), folders[-1].with_suffix(".py")]
    return [file for file in files if file.is_file()]


def _imports_of(file: Path) -> list[str]:
    """The names that a file imports, but for the type check alone."""
    names: list[str] = []
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Import):
            names += [one.name for one in node.names]
        waiting += ast.iter_child_nodes(node)
    return names


def build(destination: Path) -> Path:
    """Build the wheel into a folder; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "source"), Path(folder, "made")
        source.mkdir()
        assemble(source)
        _run("pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(made), str(source))
        return _keep(next(made.iterdir()), destination, _FILE_MODE)


def build_pex(wheel: Path) -> Path:
    """Build the PEX file beside the wheel, with the locked dependencies for this platform and this Python."""
    file = f"passerelle-conformance-{sysconfig.get_platform()}-{_python_tag()}.pex"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, file)
        options = ("--no-pypi", "--find-links", str(_locked_wheels()), "--console-script", "passerelle-conformance")
        _run("pex", str(wheel), *options, "--output-file", str(made))
        return _keep(made, wheel.parent, _FOLDER_MODE)


def write_bill(wheel: Path) -> Path:
    """Write the software bill of materials beside the wheel: the locked packages that it needs."""
    project = tomllib.loads(Path(__file__).with_name("wheel.toml").read_text(encoding="utf-8"))["project"]
    roots = [re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0] for one in project["dependencies"]]
    version = wheel.name.split("-")[1]
    file = wheel.with_name(f"{project['name']}-{version}.cdx.json")
    _execute(str(ROOT / "requirements/sbom.py"), project["name"], version, str(file), *roots)
    file.chmod(_FILE_MODE)
    return file


def write_digests(files: Iterable[Path]) -> str:
    """Write ``SHA256SUMS`` beside the files, in the form of ``sha256sum``; returns its text."""
    listed = sorted(files)
    text = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in listed)
    listed[0].with_name("SHA256SUMS").write_text(text, encoding="utf-8")
    return text


def _locked_wheels() -> Path:
    """The folder with the wheels of the lock, their hashes verified. Only its first build asks the package index."""
    digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:16]
    folder = ROOT / ".cache" / "kit" / f"{digest}-{_python_tag()}"
    complete = folder / ".complete"
    if not complete.exists():
        _run("pip", "wheel", "--quiet", "--require-hashes", "--no-deps", "-r", str(_LOCK), "--wheel-dir", str(folder))
        complete.touch()
    return folder


def _python_tag() -> str:
    return f"py{sys.version_info.major}{sys.version_info.minor}"


def _keep(file: Path, destination: Path, mode: int) -> Path:
    destination.mkdir(parents=True, exist_ok=True)
    kept = Path(shutil.copyfile(file, destination / file.name))
    kept.chmod(mode)
    return kept


def _run(module: str, *arguments: str) -> None:
    """Run a locked build tool."""
    _execute("-m", module, *arguments)


def _execute(*arguments: str) -> None:
    """Run Python in an environment that is the same everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PEX_", "PYTHON"))}
    fixed = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(_commit_time())}
    subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, *arguments], check=True, umask=_UMASK, env={**kept, **fixed}
    )


def _commit_time() -> int:
    """The time of the commit. Without a repository: that of ``SOURCE_DATE_EPOCH``, or the first of ZIP files."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own command line
    except (OSError, subprocess.CalledProcessError):
        return int(os.environ.get("SOURCE_DATE_EPOCH", _FIRST_ZIP_TIME))
    return int(done.stdout)


if __name__ == "__main__":
    built = [build(Path(sys.argv[1]))]
    if "--pex" in sys.argv[2:]:
        built += [build_pex(built[0]), write_bill(built[0])]
    sys.stdout.write(write_digests(built))
