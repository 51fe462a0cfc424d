"""The image: the Containerfile copies every file that the gateway needs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "gateway", "adapters", "passerelle_client")
CLIENT = ROOT / "clients" / "python"
IMPORT_ALL = """
import importlib, pkgutil
for package in {packages}:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def copied(text: str) -> list[tuple[list[str], str]]:
    """Files named by the COPY lines of the build, and their targets in its working folder."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    return [(sources, target) for *sources, target in map(str.split, lines)]


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """A key or a log beside the sources would else be in the context of every build."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    wanted = {source for sources, _ in copied((ROOT / "Containerfile").read_text()) for source in sources}
    assert "*" == lines[0]
    assert wanted == {line[1:] for line in lines if line.startswith("!")}
    assert ["**/__pycache__"] == [line for line in lines[1:] if not line.startswith("!")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gateway as the image installs it, from the copied files only."""
    folder = tmp_path_factory.mktemp("image")
    context, site = folder / "src", folder / "site"
    context.mkdir()
    for sources, target in copied((ROOT / "Containerfile").read_text()):
        for source in sources:
            target_path = context / target / source if target.endswith("/") else context / target
            target_path.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target_path, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, target_path)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(site), str(context)]
    subprocess.run(command, check=True)
    return site


def command(*arguments: str) -> list[str]:
    """A Python that reads no ``.pth``: it knows the locked packages, and not the checkout beside them."""
    return [sys.executable, "-S", *arguments]


def environment(installed: Path, data: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join([str(installed), sysconfig.get_path("purelib")]),
        "PATH": os.environ["PATH"],
        "PASSERELLE_DATA": str(data),
        "PASSERELLE_PORT": "0",
        "PASSERELLE_MANAGEMENT_PORT": "0",
    }


def test_every_module_of_the_gateway_can_be_imported(installed: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        command("-c", IMPORT_ALL.format(packages=PACKAGES)),
        cwd=tmp_path,
        env=environment(installed, tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_that_the_code_reads_is_installed_with_it(installed: Path, package: str) -> None:
    def files(root: Path) -> set[Path]:
        found = (path for path in (root / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(root) for path in found}

    assert files(CLIENT if package == "passerelle_client" else ROOT) == files(installed)


def test_the_gateway_starts(installed: Path, tmp_path: Path) -> None:
    serving = subprocess.Popen(
        command("-c", "from gateway.cli import main; main()", "serve"),
        cwd=tmp_path,
        env=environment(installed, tmp_path / "data"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    try:
        events = (json.loads(line)["event"] for line in serving.stdout)
        assert "gateway.started" in events
        serving.send_signal(signal.SIGTERM)
        assert 0 == serving.wait(60)
    finally:
        serving.kill()
        serving.communicate()
