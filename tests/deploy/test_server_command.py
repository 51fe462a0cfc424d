"""The command ``passerelle`` on a server: root's, run as the gateway's user with the gateway's settings."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.cli.console import CommandError
from tests.deploy.programs import DEPLOY

pytestmark = pytest.mark.slow

SCRIPT = DEPLOY / "systemd/passerelle"
UNIT = DEPLOY / "systemd/passerelle.service"
NOBODY = 65_534
SHOW = """#!/bin/sh
id -u; id -g; umask
echo "$PASSERELLE_DATA|$PASSERELLE_PUBLIC_URL|$PASSERELLE_LEGAL_HOST|$FEED_BRETAGNE|${PASSERELLE_OPERATOR:-}|$LOGNAME"
for one in "$@"; do echo "<$one>"; done
exit 7
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


def run(folder: Path, *words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The script with the folders of the test: nothing else of it is altered."""
    data = folder / "data"
    if not data.exists():
        data.mkdir(mode=0o700)
        os.chown(data, NOBODY, NOBODY)
        (folder / "settings.env").write_text(
            "# the settings\n\nPASSERELLE_PUBLIC_URL=https://passerelle.example.org/a=b\n"
            "  PASSERELLE_LEGAL_HOST=\"Hôte, 1 rue d'Ici\" \nFEED_BRETAGNE='a$b'"
        )
        (folder / "show").write_text(SHOW)
        (folder / "show").chmod(0o755)
        folder.chmod(0o755)
    paths = {"SETTINGS": folder / "settings.env", "DATA": data, "PROGRAM": folder / "show"}
    text, replaced = re.subn(
        r"(?m)^(SETTINGS|DATA|PROGRAM)=.*$", lambda m: f"{m[1]}='{paths[m[1]]}'", SCRIPT.read_text()
    )
    assert 3 == replaced
    command = ["sh", "-c", text, "passerelle", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], **environ}
    )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can enter, which those of pytest are not."""
    with TemporaryDirectory(dir="/tmp") as folder:  # a new folder of our own there
        yield Path(folder)


@as_root
def test_it_runs_as_the_gateways_user_with_its_settings_and_the_name_of_the_person(open_folder: Path) -> None:
    """SEC-017: the journal names who called sudo."""
    ended = run(open_folder, "status", "a b", environ={"SUDO_USER": "jeanne", "LOGNAME": "root"})
    values = f"{open_folder}/data|https://passerelle.example.org/a=b|Hôte, 1 rue d'Ici|a$b|jeanne|nobody"
    assert [str(NOBODY), str(NOBODY), "0077", values, "<status>", "<a b>"] == ended.stdout.splitlines()
    assert (7, "") == (ended.returncode, ended.stderr)
    nobody_named = run(open_folder, "status", environ={})
    assert nobody_named.stdout.splitlines()[3].endswith("|a$b||nobody")


def test_the_paths_are_those_of_the_unit() -> None:
    script, unit = SCRIPT.read_text(), UNIT.read_text()
    for name, pattern in {
        "SETTINGS": r"EnvironmentFile=(.*)",
        "DATA": r"PASSERELLE_DATA=(\S+)",
        "PROGRAM": r"ExecStart=(\S+)",
    }.items():
        [found] = re.findall(pattern, unit)
        assert f"\n{name}={found}\n" in script


@contextmanager
def nobody() -> Iterator[None]:
    """This process as another user of the machine."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@as_root
@pytest.mark.parametrize("words", [["status"], ["refusals"], ["partner", "list"], ["backup", "{}/copy"]])
def test_another_account_of_the_machine_learns_nothing(tmp_path: Path, words: list[str]) -> None:
    """T-58: the data folder is its owner's and root's."""
    data = tmp_path / "data"
    environ, words = {"PASSERELLE_DATA": str(data)}, [word.format(tmp_path) for word in words]
    made = CliRunner(env=environ).invoke(app, ["partner", "add", "bretagne"])
    assert 0 == made.exit_code, made.output
    data.chmod(0o700)
    CliRunner(env=environ).invoke(app, words)  # loads what the command needs
    with nobody():
        ended = CliRunner(env=environ).invoke(app, words)
    assert isinstance(ended.exception, CommandError), ended.exception
    said = str(ended.exception)
    assert said.startswith(str(data))
    assert any(reason in said for reason in ("Permission denied", "accès refusé")), said
    assert "" == ended.stdout


@as_root
def test_root_works_in_no_folder_of_another_user(tmp_path: Path) -> None:
    """The files that root would create there would stop the gateway."""
    environ = {"PASSERELLE_DATA": str(tmp_path / "data")}
    assert 0 == CliRunner(env=environ).invoke(app, ["partner", "add", "bretagne"]).exit_code
    os.chown(tmp_path / "data", NOBODY, NOBODY)
    for words in (["partner", "list"], ["serve"]):
        ended = CliRunner(env=environ).invoke(app, words)
        assert isinstance(ended.exception, CommandError)
        assert f"belongs to user {NOBODY}" in str(ended.exception)


def test_the_account_of_a_service_is_no_person(tmp_path: Path) -> None:
    """SEC-017."""
    environ = {"PASSERELLE_DATA": str(tmp_path / "data"), "LOGNAME": "nobody"}
    ended = CliRunner(env=environ).invoke(app, ["partner", "add", "bretagne"])
    assert isinstance(ended.exception, CommandError)
    assert "name yourself by --by" in ended.exception.step
    assert 0 == CliRunner(env=environ).invoke(app, ["partner", "add", "bretagne", "--by", "Jeanne"]).exit_code
