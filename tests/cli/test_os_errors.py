"""Every error of the operating system names its file and the next step, in every command."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.app import COMMANDS, app
from gateway.cli.console import CommandError
from gateway.cli.os_error import command_error, explain_os_errors

NUMBERS = [errno.EACCES, errno.ENOENT, errno.EISDIR, errno.EEXIST, errno.ENOSPC, errno.EMFILE, errno.EIO, errno.EROFS]
NOBODY = 65_534


def run(*words: object, data: Path) -> CommandError:
    """The error that a command ends with."""
    environ = {"PASSERELLE_DATA": str(data), "PASSERELLE_KAFKA": None}
    ended = CliRunner(env=environ).invoke(app, [str(word) for word in words])
    assert isinstance(ended.exception, CommandError), (ended.exception, ended.output)
    return ended.exception


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a gateway that has a partner."""
    folder = tmp_path / "data"
    assert 0 == CliRunner(env={"PASSERELLE_DATA": str(folder)}).invoke(app, ["partner", "add", "bretagne"]).exit_code
    return folder


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_error_has_its_file_its_reason_and_a_step(number: int, language: Any) -> None:
    text = command_error(OSError(number, os.strerror(number), "offers.ndjson"), language)
    assert str(text).startswith("offers.ndjson")
    assert text.step
    assert language == text.language


def test_where_the_system_names_no_file_those_of_the_command_are_named() -> None:
    """As when a disk is full."""
    single = typer.Typer(add_completion=False)

    @single.command()
    def fill(file: Path, lang: str = "fr") -> None:
        raise OSError(errno.ENOSPC, f"{file.suffix} {lang}")

    command = typer.main.get_command(single)
    explain_os_errors(command)
    with pytest.raises(CommandError, match=r"federation\.zip : "):
        command.callback(file=Path("federation.zip"), lang="fr")  # type: ignore[misc]  # typer's callback


def test_every_command_explains_them() -> None:
    """A command that a later version adds does so too: it is the group that wraps it."""
    with_files = list(COMMANDS)
    group: Any = typer.main.get_command(app)

    def callbacks(command: Any) -> Iterator[Any]:
        for one in getattr(command, "commands", {}).values():
            yield from callbacks(one)
        if command.callback is not None:
            yield command.callback

    for name in with_files:
        found = list(callbacks(group.get_command(None, name)))
        assert found
        assert {"gateway.cli.os_error"} == {one.__globals__["__name__"] for one in found}


def test_an_export_onto_a_file_says_to_name_another_one(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "federation.zip"
    there.touch()
    error = run("export", there, data=data)
    assert f"{there}: exists already" in str(error)
    assert "give another name" in error.step


@contextmanager
def nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize(
    "words",
    [
        ["partner", "list"],
        ["partner", "add", "normandie", "--by", "Jeanne"],
        ["export", "federation.zip"],
        ["keys", "list"],
        ["certificate", "verify", "data/some.jws", "--jwks", "data/jwks.json"],
        ["validate", "data/offers.ndjson"],
        ["publish", "data/offers.ndjson"],
        ["platform", "list"],
        ["platform", "draft", "data/feed.xml"],
        ["import", "data/federation.zip", "--check"],
    ],
)
def test_every_permission_denied_names_a_file(data: Path, words: list[str]) -> None:
    data.chmod(0o700)
    given = [str(data.parent / word) if word.startswith("data/") else word for word in words]
    CliRunner(env={"PASSERELLE_DATA": str(data)}).invoke(app, given)  # loads what the command needs
    with nobody():
        error = run(*given, data=data)
    assert str(data) in str(error)
    assert error.step
