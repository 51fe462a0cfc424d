"""The command as users run it, against a mock or another gateway."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def environ_of(url: str, client_id: str = "bretagne", secret: str = "essai") -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT / "clients/python"),
        "PASSERELLE_URL": url,
        "PASSERELLE_CLIENT_ID": client_id,
        "PASSERELLE_CLIENT_SECRET": secret,
    }


def run(folder: Path, url: str, *words: str, give: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "passerelle_client.command", *words]
    environ = {**environ_of(url), **environ}
    return subprocess.run(
        command, cwd=folder, env=environ, input=give, capture_output=True, text=True, timeout=60, check=False
    )
