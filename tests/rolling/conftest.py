"""The version before the present one, as a checkout of its own."""

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.faults.process import ROOT
from tests.recordings.recording import Recording


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commit that made the recorded topics (``about`` in tests/recordings/data), unpacked from git."""
    commit = Recording.read().about["commit"]
    command = ("git", "archive", commit, "schemas", "gateway", "adapters")
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert found.returncode == 0, f"git has no {commit}: fetch the whole history first ({found.stderr.decode()})"
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 has the first one
        archive.extractall(folder)
    look = (sys.executable, "-c", "import gateway; print(gateway.__file__)")
    used = subprocess.run(look, cwd=folder, capture_output=True, check=True, text=True).stdout
    assert used.startswith(str(folder)), f"a process in {folder} runs {used}"
    return folder
