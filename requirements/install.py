"""Install the project into .venv from the hash-locked lists: ``install.py run|demo|dev``. Standard library only.

uv, which pip installs from a lock of its own, does it in a tenth of pip's time; where it fails, pip does it.
"""

# ruff: noqa: INP001, T201, S603 - a script of its own that talks to its user and runs pip
import ast
import hashlib
import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
LOG = VENV / "install.log"
INSTALLER = ROOT / "requirements" / "uv.txt"
PIP = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar=off"]


def main(kind: str) -> int:
    """Bring .venv to the state of the lock. Returns 0 on success."""
    lock = ROOT / "requirements" / f"{kind}.txt"
    wanted = lock.read_bytes()
    if _works() and any(_stamp(one).exists() and _stamp(one).read_text() == _state(one) for one in {kind, "dev"}):
        return 0
    if not _works():
        print(f"Creating .venv with Python {sys.version.split()[0]}", flush=True)
        venv.create(VENV, clear=VENV.exists(), with_pip=True)
    LOG.write_text("")
    count = len(re.findall(rb"^[a-z0-9._-]+==", wanted, re.MULTILINE))
    print(f"Installing {count} locked packages (requirements/{kind}.txt, hashes verified)", flush=True)
    locked = [*PIP, "--require-hashes", "-r", str(lock)]
    wheels = [*locked, "--only-binary=:all:"]
    if not (_uv(lock) or _logged(wheels) or _retry(locked)):
        return 1
    if not _logged([*PIP, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)]):
        return _failed()
    _stamp(kind).write_text(_state(kind))
    print("Ready: .venv/bin/passerelle --help", flush=True)
    return 0


def _state(kind: str) -> str:
    """Digest of the files that an installation of this kind depends on; ``dev`` includes both others."""
    sources = (ROOT / "requirements" / f"{kind}.txt", ROOT / "pyproject.toml")
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _stamp(kind: str) -> Path:
    return VENV / f".installed-{kind}"


def _works() -> bool:
    """Whether the Python in .venv runs: the one that it was created from may have been removed."""
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-c", "import pip"], capture_output=True, check=False).returncode == 0


def _uv(lock: Path) -> bool:
    """Install a list with uv, from the index that pip is configured to use. Returns False if that did not work."""
    configured = _configuration()
    uv = [str(PYTHON), "-m", "uv", "pip", "install", "--python", str(PYTHON), "--require-hashes", "-r", str(lock)]
    uv += ["--only-binary", ":all:", "--compile-bytecode"]  # else the first processes compile it, each for itself
    handed_on = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX": "extra-index-url", "SSL_CERT_FILE": "cert"}
    said = {name: " ".join(configured[option].split()) for name, option in handed_on.items() if option in configured}
    if "no-index" in configured or not _logged([*PIP, "--require-hashes", "-r", str(INSTALLER)]):
        return False
    return _logged(uv, os.environ | said)


def _configuration() -> dict[str, str]:
    """The settings of pip by option, from its files and the environment."""
    listed = subprocess.run([*PIP[:-2], "config", "list"], capture_output=True, text=True, check=False).stdout
    pairs = (line.partition("=") for line in listed.splitlines())
    return {name.rpartition(".")[2]: str(ast.literal_eval(value)) for name, _, value in pairs if value}


def _retry(locked: list[str]) -> bool:
    """Build packages without a wheel for this machine from their locked source; any other failure ends here."""
    if "No matching distribution" in LOG.read_text():
        print("Some packages have no wheel for this machine; building them, which needs a C compiler", flush=True)
        if _logged(locked):
            return True
    return not _failed()


def _failed() -> int:
    """Print the end of the log and the next step; 1, the exit code."""
    print("\n".join(LOG.read_text().splitlines()[-12:]), file=sys.stderr)
    print(
        f"\nThe set-up failed; the whole log is {LOG.relative_to(ROOT)}. Next step: check that pip reaches its package "
        "index (pip config list), then run make again: downloads are kept.",
        file=sys.stderr,
    )
    return 1


def _logged(command: list[str], environ: Mapping[str, str] | None = None) -> bool:
    """Run a command, with its output in the log; on a terminal, one line shows how far it is."""
    with (
        LOG.open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            if sys.stdout.isatty():
                print(f"\r\x1b[2K  {line.strip()[:76]}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r\x1b[2K", end="", flush=True)
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
