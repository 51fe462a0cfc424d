"""The printed hints: commands to paste into another terminal."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import split

import pytest

from gateway.demo.hints import command


@pytest.fixture
def path() -> Iterator[Callable[[Path], None]]:
    """Sets where commands are looked for."""
    before = os.environ["PATH"]
    yield lambda folder: os.environ.update(PATH=str(folder))
    os.environ["PATH"] = before


def test_the_command_is_called_as_it_was_started_where_its_name_finds_nothing(
    path: Callable[[Path], None], tmp_path: Path
) -> None:
    path(tmp_path)
    assert [str(Path.cwd() / "a folder" / "passerelle")] == split(command("a folder/passerelle"))


def test_the_command_is_called_by_its_name_where_that_finds_it(path: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "passerelle").symlink_to(sys.executable)
    path(tmp_path)
    assert "passerelle" == command("/somewhere/else/passerelle")
