"""The unit of systemd: it is valid, hardened, and fits the gateway."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.bootstrap import workers
from gateway.settings import Settings
from tests.deploy.programs import DEPLOY, ROOT, program

FOLDER = DEPLOY / "systemd"
UNIT = FOLDER / "passerelle.service"
MAX_EXPOSED = 20
"""Tenths, of 100, by the measure of ``systemd-analyze security``."""


def service() -> dict[str, list[str]]:
    """The values of each name in the section of the service."""
    section = re.split(r"(?m)^\[(\w+)\]$", UNIT.read_text())
    text = section[section.index("Service") + 1]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"(?m)^(\w+)=(.*)$", text):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """With a program at the place that it names: without one ``verify`` refuses every unit."""
    [command] = service()["ExecStart"]
    binary = tmp_path / "passerelle"
    shutil.copy("/bin/true", binary)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(command.split()[0], str(binary)))
    ended = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (ended.returncode, "".join(line for line in ended.stderr.splitlines() if UNIT.name in line))


@pytest.mark.systemd
def test_the_service_is_little_exposed() -> None:
    command = [program("systemd-analyze"), "security", "--offline=yes", f"--threshold={MAX_EXPOSED}", str(UNIT)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == ended.returncode, ended.stdout[-3_000:] + ended.stderr


def test_it_may_do_what_the_gateway_does() -> None:
    """The gateway lowers the priority of processes and bounds their resources; it reads the machine's boot id."""
    found = service()
    filters = found["SystemCallFilter"]
    assert "@system-service" == filters[0]
    assert not any("@resources" in one or "@process" in one for one in filters[1:])
    assert "ProcSubset" not in found
    assert {"AF_INET", "AF_INET6", "AF_UNIX"} == set(found["RestrictAddressFamilies"][0].split())
    assert "MemoryDenyWriteExecute" not in found, "cffi needs executable memory"


def test_it_ends_in_time_and_starts_again() -> None:
    found = service()
    assert ["always"] == found["Restart"]
    assert int(found["TimeoutStopSec"][0]) > workers._STOP_SECONDS
    assert int(found["LimitNOFILE"][0]) >= 4_096
    assert ["passerelle"] == found["User"] == found["StateDirectory"]
    assert "PASSERELLE_DATA=/var/lib/passerelle" in found["Environment"][0].split()


def test_its_settings_are_valid() -> None:
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their capitals
    parser.read_string("[settings]\n" + (FOLDER / "passerelle.env").read_text())
    settings = Settings.from_env(dict(parser["settings"]))
    assert ("127.0.0.1", "https://passerelle.example.org") == (settings.proxies, settings.public_url)


def test_the_guide_installs_what_the_unit_names() -> None:
    """By the same two commands of pip as the image, which the tests build."""
    guide = (DEPLOY.parent / "docs/install.md").read_text().partition("## Install on a server\n")[2]
    [block] = re.findall(r"^```\n(.*?)^```", guide.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    pip = re.findall(r"/opt/passerelle/bin/pip install (?:--no-cache-dir )?(.*?)(?: \\)?$", block, re.MULTILINE)
    image = re.findall(
        r"/bin/pip install --no-cache-dir (.*?)(?: \\)?$", (ROOT / "Containerfile").read_text(), re.MULTILINE
    )
    assert 2 == len(pip)
    assert pip == image
    installed = dict(re.findall(r"^sudo install .*?(deploy/\S+) (\S+)$", block, re.MULTILINE))
    assert all((ROOT / source).is_file() for source in installed)
    found = service()
    paths = {found["EnvironmentFile"][0], f"/etc/systemd/system/{UNIT.name}", "/usr/local/bin/passerelle"}
    assert paths == set(installed.values())
    assert found["ExecStart"][0].startswith("/opt/passerelle/bin/passerelle ")
    assert f"--home-dir {found['WorkingDirectory'][0]} " in block
