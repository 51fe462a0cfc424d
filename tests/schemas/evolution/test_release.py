"""Releases on file: they never change, and give their own verdicts in a process of their own."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest

import schemas
from schemas.evolution import record
from schemas.evolution.process import INDEX, KEPT_VARIABLES, PROGRAM, RELEASES, TREE, Release, ReleaseError, names
from tests.schemas.documents import ON, SOUND, changed
from tests.schemas.evolution.scratch import scratch_tree

pytestmark = pytest.mark.slow
PRESENT = schemas.RELEASE


@pytest.mark.parametrize("name", names())
def test_the_files_of_a_release_never_change(name: str) -> None:
    folder = RELEASES / name
    index = orjson.loads((folder / INDEX).read_bytes())
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != INDEX
    }
    assert (name, index["sha256"]) == (index["release"], found)


@pytest.mark.parametrize("name", names())
def test_a_release_answers_with_the_data_on_file(name: str) -> None:
    with Release(name) as release:
        known = record.data_of(release.facts)
    assert known == {one: (RELEASES / name / one).read_bytes() for one in known}


@pytest.mark.parametrize("origin", [*names(), ".", str(TREE), str(RELEASES / PRESENT)])
def test_a_release_gives_its_verdict_by_name_folder_and_tree(origin: str) -> None:
    documents = [SOUND, changed(title="x" * 151), {"id": SOUND["id"], "revision": 2, "withdrawn": "filled"}, {}]
    with Release(origin) as release:
        answers = release.judge("submission", ON.isoformat(), documents)
        assert [True, False] == [one.accepted for one in release.judge("change", ON.isoformat(), [removal(), {}])]
    assert [True, False, True, False] == [answer.accepted for answer in answers]
    assert ("too-long",) == answers[1].codes


def removal() -> dict[str, object]:
    return {"op": "removal", "id": "a:1", "sequence": 1, "reason": "filled"}


def test_the_program_of_a_release_holds_no_other_release() -> None:
    for name in names():
        with zipfile.ZipFile(RELEASES / name / PROGRAM) as program:
            assert [] == [one for one in program.namelist() if "releases" in one or "evolution" in one]


def test_a_name_that_is_no_release_is_refused() -> None:
    with pytest.raises(ReleaseError, match="is unknown"):
        Release("1.0-1999.01")


def test_the_present_release_is_that_of_the_running_program_not_of_the_folder(tmp_path: Path) -> None:
    scratch_tree(tmp_path)
    program = "from schemas.evolution.process import command_of; print(command_of('.')[-1])"
    found = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert str(TREE / "schemas" / "evolution" / "answer.py") == found.stdout.strip()


def test_a_program_that_ends_early_is_an_error(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_bytes(b"{}")
    (tmp_path / PROGRAM).write_text("raise SystemExit(1)")
    with pytest.raises(ReleaseError, match="is silent"), Release(str(tmp_path)) as release:
        release.judge("submission", ON.isoformat(), [SOUND])


SPY = """import json, os, sys
try:
    os.write(os.open({file!r}, os.O_WRONLY | os.O_CREAT), b"x")
except OSError as error:
    refused = error.strerror
sys.stdin.readline()
print(json.dumps([refused, sorted(os.environ)]), flush=True)
"""


def test_a_program_gets_no_secret_and_writes_no_file(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_bytes(b"{}")
    (tmp_path / PROGRAM).write_text(SPY.format(file=str(tmp_path / "written")))
    with Release(str(tmp_path)) as release:
        refused, variables = release.facts
    assert ("File too large", set()) == (refused, {*variables} - {*KEPT_VARIABLES, "LC_CTYPE"})
    assert b"" == (tmp_path / "written").read_bytes()
