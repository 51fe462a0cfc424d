"""A complete set of any size takes the client no more memory than a small one."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.clients.python.servers import serving
from tests.clients.python.shell import environ_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SMALL, LARGE = 20_000, 200_000
PROGRAM = """
import resource, sys
from passerelle_client import Connection, Revisions, Publisher, snapshot

def export():
    for number in range(int(sys.argv[1])):
        yield {"id": f"bretagne:{number}", "title": "Découverte d’un atelier", "description": f"{number} " * 60}

summary = snapshot(Publisher(Connection.from_environment(), Revisions("revisions.db")), export)
assert summary.counts == {"accepted": int(sys.argv[1])}, summary
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Handler(BaseHTTPRequestHandler):
    """Takes any upload, keeps nothing, and answers as the gateway does: the first 10,000 results and all letters."""

    protocol_version = "HTTP/1.1"
    number = 0

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"]) if "Content-Length" in self.headers else 0
        while left:
            left -= len(self.rfile.read(min(left, 1 << 16)))
        body: dict[str, Any] = {"access_token": "t", "expires_in": 3600}
        if self.path.startswith("/v1/snapshots/marks"):
            body = {"mark": "m", "expires_at": "2027-01-01T00:00:00Z"}
        elif self.path.startswith("/v1/snapshots"):
            status = {"status": "accepted", "receipt": "rAAAAAAAAAAAAAAAAAAAAAA"}
            results = [{"index": at, "id": f"bretagne:{at}", **status} for at in range(10_000)]
            body = {"results": results, "statuses": "a" * self.number, "rules": {}, "warnings": {}, "withdrawn": 0}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def peak(folder: Path, number: int) -> int:
    """The most memory of a process that sends a complete set, in kB."""
    folder.mkdir()
    with serving(type("Swallowing", (Handler,), {"number": number})) as url:
        command = [sys.executable, "-c", PROGRAM, str(number)]
        done = subprocess.run(command, cwd=folder, env=environ_of(url), capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return int(done.stdout)


def test_a_set_ten_times_as_large_takes_no_more_memory(tmp_path: Path) -> None:
    small, large = peak(tmp_path / "small", SMALL), peak(tmp_path / "large", LARGE)
    assert large < 1.2 * small, f"{small} kB, then {large} kB"
