"""The tools that a partner's developers open the contract with: linters and client generators, at locked versions.

Fetched once with npm and pip into ``PASSERELLE_CONTRACT_TOOLS`` (default ``.cache/contract-tools``);
``python -m tests.clients.tools`` does only that. Without Node.js the tests are skipped; with ``CI=true`` they fail.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "requirements" / "contract"
NODE_SINCE = (20, 19)
FETCH_SECONDS = 600
RUN_SECONDS = 100


def missing() -> str | None:
    """The missing prerequisite on this machine, as a sentence; None when it has all."""
    wanted = ".".join(map(str, NODE_SINCE))
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"Node.js {wanted} or later, with npm, is not installed."
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", text)
    if version is None or (int(version[1]), int(version[2])) < NODE_SINCE:
        return f"Node.js {wanted} or later is needed, this machine has {text.strip() or 'none'}."
    return None


def node_modules() -> Path:
    """The folder of the locked npm packages."""

    def fetch(folder: Path) -> Path:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LOCKS / name, folder / name)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, seconds=FETCH_SECONDS)
        return folder / "node_modules"

    return cached("node_modules", (LOCKS / "package-lock.json").read_bytes(), fetch)


def python_packages() -> Path:
    """The folder of the locked Python packages, for ``PYTHONPATH``: apart from the gateway's own."""
    lock = LOCKS / "python.txt"

    def fetch(folder: Path) -> Path:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
        run(
            [*command, "--require-hashes", "--only-binary=:all:", "--target", "python", "-r", str(lock)],
            folder,
            seconds=FETCH_SECONDS,
        )
        return folder / "python"

    return cached("python", sys.version.encode() + lock.read_bytes(), fetch)


def run(
    command: Sequence[str], folder: Path, *, environ: Mapping[str, str] | None = None, seconds: float = RUN_SECONDS
) -> str:
    """What a command prints. Raises AssertionError with its output if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-6000:]}"
    return done.stdout


def cached(name: str, lock: bytes, fetch: Callable[[Path], Path]) -> Path:
    """The cached folder, named by its lock's digest: other versions are fetched again."""
    cache = Path(os.environ.get("PASSERELLE_CONTRACT_TOOLS") or ROOT / ".cache" / "contract-tools")
    folder = cache / hashlib.sha256(lock).hexdigest()[:12] / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            fetched = fetch(Path(fresh))
            if not folder.is_dir():
                fetched.rename(folder)
    return folder


if __name__ == "__main__":
    if (lacking := missing()) is not None:
        sys.exit(lacking)
    sys.stdout.write(f"{node_modules()}\n{python_packages()}\n")
