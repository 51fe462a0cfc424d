"""The steps of docs/client.md, in order, on a fresh mock."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.python.servers import mocked
from tests.clients.python.shell import ROOT, environ_of

pytestmark = pytest.mark.smoke

BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["docs/client.md", "docs/fr/client.md"])
def test_the_steps_of_the_guide_work_unchanged(page: str, tmp_path: Path) -> None:
    """Those in Python are one program, those for a shell one script; both end well."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert {"python", "sh"} == {language for language, _ in blocks}
    programs: dict[str, list[str]] = {"python": [], "sh": ["set -euo pipefail\n"]}
    for language, body in blocks:
        programs[language].append(body)
    with mocked() as mock:
        environ: dict[str, Any] = {"cwd": tmp_path, "env": environ_of(mock.url), "timeout": 100}
        for command in (["python", "-c"], ["bash", "-c"]):
            script = "".join(programs["sh" if command[0] == "bash" else "python"])
            ended = subprocess.run([*command, script], check=False, capture_output=True, text=True, **environ)
            assert 0 == ended.returncode, ended.stdout + ended.stderr
            assert "120" in ended.stdout
