"""The reference libraries of Standard Webhooks for JavaScript and Java accept a push of their subscription, no other.

[PSH-006] Python's is in ``test_signature.py``.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import now
from gateway.protocol.subscription import SigningKey, rotated
from tests.clients.openapi_generator import jars
from tests.clients.tools import node_modules, run
from tests.push.test_signature import BODY, ONE, secret_of, signed

HERE = Path(__file__).parent
ACCEPTED = [True, True, True, False, False, False, False]


def pushes() -> list[tuple[str, dict[str, str]]]:
    """Secrets and headers, signed now: a push is too old after five minutes."""
    both = rotated(ONE, "22" * 16, now=now())
    return [
        (secret_of(ONE), signed()),
        (secret_of(both), signed(both)),
        (secret_of(both, number=1), signed(both)),
        (secret_of(replace(ONE, id="b2")), signed()),
        (secret_of(replace(ONE, keys=(SigningKey(nonce="01" * 16),))), signed()),
        (secret_of(ONE), {**signed(), "webhook-id": "msg_2"}),
        (secret_of(ONE), signed(later=-600_000)),
    ]


@pytest.mark.node
@pytest.mark.timeout(600)
def test_the_library_for_javascript_accepts_its_own_pushes_alone(tmp_path: Path) -> None:
    shutil.copy(HERE / "verify.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(node_modules())
    found = [{"secret": secret, "body": BODY.decode(), "headers": headers} for secret, headers in pushes()]
    (tmp_path / "pushes.json").write_text(json.dumps(found), encoding="utf-8")
    assert ACCEPTED == json.loads(run(["node", "verify.mjs", "pushes.json"], tmp_path))


@pytest.mark.generator
@pytest.mark.timeout(600)
def test_the_library_for_java_accepts_its_own_pushes_alone(tmp_path: Path) -> None:
    path = ":".join(map(str, jars().iterdir()))
    run(["javac", "-encoding", "UTF-8", "-d", str(tmp_path), "-cp", path, str(HERE / "Verify.java")], tmp_path)
    lines = [
        line
        for secret, headers in pushes()
        for line in (secret, BODY.decode(), *(f"{name}={value}" for name, value in headers.items()))
    ]
    (tmp_path / "pushes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = run(["java", "-Dfile.encoding=UTF-8", "-cp", f"{tmp_path}:{path}", "Verify", "pushes.txt"], tmp_path)
    assert ACCEPTED == json.loads(found)
