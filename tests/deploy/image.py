"""The image of the Containerfile, built without a daemon or a registry: buildah, on a base that mmdebstrap makes.

The base is Debian's Python without the scripts of its packages, which is quicker, with the libraries that every Debian
image has; it is kept in ``.cache/image``.
"""

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.tether import tether, tethered
from tests.deploy.programs import ROOT, program

CACHE = ROOT / ".cache" / "image"
_PACKAGES = "base-files,base-passwd,dash,coreutils,libstdc++6,python3,python3-venv,ca-certificates"
_LEFT_OUT = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
_HOOK = "/usr/share/mmdebstrap/hooks/merged-usr"
_MAKE_BASE = [
    "--mode=root",
    "--variant=extract",
    "--format=tar",
    '--aptopt=Acquire::Languages "none"',
    *_LEFT_OUT,
    *([f"--hook-dir={_HOOK}"] if Path(_HOOK).is_dir() else []),
    f"--include={_PACKAGES}",
]


def release() -> str:
    """The Debian release of this machine, whose packages its sources have."""
    lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return lines["VERSION_CODENAME"].strip('"')


def mirror() -> str:
    """Where the sources of this machine have that release."""
    form = ["--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    ended = subprocess.run([program("apt-get"), "indextargets", *form], capture_output=True, text=True, check=True)
    found = [line.split(" ", 2)[2] for line in ended.stdout.splitlines() if line.startswith(f"{release()} main ")]
    assert found, f"no source of apt on this machine has {release()} main"
    return found[0]


def base() -> Path:
    """The base as a tar file, made once."""
    name = hashlib.sha256(json.dumps([release(), _MAKE_BASE]).encode()).hexdigest()[:12]
    path = CACHE / f"base-{name}.tar"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        source = f"deb {mirror()} {release()} main"
        command = [program("mmdebstrap"), *_MAKE_BASE, release(), str(part), source]
        subprocess.run(command, check=True, capture_output=True, text=True)
        part.rename(path)
    return path


def pip_settings() -> dict[str, str]:
    """How this machine's pip reaches packages; the environment prevails over its files."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.partition("=") for line in ended.stdout.splitlines()]
    found = {key.rpartition(".")[2]: value.strip("'\"") for key, _, value in sorted(lines, reverse=True)}
    return {name: found[name] for name in ("index-url", "extra-index-url", "trusted-host", "cert") if name in found}


class Buildah:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._command = [program("buildah"), f"--root={folder / 'store'}", f"--runroot={folder / 'run'}"]
        self._command.append("--storage-driver=overlay")

    def __call__(self, *arguments: str) -> str:
        """The standard output of a command. Raises AssertionError with its other output when it fails."""
        ended = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False)
        assert 0 == ended.returncode, ended.stderr[-4_000:]
        return ended.stdout.strip()

    def build(self) -> dict[str, Any]:
        """Build the image ``passerelle``. Returns its configuration."""
        self("from", "--name=base", "scratch")
        self("add", "base", str(base()), "/")
        self("commit", "--quiet", "--rm", "base", "localhost/base")
        how = ["--isolation=chroot", "--format=docker", "--layers=false", "--pull=never"]
        file, tag = f"--file={ROOT / 'Containerfile'}", "--tag=localhost/passerelle"
        self("bud", *how, "--build-arg=BASE=localhost/base", *self._pip(), file, tag, str(ROOT))
        found: dict[str, Any] = json.loads(self("inspect", "--type=image", "localhost/passerelle"))["Docker"]
        return found

    def _pip(self) -> list[str]:
        """This machine's way to the packages, mounted for the build alone."""
        lines, mounts = ["[global]", "disable-pip-version-check = true", "progress-bar = off"], []
        found = pip_settings()
        if authority := found.pop("cert", None):
            lines.append("cert = /etc/ssl/pip.crt")
            mounts.append(f"--volume={authority}:/etc/ssl/pip.crt:ro")
        settings = self._folder / "pip.conf"
        settings.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in found.items())]) + "\n")
        return [*mounts, f"--volume={settings}:/etc/pip.conf:ro"]

    @contextmanager
    def container(self) -> Iterator[tuple[str, Path]]:
        """A container of the image: its name and its files."""
        name = self("from", "--pull-never", "localhost/passerelle")
        try:
            yield name, Path(self("mount", name))
        finally:
            self("rm", name)

    @contextmanager
    def running(self, name: str, command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command in a container, under the image's user."""
        settings = [f"--env={key}={value}" for key, value in environment.items()]
        words = [*self._command, "run", "--isolation=chroot", *settings, name, "--", *command]
        process = subprocess.Popen(tethered(words), pass_fds=tether(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)

    def remove(self) -> None:
        """Remove containers, images and mounts."""
        self("rm", "--all")
        self("rmi", "--all", "--force")
